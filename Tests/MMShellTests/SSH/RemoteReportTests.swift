import Glibc
import MMCore
import MMSystem
import TestHosts
import TestSupport
import Testing

@testable import MMShell

@Suite(
    "The reports of a shell on a host", .enabled(if: TestSSHD.missing == nil, "sshd is not installed"),
    .timeLimit(.minutes(10)))
struct RemoteReportTests {
    @Test("no variable reveals the number of a command's report")
    func unknown() async throws {
        try await SSHSessionTests.with { (session, _, _) async throws in
            let forged =
                "printf '%s%s 0 -/spoof\\0' $__mm_a $__mm_b; for v in $(set | sed -n 's/^\\(__mm_[a-z]*\\)=.*/\\1/p'); do "
                + "eval \"w=\\$$v\"; printf '%s 0 -/spoof\\0' \"$w\"; done; echo done; (exit 5)"
            let answer = try await session.sh(forged)
            #expect(answer.code == 5)
            #expect(answer.out.hasSuffix("done\n"))
            #expect(answer.end.workingDirectory != "/spoof")
            #expect(try await session.sh("echo next").out == "next\n")
        }
    }

    @Test("commands run whatever permissions the session gives to new files")
    func unreadable() async throws {
        try await SSHSessionTests.with { (session, _, _) async throws in
            let quiet = try await session.sh("umask 777; set -o noclobber")
            #expect(quiet.code == 0)
            // A program that starts programs is run from a file.
            for number in 0..<2 {
                let answer = try await session.sh("printf '%s\\n' \(number) | cat; umask")
                #expect(answer.out == "\(number)\n0777\n" && answer.err.isEmpty, "\(answer.err)")
            }
        }
    }

    @Test(
        "jobs and killed programs aren't reported as at a terminal",
        arguments: ["sh -c 'kill -TERM $$'", "f() { sleep 0.1 & }; f; f", "eval 'sleep 0.1 &'"])
    func notices(text: String) async throws {
        try await SSHSessionTests.with { (session, _, _) async throws in
            let answer = try await session.sh(text)
            #expect(!answer.err.contains("ioctl"))
            #expect(!answer.err.contains("[1]"))
        }
    }

    @Test(
        "nothing further on a line runs after its command was stopped",
        arguments: CancelledListTests.stubborn.filter { !$0.contains("exit 0") })
    func nothingFurther(program: String) async throws {
        var times = SSHSessionTests.patient
        times.interrupt = .seconds(1)
        try await SSHSessionTests.with(times: times) { (session, _, _) async throws in
            _ = try await session.sh("cd /usr; export KEPT=1")
            let job = try await session.start(
                ShellCommand(" \(program); echo after; echo later"), deadline: .never)
            #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
            job.cancel()
            let end = try #require(await job.wait(until: .after(.seconds(300))))
            #expect(end.cause == .cancelled)
            #expect(end.exitCode != 0)
            #expect(job.output(.stdout).text == "begun\n")
            // Its directory and exported variables stay.
            #expect(try await session.sh("echo $KEPT; pwd").out == "1\n/usr\n")
        }
    }

    @Test(
        "a start-up file that replaces the shell does no harm",
        .enabled(if: access("/usr/bin/zsh", X_OK) == 0, "zsh is not installed"))
    func replaced() async throws {
        let home = try TestFolder.make("/tmp/mm-home-")
        defer { TestFolder.remove(home) }
        try await TestSSHD.put("exec zsh\n", home + "/.bashrc")
        try await SSHSessionTests.with("SetEnv HOME=\(home)") { (session, _, _) async throws in
            _ = try await session.sh("kept=1")
            let job = try await session.start(ShellCommand("echo begun; sleep 300; echo after"), deadline: .never)
            #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
            job.cancel()
            let end = try #require(await job.wait(until: .after(.seconds(300))))
            #expect(!end.restartsSession)
            #expect(try await session.sh("echo $kept").out == "1\n")
        }
    }

    @Test(
        "options and read-only variables of a command don't end the session, with any shell",
        arguments: [true, false], ["set -eu; echo $nope", "set -eu", "readonly PS1"])
    func survives(hasBash: Bool, text: String) async throws {
        let folder = try TestFolder.make("/tmp/mm-bin-")
        defer { TestFolder.remove(folder) }
        for tool in ["mkdir", "rm", "sleep", "grep", "cat", "ls"] + (hasBash ? ["bash"] : []) {
            symlink(try #require(ExecutableSearch.find(tool, path: Shells.path)), folder + "/" + tool)
        }
        try await SSHSessionTests.with("SetEnv PATH=\(folder)") { (session, _, _) async throws in
            // With -e some shells end at once, as requested; none may end later, with another command's failure.
            _ = try await session.sh(text)
            _ = try await session.sh("kept=1")
            for _ in 0..<2 {
                #expect(try await session.sh("false").code == 1)
                #expect(try await session.sh("ls /proc/none 2>/dev/null; echo $kept").out == "1\n")
                #expect(try await session.sh("if").code != 0)
                #expect(try await session.sh("set -u; echo $nope").code != 0)
            }
            #expect(try await session.sh("echo $kept").out == "1\n")
        }
    }
}
