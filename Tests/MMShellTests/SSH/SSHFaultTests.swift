import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMShell

@Suite("Faults of a host", .enabled(if: TestSSHD.missing == nil, "sshd is not installed"), .timeLimit(.minutes(10)))
struct SSHFaultTests {
    @Test("a remote shell that is killed, or replaced by another program, is started again")
    func killed() async throws {
        try await SSHSessionTests.with { (session, _, _) async throws in
            let pid = try await session.sh("cd /usr; export KEPT=1; echo $$").out.split(separator: "\n").first.flatMap {
                Int32($0)
            }
            kill(try #require(pid), SIGKILL)
            let next = try await session.sh("pwd; echo $KEPT")
            // The loss may be reported before or while the next command is sent.
            if next.end.cause == .finished { #expect(next.out == "/usr\n1\n") }
            #expect(try await session.sh("pwd; echo $KEPT").out == "/usr\n1\n")
            let gone = try await session.sh("exec sh")
            #expect(gone.end.restartsSession)
            #expect(try await session.sh("pwd; echo $KEPT").out == "/usr\n1\n")
        }
    }

    @Test("a remote program that stopped itself doesn't stop the session")
    func stopped() async throws {
        try await SSHSessionTests.with { (session, _, _) async throws in
            let job = try await session.start(
                ShellCommand("kept=1; echo begun; kill -STOP $$; sleep 3040"), deadline: .never)
            #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
            job.cancel()
            let end = try #require(await job.wait(until: .after(.seconds(300))))
            #expect(end.cause == .cancelled)
            #expect(try await session.sh("echo alive").out == "alive\n")
        }
    }

    @Test("a flood from the host is cut off, and not kept in memory")
    func flood() async throws {
        try await SSHSessionTests.with { (session, _, _) async throws in
            let limits = ShellCommand.Limits(head: 1000, tail: 500, flood: 8 << 20)
            let cut = try await session.run(ShellCommand("yes", limits: limits), deadline: .after(.seconds(300)))
            #expect(cut.end.cause == .flood)
            #expect(cut.stdout.head.count == 1000)
            #expect(try await session.sh("echo after").out == "after\n")
        }
    }

    @Test("a process that stops itself is ended, because nobody could resume it")
    func suspended() async throws {
        try await SSHSessionTests.with { (session, _, _) async throws in
            let job = try await session.start(
                ShellCommand("kept=1; sh -c 'kill -STOP $$; echo unreached'; echo after"), deadline: .never)
            let end = try #require(await job.wait(until: .after(.seconds(300))))
            #expect(end.cause == .finished && !end.restartsSession)
            #expect(job.output(.stdout).text == "after\n")
            #expect(job.output(.stderr).text.contains("the stopped command"))
            #expect(try await session.sh("echo $kept").out == "1\n")
        }
    }

    @Test(
        "a command that stops its own remote shell is given up, and the session continues", arguments: ["", "dash"])
    func stopsItsShell(shell: String) async throws {
        try await SSHSessionTests.with { (session, _, _) async throws in
            if !shell.isEmpty {
                guard ExecutableSearch.find(shell, path: Shells.path) != nil else {
                    return print("skipped: a command that stops its own \(shell) on a host: it is not installed")
                }
                _ = try await session.sh("cd /usr; exec \(shell)")
            }
            _ = try await session.sh("kept=1")
            let job = try await session.start(
                ShellCommand("echo begun; kill -STOP $$; echo unreached"), deadline: .never)
            let end = try #require(await job.wait(until: .after(.seconds(300))))
            #expect(end.cause == .finished && !end.restartsSession && end.exitCode > 128)
            #expect(job.output(.stdout).text == "begun\n")
            #expect(job.output(.stderr).text.contains("the stopped command"))
            #expect(try await session.sh("echo $kept").out == "1\n")
            let resumed = try await session.sh("(sleep 9; kill -CONT $$) & kill -STOP $$; echo after")
            #expect(resumed.out == "after\n" && !resumed.err.contains("resumed here"))
        }
    }

    @Test("a program that lost the first interrupt while it was starting receives another")
    func lostInterrupt() async throws {
        try await SSHSessionTests.with { (session, _, _) async throws in
            _ = try await session.sh("kept=1")
            let job = try await session.start(
                ShellCommand(
                    "perl -e '$SIG{INT} = q(IGNORE); $| = 1; print qq(begun\n); sleep 1; "
                        + "$SIG{INT} = q(DEFAULT); exec qw(sleep 3043)'; echo no"), deadline: .never)
            #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
            job.cancel()
            #expect(await job.wait(until: .after(.seconds(300)))?.restartsSession == false)
            #expect(job.output(.stdout).text == "begun\n")
            #expect(try await session.sh("echo $kept").out == "1\n")
        }
    }

    @Test("without ps on the host everything is ended too")
    func withoutPS() async throws {
        var times = SSHSessionTests.patient
        times.interrupt = .seconds(1)
        let folder = try TestFolder.make("/tmp/mm-bin-")
        defer { TestFolder.remove(folder) }
        for name in ["sh", "bash", "mkdir", "rm", "sleep", "grep"] {
            let path = try #require(ExecutableSearch.find(name, path: Shells.path))
            symlink(path, folder + "/" + name)
        }
        try await SSHSessionTests.with("SetEnv PATH=\(folder)", times: times) { (session, _, _) async throws in
            #expect(try await session.sh("command -v ps").code != 0)
            let job = try await session.start(
                ShellCommand("kept=1; sh -c 'trap \"\" INT; echo begun; while :; do sleep 1; done'"), deadline: .never)
            #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
            job.cancel()
            let end = try #require(await job.wait(until: .after(.seconds(300))))
            #expect(end.cause == .cancelled)
            #expect(!end.restartsSession)
            #expect(try await session.sh("echo $kept").out == "1\n")
        }
    }

    @Test("a command beside the session has its directory and variables on the host too")
    func beside() async throws {
        try await SSHSessionTests.with { (session, _, _) async throws in
            _ = try await session.sh("cd /usr; export KEPT=1")
            let busy = try await session.start(ShellCommand("sleep 3041"), deadline: .never)
            let job = try await session.detach(ShellCommand("pwd; echo $KEPT"), deadline: .after(.seconds(300)))
            #expect(await job.wait(until: .after(.seconds(300)))?.exitCode == 0)
            #expect(job.output(.stdout).text == "/usr\n1\n")
            busy.cancel()
            #expect(await busy.wait(until: .after(.seconds(300)))?.cause == .cancelled)
        }
    }

    @Test("the remote shell may be bash or only the system's sh", arguments: [true, false])
    func shells(hasBash: Bool) async throws {
        let folder = try TestFolder.make("/tmp/mm-bin-")
        defer { TestFolder.remove(folder) }
        for tool in ["mkdir", "rm", "sleep", "grep", "ps", "cat"] {
            symlink(try #require(ExecutableSearch.find(tool, path: Shells.path)), folder + "/" + tool)
        }
        if hasBash { symlink(try #require(ExecutableSearch.find("bash", path: Shells.path)), folder + "/bash") }
        try await SSHSessionTests.with("SetEnv PATH=\(folder)") { (session, _, _) async throws in
            #expect(try await session.sh("cd /usr; export A=1; b=2; false").code == 1)
            #expect(try await session.sh("pwd; echo $?$A$b").out == "/usr\n012\n")
            #expect(try await session.sh("echo $((1 +").code != 0)
            #expect(try await session.sh("set -u; echo $nothing_of_this_name").code != 0)
            let job = try await session.start(ShellCommand("echo begun; sleep 3042; echo no"), deadline: .never)
            #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
            job.cancel()
            #expect(await job.wait(until: .after(.seconds(300)))?.restartsSession == false)
            #expect(try await session.sh("echo $b").out == "2\n")
        }
    }
}
