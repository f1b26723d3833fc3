import PowerShellSyntax
import Testing

@Suite("Limits", .timeLimit(.minutes(5))) struct LimitTests {
    /// Texts that grow without end when they are repeated.
    static let hostile: [String] = [
        "(", "((", "{", "$(", "@(", "@{a=", "[a[", "[a[[", "[a]", "-not ", "!", "- ", ",", "$a=", "\"$(", "a\"$(",
        "@\"\n$(",
        "if(1){", "&{", "1+", "1+(", "$a.", "$a[", ".b", "::b", "[0]", "a|", "a&&", "a;", "a\n", "a,", "\"", "\"\"",
        "'", "`",
        "``", "#", "<#", "$", "$$", "${", "@", "@'\n", "@\"\n", ":", "::", "--", "--% ", ">", "<", "2>&1 ", "1>", "?",
        "??",
        "$a?1:", "{[a({", "{[a()]", "[a(", "class A {", "function f {", "function f($x=", "switch(1){a{", "try{",
        "trap{",
        "data{", "foreach($a in ", "param(", "begin{", "using namespace a\n", "# SIG # Begin signature block\n",
        "#requires -modules a\n", "0x", "9", "1e", "\u{2028}", "a`\n", "a `\r\n", "\u{0}", "foo{1}.b(", "$a.b[c](",
        "@{a=1}+", "\"a$x", "\"$x\"", "$x=", "else{", ":l ", ";;;", "[int]::a(", "a -b:", "a 'b'", "$a.b.c(", "-split ",
    ]

    @Test("an eighth of a megabyte of any pattern ends, on half a megabyte of stack", arguments: hostile)
    func hostileText(pattern: String) {
        let unit = Array(pattern.utf16)
        var units: [UInt16] = []
        units.reserveCapacity(1 << 17)
        while units.count + unit.count <= 1 << 17 { units.append(contentsOf: unit) }
        let source = units
        nonisolated(unsafe) var outcome: (errors: Int, items: Int)?
        // The closure runs to its end before `run` returns: nothing reads the variable at the same time.
        let ran = SmallStack.run {
            let script = PowerShellParser.parse(utf16: source)
            outcome = (script.errors.count, ScriptFacts(of: script).items.count)
        }
        #expect(ran)
        #expect(outcome.map { $0.errors <= 1 } == true)
    }

    @Test("nesting within reason is read", arguments: ["(", "{", "$(", "@("])
    func reasonableNesting(opening: String) {
        let closing = opening == "{" ? "}" : ")"
        let text = String(repeating: opening, count: 24) + "foo" + String(repeating: closing, count: 24)
        let facts = ScriptFacts(of: PowerShellParser.parse(text))
        #expect(facts.errors.isEmpty)
        #expect(facts.items.contains { if case .command = $0.detail { true } else { false } })
    }

    @Test("nesting beyond reason is an error and no crash", arguments: ["(", "{", "$(", "@{a=", "-not ", "$a=", "&{"])
    func hostileNesting(opening: String) {
        let script = PowerShellParser.parse(String(repeating: opening, count: 100_000))
        #expect(script.errors.map(\.id) == ["ScriptTooComplicated"])
    }

    @Test("a text beyond the length limit is not read")
    func length() {
        var limits = ParserLimits()
        limits.length = 10
        #expect(PowerShellParser.parse("Get-Mailbox", limits: limits).errors.map(\.id) == ["ScriptTooComplicated"])
        #expect(PowerShellParser.parse("Get-Mail", limits: limits).errors.isEmpty)
    }

    @Test("a caller with more stack may read deeper nesting")
    func deeperStack() {
        let text = String(repeating: "(", count: 400) + "foo" + String(repeating: ")", count: 400)
        nonisolated(unsafe) var errors: [String]?
        // The closure runs to its end before `run` returns: nothing reads the variable at the same time.
        let ran = SmallStack.run(bytes: 64 << 20) {
            var limits = ParserLimits()
            limits.stackBytes = 32 << 20
            errors = PowerShellParser.parse(text, limits: limits).errors.map(\.id)
        }
        #expect(ran)
        #expect(errors == [])
    }

    @Test("a tree may outlive the value that holds it, and a deep one goes without recursion")
    func lifetime() {
        let root = PowerShellParser.parse("foo; bar").root
        #expect(root?.body?.statements.count == 2)
        let long = String(repeating: "$x.y; ", count: 100_000)
        #expect(PowerShellParser.parse(long).root?.body?.statements.count == 100_000)
    }
}
