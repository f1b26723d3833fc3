import ShellSyntax
import Testing

@Suite("The accepted shell grammar", .timeLimit(.minutes(5)))
struct ShellParserTests {
    static func names(_ text: String) throws -> [[String]] {
        try ShellScript.parse(text).commands.map { $0.words.map(\.value) }
    }

    @Test(
        "reads plain commands",
        arguments: [
            ("ls -la", [["ls", "-la"]]), ("a|b && c || d; e\nf", [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]]),
            (#"echo 'a b' "c d" e\ f "x\"y\z""#, [["echo", "a b", "c d", "e f", "x\"y\\z"]]),
            ("'l's \"-\"l", [["ls", "-l"]]), ("echo a # rest $x\n# more\nb", [["echo", "a"], ["b"]]),
            ("a \\\n  b", [["a", "b"]]), ("a |\n b", [["a"], ["b"]]),
            ("echo a#b '$x' !", [["echo", "a#b", "$x", "!"]]),
            ("echo ''", [["echo", ""]]), ("l\\\ns", [["ls"]]), ("echo é ü 漢字 €", [["echo", "é", "ü", "漢字", "€"]]),
        ])
    func plain(text: String, expected: [[String]]) throws {
        #expect(try Self.names(text) == expected)
    }

    @Test("reads redirections")
    func redirections() throws {
        let command = try #require(try ShellScript.parse("a <in 2>>err >out x 2>&1").commands.first)
        #expect(command.words.map(\.value) == ["a", "x"])
        #expect(command.redirections.map(\.kind) == [.input, .append, .output, .duplicate])
        #expect(command.redirections.map(\.descriptor) == [0, 2, 1, 2])
        #expect(command.redirections.map(\.target.value) == ["in", "err", "out", "1"])
    }

    @Test("distinguishes patterns from literal words")
    func patterns() throws {
        let words = try #require(try ShellScript.parse("ls *.c '*' \\* ~ a~ x[1] --f=~/x").commands.first).words
        #expect(words.map(\.isLiteral) == [true, false, true, true, false, true, false, false])
    }

    @Test(
        "refuses everything else",
        arguments: [
            "", " ", "# only", "$x", "echo $x", "echo \"$x\"", "echo `id`", "echo \"`id`\"", "(id)", "{ id; }",
            "a{b,c}",
            "a &", "a & b", "a |& b", "a &> f", "a <<X\nX", "a <<< x", "a <(b)", "a >(b)", "a >| f", "a <> f", "a <&3",
            "a >&3", "a >&f", "a 3>f", "a 10>f", "a >", "a > > b", "> f", "| a", "a |", "a &&", "a || ; b", "a ;; b",
            "&& a",
            "if true", "! a", "while a", "x=1", "x=1 a", "'x=1' a", "PATH=/tmp ls", "l* a", "~/a", "r[m] x", "?s",
            "'' a",
            "function f", "[[ a ]]", "time a", "f() { a; }", "echo 'a", "echo \"a", "echo \\", "a\rb", "a\r\n",
            "a\u{0}b",
            "a\u{1B}b", "a\u{7F}", "ls\u{A0}-l", "ls\u{2003}x", "\u{FEFF}ls", "rm\u{200B}", "a\u{3000}b", "a\u{85}b",
            "a >*", "a > ~/x", "a > ''", "coproc a", "select x", "for x", "'if' x", "a <\nb",
        ])
    func refused(text: String) {
        #expect(throws: ShellRefusal.self) { try ShellScript.parse(text) }
    }

    @Test("reports the kind and place of an error")
    func words() {
        do throws(ShellRefusal) {
            _ = try ShellScript.parse("ls\necho $HOME")
            Issue.record("accepted")
        } catch {
            #expect(error.description == "a variable or substitution ($) in line 2")
            #expect(error.offset == 8)
        }
    }

    @Test("takes linear time, and never crashes", arguments: 0..<40)
    func fuzz(seed: UInt64) {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        let alphabet = Array("ab 'x\"\\;|&<>\n#*?[~=1$`(){}!é\u{A0}\t")
        for _ in 0..<200 {
            var text = ""
            for _ in 0..<(state % 40) {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text.append(alphabet[Int((state >> 33) % UInt64(alphabet.count))])
            }
            state = state &* 6_364_136_223_846_793_005 &+ 1
            let whole = try? ShellScript.parse(text, as: .whole)
            guard let script = try? ShellScript.parse(text) else { continue }
            // The plain grammar is a part of the whole one, and has the same meaning there.
            #expect(whole == script, "\(text)")
            #expect(script.commands.allSatisfy { !$0.words.isEmpty && !$0.name.isEmpty })
            #expect(script.commands.last?.controlOperator == nil)
        }
    }

    @Test("reads a mebibyte of quotes and refuses more", arguments: ["a ", "'a' ", "\"a\\\\\" ", "\\a", "a|", "a;\n"])
    func long(piece: String) {
        let text = "x " + String(repeating: piece, count: (1 << 20) / piece.utf8.count - 4) + " y"
        #expect(throws: Never.self) { _ = try ShellScript.parse(text) }
        #expect(throws: ShellRefusal.self) { _ = try ShellScript.parse(text + String(repeating: "z", count: 64)) }
    }
}
