import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMShell

@Suite("Typing into a command", .timeLimit(.minutes(10)))
struct TerminalInputTests {
    @Test("answers a question, with output exact and separate", arguments: Shells.installed)
    func lines(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            let job = try await shell.start(
                ShellCommand(
                    "printf '\\033[1mname?\\033[0m '; read x; echo \"hello $x\"; kept=$x", input: .terminal),
                deadline: .after(.seconds(300)))
            #expect(await eventually { await job.waitingFor()?.isSecret == false })
            let prompt = await job.waitingFor()
            #expect(prompt?.text == "name? ", "\(String(describing: prompt))")
            try await job.type(.line("Ada"))
            #expect(await job.wait(until: .after(.seconds(300)))?.exitCode == 0)
            #expect(job.output(.stdout).text == "\u{1B}[1mname?\u{1B}[0m hello Ada\n")
            #expect(try await shell.sh("echo $kept; read y; echo $?").out == "Ada\n1\n")
        }
    }

    @Test(
        "tells programs that edit the line that their output is no terminal, for that command",
        arguments: Shells.installed.filter { (kind: ShellKind) in !kind.hooksByPrompt })
    func plainOutput(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            _ = try await shell.sh("TERM=xterm")
            let job = try await shell.start(
                ShellCommand("echo $TERM; kept=1", input: .terminal), deadline: .after(.seconds(300)))
            #expect(await job.wait(until: .after(.seconds(300)))?.exitCode == 0)
            #expect(job.output(.stdout).text == "dumb\n")
            #expect(try await shell.sh("echo $TERM $kept").out == "xterm 1\n")
        }
    }

    @Test("knows when a secret is requested, and shows none")
    func secret() async throws {
        try await Shells.with { (shell) async throws in
            let job = try await shell.start(
                ShellCommand(
                    "read -rsp 'Password: ' p </dev/tty; echo; [ \"$p\" = hunter2 ] && echo right", input: .terminal),
                deadline: .after(.seconds(300)))
            #expect(await eventually { await job.waitingFor()?.isSecret == true })
            try await job.type(.secret(Secret("hunter2")))
            #expect(await job.wait(until: .after(.seconds(300)))?.exitCode == 0)
            for stream in ShellCommand.Stream.allCases {
                #expect(!job.output(stream).text.contains("hunter2"))
            }
            #expect(job.output(.stdout).text.contains("right"))
        }
    }

    @Test("gives full-screen programs a terminal for everything", arguments: Shells.installed)
    func screen(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            let job = try await shell.start(
                ShellCommand("[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo all; stty size", input: .screen),
                deadline: .after(.seconds(300)))
            #expect(await job.wait(until: .after(.seconds(300)))?.exitCode == 0)
            #expect(await eventually { job.output(.terminal).text.contains("24 80") })
            #expect(job.output(.terminal).text.contains("all"))
            #expect(try await shell.sh("echo plain").out == "plain\n")
        }
    }

    @Test("interrupts by key, and refuses commands without a terminal")
    func keys() async throws {
        try await Shells.with { (shell) async throws in
            let job = try await shell.start(
                // A command that prints this has the terminal already: a key between two commands interrupts neither.
                ShellCommand("sh -c 'echo begun; exec sleep 300'", input: .terminal), deadline: .after(.seconds(300)))
            #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
            try await job.type(.keys(["ctrl-c"]))
            #expect(await job.wait(until: .after(.seconds(300)))?.exitCode == 130)
            let other = try await shell.start(ShellCommand("sleep 0.1"), deadline: .after(.seconds(300)))
            await #expect(throws: MMError.self) { try await other.type(.line("x")) }
            #expect(throws: MMError.self) { try ShellInput.keys(["hyper-x"]) }
            #expect(
                try ShellInput.keys(["ctrl-c", "up", "alt-x", "a"]).bytes == [3, 0x1B, 0x5B, 0x41, 0x1B, 0x78, 0x61])
        }
    }

    @Test(
        "lines begin at the left edge, and a program can query the size and type of the terminal",
        arguments: Shells.installed)
    func screenful(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            let job = try await shell.start(
                ShellCommand(
                    "printf 'one\\ntwo\\n'; stty size; tty", input: .screen,
                    size: ShellCommand.Size(rows: 50, columns: 132)), deadline: .after(.seconds(300)))
            #expect(await job.wait(until: .after(.seconds(300)))?.exitCode == 0)
            var screen = Screen(rows: 50, columns: 132)
            screen.write(job.output(.terminal).bytes)
            #expect(Array(screen.lines.prefix(3)) == ["one", "two", "50 132"])
            #expect(screen.lines[3].hasPrefix("/dev/pts/"))
            // Exact output isn't translated, and the next screen has the session's size again.
            let exact = try await shell.run(
                ShellCommand("printf 'a\\nb' >/dev/tty", input: .terminal), deadline: .after(.seconds(300)))
            #expect(exact.terminal.bytes == Array("a\nb".utf8))
            let next = try await shell.run(ShellCommand("stty size", input: .screen), deadline: .after(.seconds(300)))
            #expect(next.terminal.text == "24 80\r\n")
        }
    }
}
