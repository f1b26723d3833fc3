import PowerShellSyntax
import Testing

@Suite("Facts", .timeLimit(.minutes(5))) struct FactTests {
    private func facts(_ text: String) -> [ScriptFact.Detail] {
        ScriptFacts(of: PowerShellParser.parse(text)).items.map(\.detail)
    }

    @Test(
        "the call of a base constructor is a call, with what its arguments call",
        arguments: [
            ("class A {} class B : A { B($x) : base($x) {} }", [".ctor/1"]),
            ("class A {} class B : A { B() : base($a.b(1), (foo)) {} }", [".ctor/2", "b/1"]),
            ("class A {} class B : A { B() : base() {} }", [".ctor/0"]), ("class A { A() {} }", []),
        ] as [(String, [String])])
    func baseCalls(text: String, calls: [String]) {
        let found = facts(text).compactMap { detail in
            if case .call(let call) = detail { "\(call.name ?? "?")/\(call.argumentCount)" } else { nil }
        }
        #expect(found == calls)
    }

    @Test(
        "what is written through a call is a member",
        arguments: [
            ("$a.b() = 1", "b"), ("$a.Item(1) = 2", "Item"), ("++$x.M()", "M"), ("$x.M()--", "M"),
            ("[int]$a.b(1) = 1", "b"), ("[a]::b() = 1", "b"), ("$a.$b() = 1", nil), ("$a.b(1).c = 1", "c"),
        ] as [(String, String?)])
    func callTargets(text: String, name: String?) {
        let targets = facts(text).compactMap { detail -> String?? in
            if case .setMember(let name, _) = detail { .some(name) } else { nil }
        }
        #expect(targets == [name])
        #expect(!facts(text).contains { if case .setOther = $0 { true } else { false } })
    }

    @Test(
        "a mark for the end of parameters is no command that the text names", arguments: ["& --", ". --", "& -- foo"])
    func dashesInFirstPlace(text: String) {
        guard case .command(let command)? = facts(text).first else {
            Issue.record("no command")
            return
        }
        #expect(command.name == nil)
        #expect(command.head == .dynamic(.other, name: nil))
        #expect(!command.arguments.contains { if case .parameter = $0 { true } else { false } })
    }

    @Test(
        "an alias is bound as the engine binds it",
        arguments: [
            ("New-Alias a b", "a", "b"), ("sal -Value b a", "a", "b"), ("New-Alias a 1", "a", nil),
            ("sal -Forc`e: a b", "b", nil), ("sal -Nothing a b c", "b", "c"), ("sal -Force a b", "a", "b"),
            ("sal -Name a -Name b c", "a", "c"), ("sal -\u{212A}: a b", nil, nil), ("nal $x b", nil, "b"),
        ] as [(String, String?, String?)])
    func aliases(text: String, name: String?, value: String?) {
        let aliases = facts(text).compactMap { detail in
            if case .alias(let name, let value) = detail { [name, value] } else { nil }
        }
        #expect(aliases == [[name, value]])
    }
}
