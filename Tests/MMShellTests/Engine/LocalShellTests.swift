import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMShell

@Suite("A local shell", .timeLimit(.minutes(10)))
struct LocalShellTests {
    @Test(
        "returns status, output and errors separately, and keeps directory, variables, functions and umask",
        arguments: Shells.installed)
    func state(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            let first = try await shell.sh(
                "echo out; echo err >&2; cd /usr; a=1; export B='x y'; f() { echo f$1; }; umask 027; (exit 3)")
            #expect(first.out == "out\n")
            #expect(first.err == "err\n")
            #expect(first.code == 3)
            #expect(first.end.cause == .finished)
            #expect(first.end.workingDirectory == "/usr")
            let second = try await shell.sh("echo $?; pwd; echo $a \"$B\"; f 2; umask; ulimit -c 0; sh -c 'echo $B'")
            #expect(second.out == "3\n/usr\n1 x y\nf2\n0027\nx y\n" || second.out == "3\n/usr\n1 x y\nf2\n027\nx y\n")
            #expect(second.code == 0)
            #expect(second.err.isEmpty)
        }
    }

    @Test("returns exact bytes: no final newline, NUL, invalid text", arguments: Shells.installed)
    func bytes(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            #expect(try await shell.sh("printf abc").out == "abc")
            let odd = try await shell.sh(#"printf '\000\377\n\r\n\033[31m'; printf 'e\000' >&2"#)
            #expect(odd.stdout.bytes == [0, 0xFF, 0x0A, 0x0D, 0x0A, 0x1B, 0x5B, 0x33, 0x31, 0x6D])
            #expect(odd.stderr.bytes == [0x65, 0])
        }
    }

    @Test(
        "survives invalid commands", arguments: Shells.installed,
        [
            "echo 'unbalanced", "if true; then echo x", "for", "echo $((1 +", ")", "echo \"a", "cat <<X\nhello",
        ])
    func syntaxErrors(kind: ShellKind, text: String) async throws {
        try await Shells.with(kind) { (shell) async throws in
            let answer = try await shell.sh(text)
            #expect(answer.end.cause == .finished)
            if text.hasPrefix("cat") {
                #expect(answer.out == "hello\n")
            } else {
                #expect(answer.code != 0)
                #expect(!answer.err.isEmpty)
            }
            #expect(try await shell.sh("echo alive").out == "alive\n")
        }
    }

    @Test("reports aborts and returns", arguments: Shells.installed)
    func aborts(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            _ = try await shell.sh("keep=1")
            let unset = try await shell.sh("set -u; echo $nothing_of_this_name; echo not here")
            #expect(unset.code != 0)
            #expect(!unset.out.contains("not here"))
            #expect(try await shell.sh("set +u; return 7").code == 7)
            #expect(try await shell.sh("set -e").code == 0)
            #expect(try await shell.sh("false; echo goes on $keep").out == "goes on 1\n")
        }
    }

    @Test("reads nothing if there is no input", arguments: Shells.installed)
    func noInput(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            #expect(try await shell.sh("cat; read x; echo $?").out == "1\n")
        }
    }

    @Test(
        "is replaced if a command ends it, with directory and exported variables", arguments: Shells.installed,
        [
            ("exit 5", 5), ("exec false", 1), ("set -e; false; true", 1), ("kill -9 $$", 137),
        ])
    func exits(kind: ShellKind, ending: (String, Int)) async throws {
        try await Shells.with(kind) { (shell) async throws in
            _ = try await shell.sh("cd /usr/lib; export KEPT='a \"b\" '\\''c'; gone=1")
            let end = try await shell.sh("printf before; " + ending.0)
            #expect(end.out == "before")
            #expect(end.code == Int32(ending.1))
            #expect(end.end.cause == .shellEnded)
            #expect(end.end.restartsSession)
            #expect(end.end.workingDirectory == "/usr/lib")
            let next = try await shell.sh("pwd; echo \"$KEPT$gone\"")
            #expect(next.out == "/usr/lib\na \"b\" 'c\n")
            #expect(next.end.restart == .ownShell)
            #expect(try await shell.sh("true").end.restart == nil)
        }
    }

    @Test("is replaced if it is killed from outside", arguments: Shells.installed)
    func killed(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            _ = try await shell.sh("cd /usr")
            let pid = try #require(await shell.processID)
            kill(pid, SIGKILL)
            #expect(await eventually { await shell.processID == nil })
            let next = try await shell.sh("pwd")
            #expect(next.out == "/usr\n")
            #expect(next.end.restart == .ownShell)
        }
    }

    @Test("goes on in the directory of a session of before, and says so", arguments: Shells.installed)
    func continued(kind: ShellKind) async throws {
        var settings = Shells.settings(kind)
        settings.continues = "/usr/lib"
        try await Shells.with(kind, settings: settings) { (shell) async throws in
            let first = try await shell.sh("pwd")
            #expect(first.out == "/usr/lib\n" && first.end.restart == .anotherSession)
            #expect(try await shell.sh("true").end.restart == nil)
            #expect(await !shell.isBlank)
            try await shell.reset()
            #expect(try await shell.sh("pwd").out == "/tmp\n")
            #expect(await shell.isBlank)
            _ = try await shell.sh("X=1")
            #expect(await !shell.isBlank)
        }
    }

    @Test("restores its outputs after a command has changed them", arguments: Shells.installed)
    func redirected(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            #expect(try await shell.sh("exec >/dev/null 2>&1; echo lost").out.isEmpty)
            #expect(try await shell.sh("echo here; echo there >&2").out == "here\n")
        }
    }

    @Test("doesn't wait for background jobs, and gives their output to nobody else", arguments: Shells.installed)
    func background(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            let gate = "/tmp/mm-gate-\(RandomBytes.text(bytes: 9))"
            defer { unlink(gate) }
            let first = try await shell.sh(
                "(until [ -e \(gate) ]; do sleep 0.01; done; echo late) & sleep 3000 & echo started",
                within: .seconds(600))
            #expect(first.out == "started\n")
            #expect(first.end.cause == .finished)
            try await TestSSHD.put("", gate)
            var background: [UInt8] = []
            let isThere = await eventually {
                background += await shell.takeBackgroundOutput()
                return background.count >= 5
            }
            #expect(isThere)
            #expect(String(decoding: background, as: UTF8.self) == "late\n")
            #expect(first.err.isEmpty)
            #expect(try await shell.sh("echo mine").out == "mine\n")
            #expect(try await shell.sh("echo mine").err.isEmpty)
        }
    }

    @Test("keeps the answer clean if a command traces, traps, or removes the hook", arguments: Shells.installed)
    func hooks(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            let traced = try await shell.sh("set -x; echo hi")
            #expect(traced.out == "hi\n")
            #expect(traced.err.contains("echo hi"))
            #expect(!traced.err.contains("__mm"))
            let again = try await shell.sh("echo again")
            #expect(again.out == "again\n")
            #expect(again.err.hasSuffix("echo again\n") && !again.err.contains("__mm"), "\(again.err)")
            let untraced = try await shell.sh(
                "set +x; PROMPT_COMMAND=; PS1='$ '; PS2='> '; unset precmd_functions; trap 'echo bye' EXIT; echo ok")
            #expect(untraced.out == "ok\n")
            #expect(try await shell.sh("echo still").out == "still\n")
            let job = try await shell.start(ShellCommand("echo begun; sleep 300; echo not here"), deadline: .never)
            #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
            #expect(await eventually { await shell.runs("sleep") })
            job.cancel()
            let stopped = try #require(await job.wait(until: .after(.seconds(300))))
            #expect(stopped.cause == .cancelled)
            #expect(!stopped.restartsSession)
            #expect(job.output(.stdout).text == "begun\n")
            #expect(try await shell.sh("echo alive").out == "alive\n")
        }
    }

    @Test("reports a directory of any name, even a deleted one", arguments: Shells.installed)
    func directories(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            let made = try await shell.sh("d=$(mktemp -d); mkdir \"$d/a\nb c\"; cd \"$d/a\nb c\"; echo \"$d\"")
            let parent = made.out.split(separator: "\n").first.map(String.init) ?? ""
            #expect(made.end.workingDirectory == parent + "/a\nb c")
            let removed = try await shell.sh("rm -r \"$d\"; echo $?")
            #expect(removed.end.workingDirectory == parent + "/a\nb c")
            #expect(try await shell.sh("cd /; pwd").out == "/\n")
        }
    }

    @Test("accepts a command of a megabyte, and keeps carriage returns", arguments: Shells.installed)
    func large(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            let word = String(repeating: "x", count: 1 << 20)
            #expect(try await shell.sh("printf '\(word)' | wc -c").out.trimmingPrefix { $0 == " " } == "1048576\n")
            #expect(try await shell.sh("printf %s 'a\r\nb' | od -An -tx1 | tr -d ' \\n'").out == "610d0a62")
        }
        await #expect(throws: MMError.self) {
            try await Shells.with(kind) { _ = try await $0.sh("echo a\0b") }
        }
    }

    @Test("runs commands in order, and refuses those whose deadline has passed")
    func order() async throws {
        try await Shells.with { (shell) async throws in
            let gate = "/tmp/mm-gate-\(RandomBytes.text(bytes: 9))"
            defer { unlink(gate) }
            let slow = try await shell.start(
                ShellCommand("until [ -e \(gate) ]; do sleep 0.01; done; n=1"), deadline: .after(.seconds(300)))
            async let second = shell.sh("n=$((n * 10 + 2)); echo $n")
            await #expect(throws: MMError.self) {
                _ = try await shell.start(ShellCommand("echo never"), deadline: .after(.milliseconds(1)))
            }
            try await TestSSHD.put("", gate)
            #expect(try await second.out == "12\n")
            #expect(await slow.wait()?.exitCode == 0)
        }
    }

    @Test("keeps the beginning and the end of a flood, in constant memory")
    func flood() async throws {
        try await Shells.with { (shell) async throws in
            var command = ShellCommand("head -c 100000000 /dev/zero | tr '\\0' a; printf END")
            command.limits = ShellCommand.Limits(head: 1000, tail: 500)
            let answer = try await shell.run(command, deadline: .after(.seconds(600)))
            #expect(answer.stdout.total == 100_000_003)
            #expect(answer.stdout.head.count == 1000)
            #expect(answer.stdout.tail.count == 500)
            #expect(answer.stdout.omitted == 100_000_003 - 1500)
            #expect(answer.stdout.text.contains("a\n[… 99998503 bytes left out …]\na"))
            #expect(answer.stdout.tail.suffix(3) == Array("END".utf8)[...])
            command = ShellCommand("yes", limits: ShellCommand.Limits(head: 10, tail: 10, flood: 1 << 20))
            let cut = try await shell.run(command, deadline: .after(.seconds(300)))
            #expect(cut.end.cause == .flood)
            #expect(!cut.end.restartsSession)
        }
    }

    @Test("tells commands their session, and passes on none of the program's own variables")
    func environment() async throws {
        setenv("MM_TEST_SECRET", "hidden", 1)
        try await Shells.with { (shell) async throws in
            let answer = try await shell.sh(
                "echo $MM_SESSION; env | grep -c MM_TEST_SECRET; ls /proc/$$/fd | wc -l; bash -c 'ls /proc/self/fd' | tr '\\n' ' '"
            )
            let lines = answer.out.split(separator: "\n")
            #expect(lines.first == "test")
            #expect(lines.dropFirst().first == "0")
            #expect(lines.last == "0 1 2 3 ", "programs get no descriptor of the session's")
        }
        #expect(
            ShellEnvironment.scrubbed(["A_TOKEN": "x", "HOME": "/h", "LD_PRELOAD": "x", "BASH_ENV": "y"]).keys.sorted()
                == ["HOME", "PATH"])
        let environment = ProcessEnvironment.read()
        let inherited = ShellSettings(name: "test").environment
        #expect(inherited["PATH"] == environment["PATH"])
        #expect(Set(inherited.keys).isSubset(of: ShellEnvironment.scrubbed(environment).keys))
    }
}
