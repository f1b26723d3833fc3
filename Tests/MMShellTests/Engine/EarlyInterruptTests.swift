import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMShell

/// On a busy machine a key may end a program before the shell that has started it waits for it.
@Suite(
    "An interrupt that comes before the shell waits", .timeLimit(.minutes(10)),
    .enabled(if: Strace.program != nil, "needs strace (apt-get install strace) and the right to trace"))
struct EarlyInterruptTests {
    /// Starts a command that is interrupted as soon as its program runs, and checks it and the session.
    private func interrupt(_ session: some ShellSession, options: [String] = ["", "set -e; "]) async throws {
        _ = try await session.sh("kept=1")
        for options in options {
            let job = try await session.start(
                ShellCommand("\(options)sh -c 'echo begun; exec sleep 1000'; echo not reached", input: .terminal),
                deadline: .never, observer: nil)
            try #require(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(240))) != nil)
            try await job.type(.keys(["ctrl-c"]))
            let end = try #require(await job.wait(until: .after(.seconds(240))))
            #expect(end.exitCode == 130)
            #expect(!end.restartsSession)
            #expect(!job.output(.stdout).text.contains("not"))
            #expect(try await session.sh("echo $kept").out == "1\n")
        }
    }

    /// A folder with a slow shell of a given name.
    private func with(_ name: String, _ body: (String) async throws -> Void) async throws {
        let folder = try TestFolder.make("/tmp/mm-bin-")
        defer { TestFolder.remove(folder) }
        let program = try #require(ExecutableSearch.find(name, path: Shells.path))
        let starter = folder + "/" + name
        try ProtectedFile.replace(starter, with: Array(Strace.starter(of: program).utf8))
        chmod(starter, 0o700)
        try await body(folder)
    }

    @Test("ends the command here", arguments: Shells.installed)
    func here(kind: ShellKind) async throws {
        try await with(kind == .ash ? "busybox" : kind.rawValue) { (folder) async throws in
            var settings = Shells.settings(kind)
            settings.environment["PATH"] = folder + ":" + Shells.path
            try await Shells.with(kind, settings: settings) { (shell) async throws in
                // zsh regards it as a failed program, for which `set -e` ends a shell.
                try await interrupt(shell, options: kind == .zsh ? [""] : ["", "set -e; "])
            }
        }
    }

    @Test(
        "ends the command on a host", .enabled(if: TestSSHD.missing == nil, "sshd is not installed"),
        TestSSHD.givesTerminals)
    func overThere() async throws {
        try await with("bash") { (folder) async throws in
            try await SSHSessionTests.with("SetEnv PATH=\(folder):\(Shells.path)") { (session, _, _) async throws in
                try await interrupt(session)
            }
        }
    }
}
