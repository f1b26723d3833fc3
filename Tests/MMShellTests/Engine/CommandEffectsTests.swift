import MMCore
import Testing

@testable import MMShell

@Suite("The possible effects of a command on its shell", .timeLimit(.minutes(10)))
struct CommandEffectsTests {
    @Test(
        "plain programs have none",
        arguments: ["echo hi", "ls -la | grep x && pwd; git status", "terraform plan > out.txt"])
    func harmless(text: String) {
        let effects = CommandEffects(of: text, known: true)
        #expect(!effects.mayExport)
        #expect(!effects.mayRedefine)
        #expect(CommandEffects(of: text, known: false).mayExport)
    }

    @Test(
        "an unclear text may have any",
        arguments: [
            "a=1", "f() { :; }", "$x", "`x`", ". ./x", "source x", "eval ls", "alias ls=rm", "set -a", "printf -v A x",
            "read A", "declare -x A=1", "ls; typeset -x B=1", "if true; then export A=1; fi", "{ export A=1; }", "",
        ])
    func everything(text: String) {
        let effects = CommandEffects(of: text, known: true)
        #expect(effects.mayExport)
        #expect(effects.mayRedefine)
    }

    @Test("some commands set variables", arguments: ["cd /usr", "export A=1", "unset A; ls", "ls && cd .."])
    func variables(text: String) {
        let effects = CommandEffects(of: text, known: true)
        #expect(effects.mayExport)
        #expect(!effects.mayRedefine)
    }

    @Test(
        "decide with its form whether it may be sent on one line",
        arguments: [
            ("echo hi", true), ("echo a && echo b 2>&1", true), ("sleep 1 &", false), ("a 2>&1 & b", false),
            ("return 7", false),
            ("cat <<X", false), ("a\nb", false), ("echo \\", false), ("echo 'it''s'", true), ("ls &>x", true),
        ])
    func lines(text: String, fits: Bool) {
        #expect(ShellDialect(kind: .zsh).fitsLine(text, .everything) == fits)
        #expect(!ShellDialect(kind: .zsh).fitsLine(text + String(repeating: "x", count: 200), .everything))
        #expect(!ShellDialect(kind: .dash).fitsLine(text + String(repeating: "x", count: 1000), .everything))
    }

    @Test("a line for bash must start nothing that bash would report")
    func linesOfBash() {
        for (text, fits) in [("echo hi", true), ("cd /tmp", true), ("ls", false), ("f", false)] {
            #expect(
                ShellDialect(kind: .bash).fitsLine(text, CommandEffects(of: text, known: true)) == fits, "\(text)")
        }
    }

    @Test(
        "a command that changes the session's own names is refused, and no other",
        arguments: [
            ("readonly __mm_i=1", true), ("__mm_end() { :; }", true), ("unset __mm_d", true), ("read -r __mm_c", true),
            ("echo $__mm_i", false), ("set | grep __mm_", false), ("printf() { :; }", false), ("a__mm_=1", false),
        ])
    func ownNames(text: String, isRefused: Bool) {
        #expect(isRefused == ((try? ShellCommand(text).check()) == nil))
    }
}
