import PowerShellSyntax
import Testing

@Suite("Words", .timeLimit(.minutes(5))) struct WordTests {
    /// The first command of a text: its name and its arguments in the short JSON form.
    private func command(_ text: String) -> CommandFact? {
        for item in ScriptFacts(of: PowerShellParser.parse(text)).items {
            if case .command(let command) = item.detail { return command }
        }
        return nil
    }

    @Test(
        "a command name is the decoded value of its word",
        arguments: [
            ("Get-Mailbox", "Get-Mailbox"), ("Get-\"Mail\"'box'", "Get-Mailbox"), ("Get-Mai`lb`ox", "Get-Mailbox"),
            ("Get-Mail\"\"box", "Get-Mailbox"), ("`u{47}et-x", "Get-x"), ("G`et", "G\u{1B}t"), ("7z x", "7z"),
            ("3com", "3com"), ("1.5GBx", "1.5GBx"), ("% x", "%"), ("? x", "?"), ("-foo", "-foo"), (">x foo", ">"),
            ("\\dir\\x", "\\dir\\x"), ("~/x", "~/x"), ("*x", "*x"), ("!foo", "!foo"), ("Get-$x", "Get-$x"),
            ("x = 1", "x"), ("a2>b", "a2>b"), ("foo>x", "foo>x"), ("1?2:3", "1?2:3"), ("a#b", "a#b"),
            ("M\\N", "M\\N"), ("global:x", "global:x"), (":l x", ":l"), ("& 'a b'", "a b"), (". \"x\"", "x"),
            ("&if", "if"), ("foo\u{85}bar", "foo"), ("Get\u{2013}Mailbox", "Get\u{2013}Mailbox"),
            ("foo\u{200B}", "foo\u{200B}"), ("\u{FEFF}foo", "\u{FEFF}foo"),
        ])
    func names(text: String, name: String) {
        #expect(command(text)?.name == name)
    }

    @Test(
        "a name that is known at run time only is no constant",
        arguments: ["& $x", "& (foo)", "& \"a$x\"", ". $x", "& {foo}", "& $x.y", "& 5", "& $a[0]"])
    func dynamicNames(text: String) {
        let command = command(text)
        #expect(command != nil)
        #expect(command?.name == nil)
        #expect(command?.head != nil)
    }

    @Test(
        "a parameter name runs to a hard stop, `.`, `[` or colon and knows no escapes",
        arguments: [
            ("foo -a", "a"), ("foo -Id`entity", "Id`entity"), ("foo -a.b", "a"), ("foo -a[0]", "a"), ("foo -a:b", "a"),
            ("foo -?", "?"), ("foo \u{2013}Confirm", "Confirm"), ("foo -a=b", "a=b"), ("foo -- -a", "-"),
        ])
    func parameters(text: String, name: String) {
        guard case .parameter(name, _)? = command(text)?.arguments.first else {
            Issue.record("\(text) has no parameter \(name)")
            return
        }
    }

    @Test(
        "what only looks like a parameter is a string",
        arguments: [
            ("foo -Fo'rce'", "-Force"), ("foo -1.x", "-1.x"), ("foo -", "-"), ("foo -=", "-="), ("foo ->", "->"),
            ("foo --a", "--a"), ("foo -.5", "-.5"), ("foo [int]5", "[int]5"), ("foo 1..3", "1..3"), ("foo =1", "=1"),
            ("foo .b", ".b"), ("foo a>b", "a>b"), ("foo 128y", "128y"),
        ])
    func strings(text: String, value: String) {
        #expect(command(text)?.arguments.first == .value(.string(value)))
    }

    @Test(
        "behind --% the rest of the line is one string",
        arguments: [
            ("foo --% a ; $b > c # d", "a ; $b > c # d"), ("foo --% a | b", "a "), ("foo --% \"a | b\" ", "\"a | b\" "),
            ("foo --% a && b", "a "), ("foo --% a\nb", "a"), ("foo '--%' -a ; b", "-a ; b".replacingDash),
        ])
    func verbatim(text: String, rest: String) {
        let arguments = command(text)?.arguments
        #expect(arguments?.first == .value(.string("--%")))
        #expect(arguments?.dropFirst().first == .value(.string(rest)))
    }

    @Test("a quoted word joins nothing behind it, a bare one does")
    func quotes() {
        #expect(command("foo 'a'b")?.arguments == [.value(.string("a")), .value(.string("b"))])
        #expect(command("foo a'b'")?.arguments == [.value(.string("ab"))])
    }

    @Test(
        "numbers keep text, type and value",
        arguments: [
            ("1", "Int32", "1"), ("0x1F", "Int32", "31"), ("0xFFFFFFFF", "Int32", "-1"), ("0b101", "Int32", "5"),
            ("0xFFFFFFFFFFFFFFFF", "Int64", "-1"), ("2147483648", "Int64", "2147483648"), ("1kb", "Int32", "1024"),
            ("9223372036854775808", "Decimal", "9223372036854775808"), ("1.5", "Double", "1.5"),
            ("1e3", "Double", "1000"),
            ("1e20", "Double", "1E+20"), ("1.5d", "Decimal", "1.5"), ("1uy", "Byte", "1"), ("1n", "BigInteger", "1"),
            ("100000000000000000000000000000000n", "BigInteger", "100000000000000000000000000000000"),
            ("1.5l", "Int64", "2"), ("2.5l", "Int64", "2"), ("1ul", "UInt64", "1"),
            ("4294967296u", "UInt64", "4294967296"),
            ("1e400", "Double", "Infinity"), (".5", "Double", "0.5"), ("0x80000000", "Int32", "-2147483648"),
            ("79228162514264337593543950336", "Double", "7.922816251426434E+28"), ("0.00001", "Double", "1E-05"),
            ("1.5kb", "Double", "1536"), ("0b11111111", "Int32", "-1"), ("0xFFy", "SByte", "-1"),
            ("1pb", "Int64", "1125899906842624"),
        ])
    func numbers(text: String, type: String, value: String) {
        guard case .number(let number)? = ScriptFacts(of: PowerShellParser.parse(text)).items.first?.detail else {
            Issue.record("\(text) is no number")
            return
        }
        #expect(number.text == text)
        #expect(number.value.typeName == type)
        #expect(number.value.invariantText == value)
    }

    @Test("numbers that no type holds are errors", arguments: ["0x1FFFFFFFFFFFFFFFF", "128y", "1e30l", "1e400d"])
    func badNumbers(text: String) {
        #expect(PowerShellParser.parse(text).errors.map(\.id) == ["BadNumericConstant"])
    }

    @Test(
        "a path splits into scope or drive and name",
        arguments: [
            ("$a", VariablePath.Qualifier.none, "a"), ("$global:a", .global, "a"), ("$LOCAL:a", .local, "a"),
            ("$script:a", .script, "a"), ("$private:a", .private, "a"), ("$variable:a", .variable, "a"),
            ("$env:PATH", .drive("env"), "PATH"), ("${C:\\x.txt}", .drive("C"), "\\x.txt"),
            ("$function:f", .drive("function"), "f"),
            ("${a b}", .none, "a b"), ("$a?", .none, "a?"),
        ])
    func paths(text: String, qualifier: VariablePath.Qualifier, name: String) {
        guard case .variable(let path, _)? = ScriptFacts(of: PowerShellParser.parse(text)).items.first?.detail else {
            Issue.record("\(text) is no variable")
            return
        }
        #expect(path.qualifier == qualifier)
        #expect(path.name == name)
    }
}

extension String {
    /// A parameter before which a quoted `--%` stands is swallowed.
    fileprivate var replacingDash: String { String(drop { $0 != ";" }) }
}
