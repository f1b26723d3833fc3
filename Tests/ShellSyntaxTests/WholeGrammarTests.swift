import ShellSyntax
import Testing

@Suite("All of the shell language", .timeLimit(.minutes(5)))
struct WholeGrammarTests {
    private static func names(_ text: String) throws -> [[String]] {
        try ShellScript.parse(text, as: .whole).commands.map { $0.words.map(\.value) }
    }

    @Test(
        "finds the commands in every place where one can stand",
        arguments: [
            "#", "( # )", "{ #; }", "! #", "a; #", "a & #", "a | #", "a |& #", "a && #", "$(#)", "\"$(#)\"", "`#`",
            "\"`#`\"", "a $(#)", "x=$(#)", "x=($(#))", "a <(#)", "a >(#)", "a > $(#)", "a <<< $(#)", "$(( $(#) ))",
            "${x:-$(#)}", "\"${x:-$(#)}\"", "if #; then a; fi", "if a; then #; fi", "if a; then b; else #; fi",
            "while #; do a; done", "until a; do #; done", "for i in $(#); do a; done", "for i in a; do #; done",
            "case $(#) in a) b;; esac", "case a in a) #;; esac", "case a in (a|b) #;; c) d;; esac", "f() { #; }",
            "function f { #; }", "[[ -n $(#) ]]", "a <<X\n$(#)\nX\n", "a <<-X\n\t`#`\n\tX\n", "a \\\n; #",
            "time #", "@($(#)|b)", "$(a $(b `#`))",
        ])
    func places(hole: String) throws {
        let text = hole.split(separator: "#", omittingEmptySubsequences: false).joined(separator: "rm x")
        #expect(try Self.names(text).contains(["rm", "x"]), "\(text)")
    }

    @Test(
        "takes for data what is none of the shell's",
        arguments: [
            "a '$(rm x)'", "a \\$\\(rm x\\)", "a <<'X'\n$(rm x)\nX\n", "a <<X\nrm x\nX\n", "a # rm x",
            "for i in rm x; do a; done", "case rm in rm) a;; esac",
        ])
    func data(text: String) throws {
        let names = try? Self.names(text)
        #expect(names?.contains(["rm", "x"]) != true, "\(text)")
    }

    @Test("says what each word is made of")
    func words() throws {
        let script = try ShellScript.parse("A=1 'B'=2 x \"$y\" z* '*' 2>>log <in >&2 <<<now", as: .whole)
        let command = try #require(script.commands.first)
        #expect(command.assignments.map(\.value) == ["A=1"])
        #expect(command.words.map(\.value) == ["B=2", "x", "$y", "z*", "*"])
        #expect(command.words.map(\.isFixed) == [true, true, false, true, true])
        #expect(command.words.map(\.isLiteral) == [true, true, false, false, true])
        #expect(command.redirections.map(\.kind) == [.append, .input, .duplicate, .hereString])
        #expect(command.redirections.map(\.descriptor) == [2, 0, 1, 0])
        #expect(command.redirections.map(\.writes) == [true, false, false, false])
        #expect(command.redirections.map(\.opensFile) == [true, true, false, false])
        #expect(command.document == "now")
    }

    @Test("knows functions, and who is fed by whom")
    func structure() throws {
        let script = try ShellScript.parse("f() { a | b; }; function g { c; }; cat <<X | sh\ndoc\nX\n", as: .whole)
        #expect(script.functions == ["f", "g"])
        #expect(script.commands.map(\.name) == ["a", "b", "c", "cat", "sh"])
        #expect(script.commands.map(\.readsPipe) == [false, true, false, false, true])
        #expect(script.commands.map(\.controlOperator) == [.pipe, .sequence, .sequence, .pipe, nil])
        #expect(script.commands[3].document == "doc\n")
    }

    @Test(
        "refuses what can't be taken apart",
        arguments: [
            "a 'b", "a \"b", "a $'b", "a `b", "a $(b", "a ${b", "a $((1", "(a", "a)", "a (b", "f(x)", "[[ a", "x=(a",
            "case a b", "a >", "function f (x", "for i in (",
            String(repeating: "(", count: 50), String(repeating: "$(", count: 50),
            "\"" + String(repeating: "${x:-\"", count: 200), String(repeating: "a ", count: 100_001),
        ])
    func refused(text: String) {
        #expect(throws: ShellRefusal.self) { try ShellScript.parse(text, as: .whole) }
    }
}
