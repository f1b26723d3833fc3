import Glibc
import MMCore
import MMSystem
import TestHosts
import TestSupport
import Testing

@testable import MMShell

@Suite("Cancelling in a shell", .timeLimit(.minutes(10)))
struct CancelTests {
    @Test(
        "ends the command, not the session", arguments: Shells.installed,
        [
            "sleep 100; echo after", "while sleep 100; do echo again; done", "while :; do :; done",
            "f() { sleep 100; sleep 100; }; f; echo after", "yes | cat >/dev/null",
            "(sleep 100; echo inner); echo after",
            "sleep 100 | cat | cat", "kill -STOP $$; sleep 100",
        ])
    func cancels(kind: ShellKind, text: String) async throws {
        try await Shells.with(kind) { (shell) async throws in
            _ = try await shell.sh("kept=1")
            let job = try await shell.start(ShellCommand("echo begun; " + text), deadline: .never)
            #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
            // A child of the shell that is interrupted before it becomes the program looks like a finished one.
            if !text.contains("STOP"), let program = ["sleep", "yes"].first(where: { text.contains($0) }) {
                #expect(await eventually { await shell.runs(program) })
            }
            job.cancel()
            let end = try #require(await job.wait(until: .after(.seconds(300))))
            #expect(end.cause == .cancelled)
            // BusyBox's shell may hear no interrupt any more in a loop that starts no program: it is replaced.
            if kind == .ash, text == "while :; do :; done", end.restartsSession { return }
            #expect(!end.restartsSession)
            #expect(!job.output(.stdout).text.contains("after"))
            #expect(try await shell.sh("echo $kept").out == "1\n")
        }
    }

    @Test("ends programs that ignore the interrupt", arguments: Shells.installed)
    func ignoring(kind: ShellKind) async throws {
        var settings = Shells.settings(kind)
        settings.times.interrupt = .milliseconds(300)
        try await Shells.with(settings: settings) { (shell) async throws in
            let job = try await shell.start(
                ShellCommand("kept=1; sh -c 'trap \"\" INT; echo begun; while :; do sleep 1; done'"), deadline: .never)
            #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
            job.cancel()
            let end = try #require(await job.wait(until: .after(.seconds(300))))
            #expect(end.cause == .cancelled)
            #expect(!end.restartsSession)
            #expect(try await shell.sh("echo $kept").out == "1\n")
        }
    }

    @Test(
        "repeats the interrupt for a program that missed it, and runs nothing after it",
        arguments: Shells.installed)
    func missed(kind: ShellKind) async throws {
        var settings = Shells.settings(kind)
        // If it were only terminated, the rest of the list would run.
        settings.times.interrupt = .seconds(300)
        try await Shells.with(settings: settings) { (shell) async throws in
            // Like a shell's child before it becomes a program: it catches the signal first and then has its default.
            let job = try await shell.start(
                ShellCommand("bash -c 'trap : INT; echo begun; sleep 300; trap - INT; exec sleep 300'; echo after"),
                deadline: .never)
            #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
            job.cancel()
            let end = try #require(await job.wait(until: .after(.seconds(300))))
            #expect(end.cause == .cancelled)
            #expect(!end.restartsSession)
            #expect(!job.output(.stdout).text.contains("after"))
        }
    }

    @Test("replaces a shell that itself ignores everything, and says so", arguments: Shells.installed)
    func stubborn(kind: ShellKind) async throws {
        var settings = Shells.settings(kind)
        settings.times.interrupt = .milliseconds(300)
        settings.times.terminate = .milliseconds(300)
        settings.times.kill = .milliseconds(300)
        try await Shells.with(settings: settings) { (shell) async throws in
            _ = try await shell.sh("cd /usr; export E=1")
            let job = try await shell.start(
                ShellCommand("trap '' INT TERM; echo begun; while :; do :; done"), deadline: .never)
            #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
            job.cancel()
            let end = try #require(await job.wait(until: .after(.seconds(300))))
            #expect(end.cause == .cancelled)
            #expect(end.restartsSession)
            #expect(end.signal == SIGKILL)
            #expect(try await shell.sh("pwd; echo $E").out == "/usr\n1\n")
        }
    }

    @Test("frees a shell that waits for a background job", arguments: Shells.installed)
    func waiting(kind: ShellKind) async throws {
        var settings = Shells.settings(kind)
        settings.times.interrupt = .milliseconds(300)
        try await Shells.with(settings: settings) { (shell) async throws in
            let job = try await shell.start(ShellCommand("kept=1; sleep 300 & echo begun; wait"), deadline: .never)
            #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
            job.cancel()
            let end = try #require(await job.wait(until: .after(.seconds(300))))
            #expect(!end.restartsSession)
            #expect(try await shell.sh("echo $kept").out == "1\n")
        }
    }

    @Test("leaves no stopped job behind", arguments: Shells.installed)
    func stopped(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            let answer = try await shell.sh("sh -c 'kill -STOP $$; echo resumed'")
            #expect(answer.code == 128 + SIGSTOP)
            #expect(!answer.out.contains("resumed"))
            let pid = try #require(await shell.processID)
            #expect(ShellSessionProcesses(shell: pid).others().allSatisfy { !$0.isStopped })
        }
    }

    @Test("a cancelled task cancels its command")
    func task() async throws {
        try await Shells.with { (shell) async throws in
            let folder = try TestFolder()
            let begun = folder["begun"]
            let task = Task { try await shell.run(ShellCommand("touch '\(begun)'; sleep 300"), deadline: .never) }
            #expect(await eventually { access(begun, F_OK) == 0 })
            task.cancel()
            await #expect(throws: MMError.self) { _ = try await task.value }
            #expect(try await shell.sh("echo alive").out == "alive\n")
        }
    }

    @Test("a cancelled task doesn't wait for a shell that never answers", arguments: ["first", "later"])
    func start(when: String) async throws {
        let folder = try TestFolder()
        let (program, begun) = (folder["shell"], folder["begun"])
        try ProtectedFile.replace(program, with: Array("#!/bin/sh\necho >'\(begun)'\nexec sleep 3000\n".utf8))
        chmod(program, 0o700)
        var settings = Shells.settings()
        settings.program = program
        let task = Task { [settings] in
            if when == "first" { withUnsafeCurrentTask { $0?.cancel() } }
            return try await LocalShell.start(settings)
        }
        if when == "later" {
            #expect(await eventually { access(begun, F_OK) == 0 })
            task.cancel()
        }
        let error = await #expect(throws: MMError.self) { try await task.value }
        #expect(error?.code == .cancelled)
    }

    @Test(
        "a cancelled task doesn't wait for a host whose shell never answers",
        .enabled(if: TestSSHD.missing == nil, "sshd is not installed"))
    func remoteStart() async throws {
        let folder = try TestFolder()
        let begun = folder["begun"]
        try await TestSSHD.with("ForceCommand touch \(begun); exec sleep 3000") { (server) async throws in
            let task = Task {
                try await SSHSession.connect(
                    server.target, masters: SSHSessionTests.masters(), policy: .open, times: SSHSessionTests.patient,
                    admission: nil, deadline: .never)
            }
            #expect(await eventually { access(begun, F_OK) == 0 })
            task.cancel()
            let error = await #expect(throws: MMError.self) { try await task.value }
            #expect(error?.code == .cancelled)
        }
    }

    @Test("closing ends running commands, and processes in other sessions")
    func closing() async throws {
        let shell = try await LocalShell.start(Shells.settings())
        let answer = try await shell.sh(
            "f=$(mktemp); setsid sh -c \"sleep 3000 & echo \\$! >$f; exec sleep 3001\" & "
                + "until [ -s \"$f\" ]; do sleep 0.01; done; cat \"$f\"; rm \"$f\"")
        let pid = try #require(Int32(answer.out.split(separator: "\n").first ?? ""))
        let left = try #require(StartedProcess(pid))
        let job = try await shell.start(ShellCommand("sleep 3002"), deadline: .never)
        await shell.close()
        #expect(await job.wait(until: .after(.seconds(300)))?.cause == .closed)
        #expect(await eventually { !left.isAlive })
        await #expect(throws: MMError.self) { _ = try await shell.sh("echo no") }
    }

    @Test("closing ends processes that left the session and its environment", arguments: Shells.installed)
    func unmarked(kind: ShellKind) async throws {
        let shell = try await LocalShell.start(Shells.settings(kind))
        let sleep = Shells.ownSleep()
        _ = try await shell.sh("env -i setsid -f \(sleep) </dev/null >/dev/null 2>&1")
        #expect(try await eventually { try await !ChildOutput.of("pgrep", ["-fx", sleep]).isEmpty })
        await shell.close()
        #expect(try await eventually { try await ChildOutput.of("pgrep", ["-fx", sleep]).isEmpty })
    }
}
