import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMShell

@Suite("Secrets of shells", .timeLimit(.minutes(10)))
struct ShellSecretsTests {
    /// Command lines and environments of all accessible processes.
    static func visible() -> [UInt8] {
        var all: [UInt8] = []
        for name in TestFolder.names(in: "/proc") {
            guard let pid = Int32(name), pid != getpid() else { continue }
            for file in ["cmdline", "environ"] { all += ProcFile.read("/proc/\(pid)/\(file)", limit: 1 << 20) ?? [] }
        }
        return all
    }

    @Test("in a command appear on no command line and in no history", arguments: Shells.installed)
    func command(kind: ShellKind) async throws {
        let secret = "s3cret" + RandomBytes.text(bytes: 9).filter { $0.isLetter }
        let home = try TestFolder.make("/tmp/mm-home-")
        defer { TestFolder.remove(home) }
        var settings = Shells.settings(kind)
        settings.environment["HOME"] = home
        settings.environment["HISTFILE"] = home + "/history"
        try await Shells.with(settings: settings) { (shell) async throws in
            for text in ["t=\(secret); echo begun; sleep 3030", "t=\(secret)\necho begun; sleep 3030"] {
                let job = try await shell.start(ShellCommand(text), deadline: .never)
                #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
                #expect(ByteSearch.find(Array(secret.utf8), in: Self.visible()) == nil)
                let folder = try #require(await shell.folder)
                let listed = try await ChildOutput.of("stat", ["-c", "%a", folder])
                #expect(listed == "700\n")
                job.cancel()
                #expect(await job.wait(until: .after(.seconds(300)))?.cause == .cancelled)
            }
            let history = try await shell.sh("fc -l 2>/dev/null; history 2>/dev/null; true")
            #expect(!history.out.contains(secret))
        }
        #expect(try await ChildOutput.of("grep", ["-r", secret, home]).isEmpty)
    }

    @Test("typed into a command aren't echoed", arguments: Shells.installed)
    func typed(kind: ShellKind) async throws {
        try await Shells.with(kind) { (shell) async throws in
            let job = try await shell.start(
                ShellCommand(
                    "stty -echo </dev/tty; printf 'Password: '; read p; stty echo </dev/tty; [ \"$p\" = hunter2 ] && echo right",
                    input: .terminal), deadline: .after(.seconds(300)))
            #expect(await eventually { await job.waitingFor()?.isSecret == true })
            try await job.type(.secret(Secret("hunter2")))
            #expect(await job.wait(until: .after(.seconds(300)))?.exitCode == 0)
            for stream in ShellCommand.Stream.allCases {
                #expect(!job.output(stream).text.contains("hunter2"))
            }
            #expect(ByteSearch.find(Array("hunter2".utf8), in: Self.visible()) == nil)
        }
    }

    @Test(
        "of a sign-in are in no argument, variable, file or message",
        .enabled(if: TestSSHD.missing == nil, "sshd is not installed"))
    func signIn() async throws {
        let secret = "pw" + RandomBytes.text(bytes: 12).filter { $0.isLetter || $0.isNumber }
        try await TestSSHD.with { (server) async throws in
            var target = server.target
            target.identityFile = "/nonexistent"
            target.password = Secret(secret)
            let wanted = target
            let masters = SSHSessionTests.masters()
            let attempt = Task { () -> MMError? in
                do throws(MMError) {
                    await
                        (try SSHSession.connect(
                            wanted, masters: masters, policy: .open, times: SSHSessionTests.patient, admission: nil,
                            deadline: .after(.seconds(240))))
                        .close()
                    return nil
                } catch { return error }
            }
            let done = Mutex(false)
            let watcher = Task {
                var seen = false
                while !done.withLock({ $0 }) {
                    let found = try? await BlockingWork.run {
                        ByteSearch.find(Array(secret.utf8), in: Self.visible()) != nil
                    }
                    if found == true { seen = true }
                    try? await Task.sleep(for: .milliseconds(20))
                }
                return seen
            }
            let error = try #require(await attempt.value)
            done.withLock { $0 = true }
            #expect(await watcher.value == false)
            #expect(error.details["reason"] == "authentication")
            #expect(!"\(error)\(error.cause ?? "")\(error.details)".contains(secret))
            #expect(try await ChildOutput.of("sh", ["-c", "grep -rls \(secret) /tmp/mm-ssh-* 2>/dev/null"]).isEmpty)
        }
    }
}
