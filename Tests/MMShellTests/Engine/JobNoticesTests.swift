import Glibc
import Testing

@testable import MMShell

@Suite("A shell's messages about jobs", .timeLimit(.minutes(10)))
struct JobNoticesTests {
    private static func kept(_ kind: ShellKind, _ text: String, pieces: Int, of command: String = "x &") -> String? {
        guard var notices = JobNotices(kind, of: ShellCommand(command)) else { return nil }
        var out: [UInt8] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            out += Array(bytes[start..<min(bytes.count, start + pieces)]).withUnsafeBytes { notices.filter($0) }
        }
        return String(decoding: out + notices.finish(), as: UTF8.self)
    }

    @Test(
        "are removed from its errors, whatever the pieces", arguments: [1, 2, 3, 7, 1000],
        [
            (ShellKind.bash, "[1]+  Done                    sleep 0.2\n", ""),
            (.bash, "a\n[12]-  Exit 3                  ( sleep 1; exit 3 )\nb\n", "a\nb\n"),
            (.bash, "[1]   Terminated              sleep 9 | cat\nb", "b"),
            (.bash, "[1]+  Done                    for i in 1 2;\ndo\n    echo $i;\ndone > x\nafter\n", "after\n"),
            (.bash, "[1]+  Done                    if a; then\n    b;\nelse\n    c;\nfi\n    mine\n", "    mine\n"),
            (.bash, "[1]+  Done                    while a; do\n    b;\nmine\n", "mine\n"),
            (.bash, "[1]+  Done                    ( for i in 1 2; do\n    a;\ndone )\nFG\n", "FG\n"),
            (
                .bash, "[1]+  Done                    ( if a; then\n    b;\nelse\n    c;\nfi; e )\n    mine\n",
                "    mine\n"
            ),
            (
                .bash,
                "[1]+  Done                    ( for i in 1; do\n    a;\ndone; for j in 2; do\n    b;\ndone )\nx", "x"
            ),
            (.bash, "[1]+  Done                    ( for i in 1 2;\ndo\n    a;\ndone )\nFG\n", "FG\n"),
            (.bash, "[1]+  Done                    { for i in 1;\ndo\n    a;\ndone; }\ndo\n", "do\n"),
            (
                .bash,
                "[1]+  Done                    ( for i in 1;\ndo\n    a;\ndone; for j in 2;\ndo\n    b;\ndone )\n    x",
                "    x"
            ),
            (.bash, "[1]+  Done                    ( for ((i=0; i<2; i++))\ndo\n    a;\ndone )\nb\n", "b\n"),
            (.bash, "[1]+  Done                    ( function f () \n{ \n    a\n}; f )\n    b\n", "    b\n"),
            (.zsh, "[3] 16446\r\n", ""), (.zsh, "[3] 16446 16447\r\nx", "x"),
            (.zsh, "[3]  + done       sleep 0.2\r\n[1]    exit 3     (exit 3)\r\n", ""),
        ])
    func leavesOut(pieces: Int, line: (kind: ShellKind, text: String, kept: String)) {
        #expect(Self.kept(line.kind, line.text, pieces: pieces) == line.kept)
    }

    @Test(
        "similar texts aren't removed", arguments: [1, 2, 5, 1000],
        [
            (ShellKind.bash, "[1] Done sleep\n"), (.bash, "x [1]+  Done                    sleep 0.2\n"),
            (.bash, "[1]+  Done\n"), (.bash, "[1]+  Donegal               sleep\n"), (.bash, "[1/4] Compiling\n"),
            (.bash, "[1]"), (.bash, "["), (.bash, "[12345678]+  Done                    x\n"), (.bash, "[] [a]\n\n"),
            (.bash, "[1]+  Killed                  sleep 0.2\n"), (.bash, "[1]+  Segmentation fault      ./a.out\n"),
            (.bash, "\n[1]+  Stopped                 sh -c x\n"), (.bash, "[y/n] "), (.bash, "[1] 4711\n"),
            (.zsh, "[1] 2 a\n"), (.zsh, "[3]  + killed     sleep 0.2\n"), (.zsh, "[3]  ? done       sleep 0.2\n"),
            (.zsh, "[sudo] password for x: "),
        ])
    func keeps(pieces: Int, line: (kind: ShellKind, text: String)) {
        #expect(Self.kept(line.kind, line.text, pieces: pieces) == line.text)
    }

    @Test("appear if asked for, and at a terminal")
    func asked() {
        #expect(JobNotices(.bash, of: ShellCommand("jobs -l >&2")) == nil)
        #expect(JobNotices(.bash, of: ShellCommand("sleep 1 &", input: .terminal)) == nil)
        #expect(JobNotices(.dash, of: ShellCommand("sleep 1 &")) == nil)
    }

    @Test(
        "real shells' messages don't appear in the errors of a command", arguments: Shells.installed,
        [
            "sleep 0.1 & wait", "sleep 0.1 &\nwait $!\ntrue", "(exit 3) & wait",
            "for i in 1 2; do\n  true\ndone & wait",
            // A shell at a terminal lets TERM pass until its child has become another program.
            "sleep 100 & until [ \"$(cat /proc/$!/comm)\" = sleep ]; do :; done; kill $!; wait",
            "f() { sleep 0.1 & wait; }; f",
            "if true; then\ntrue\nelse false; fi & wait; true",
            "(for i in 1 2; do\n  true\ndone; for j in 1; do true; done) & wait",
            "(case x in x) true;; esac; if true; then true; fi) & wait",
            "(f() { true; }; f) & wait", "(until true; do true; done | cat) & wait",
        ])
    func real(kind: ShellKind, text: String) async throws {
        try await Shells.with(kind) { (shell) async throws in
            for _ in 0..<2 {
                let answer = try await shell.sh(text + "\necho mine >&2")
                #expect(answer.err == "mine\n")
                #expect(answer.terminal.text.isEmpty)
            }
        }
    }

    @Test("a stopped program is ended, and its errors say so", arguments: Shells.installed)
    func stopped(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            let answer = try await shell.sh("sh -c 'kill -STOP $$; echo resumed'")
            #expect(answer.code == 128 + SIGSTOP)
            #expect(answer.err.contains("[the stopped command can't be resumed here, and was ended]"))
        }
    }

    @Test("a command that stops its own shell is given up, and the session continues", arguments: Shells.installed)
    func stopsItself(kind: ShellKind) async throws {
        var settings = Shells.settings(kind)
        settings.times.stopped = .milliseconds(20)
        try await Shells.with(settings: settings) { (shell) async throws in
            _ = try await shell.sh("kept=1")
            let answer = try await shell.sh("kill -STOP $$; echo after")
            #expect(answer.end.cause == .finished)
            #expect(answer.code > 128)
            #expect(!answer.out.contains("after"))
            #expect(answer.err.contains("[the stopped command can't be resumed here, and was ended]"))
            #expect(!answer.end.restartsSession)
            #expect(try await shell.sh("echo $kept").out == "1\n")
        }
    }

    @Test("a stopped member of a pipeline is ended if all others wait for it", arguments: Shells.installed)
    func stoppedMember(kind: ShellKind) async throws {
        var settings = Shells.settings(kind)
        settings.times.stopped = .milliseconds(20)
        try await Shells.with(settings: settings) { (shell) async throws in
            let answer = try await shell.sh("sh -c 'kill -STOP $$; echo unreached' | cat; echo after")
            #expect(answer.out == "after\n")
            #expect(answer.err.contains("[the stopped command can't be resumed here, and was ended]"))
            #expect(answer.end.cause == .finished)
        }
    }

    @Test("a shell that something of its own will resume is left alone", arguments: Shells.installed)
    func resumed(kind: ShellKind) async throws {
        var settings = Shells.settings(kind)
        settings.times.stopped = .milliseconds(20)
        try await Shells.with(settings: settings) { (shell) async throws in
            let answer = try await shell.sh("(sleep 9; kill -CONT $$) & kill -STOP $$; echo after")
            #expect(answer.out == "after\n")
            #expect(!answer.err.contains("resumed here"))
        }
    }
}
