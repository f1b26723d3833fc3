import MMCore
import MMDesk
import MMGuard
import MMShell
import Testing

/// A shell that runs nothing and records its commands.
private actor ListeningShell: ShellSession {
    nonisolated let name = "listening"
    private(set) var heard: [String] = []

    func start(
        _ command: ShellCommand, deadline: Deadline, observer: ShellCommand.Observer?
    ) async throws(MMError) -> ShellJob {
        heard.append(command.text)
        throw MMError(.unsupported, "It only listens.")
    }

    func reset() async throws(MMError) {}
    func close() async {}
}

@Suite("A guarded shell", .timeLimit(.minutes(5)))
struct GuardedShellTests {
    /// A command with the guard's verdict on it.
    private func judged(_ text: String) -> Judged<ShellLine> {
        var memory = ShellMemory()
        let verdict = GuardEngine().judge(
            shell: text, in: ShellContext(isRemote: true, home: nil, directory: nil, ownFiles: []), policy: .standard,
            remembering: &memory)
        return Judged(
            ShellLine(text),
            ConfirmationRequest(connection: "ssh:web1", module: "ssh", title: "run", text: text, verdict: verdict))
    }

    @Test("runs allowed commands unchanged")
    func cleared() async throws {
        let shell = ListeningShell()
        let cleared = try #require(judged("uptime").allowed)
        await #expect(throws: MMError.self) {
            _ = try await GuardedShell(shell) { "" }.start(
                cleared, as: ShellCommand("uptime"), deadline: .after(.seconds(300)))
        }
        #expect(await shell.heard == ["uptime"])
    }

    @Test("runs only the command that was cleared", arguments: [false, true])
    func another(_ isBeside: Bool) async throws {
        let shell = ListeningShell()
        let cleared = try #require(judged("uptime").allowed)
        let error = await #expect(throws: MMError.self) {
            _ = try await GuardedShell(shell) { "" }.start(
                cleared, as: ShellCommand("uptime; rm -rf /srv"), isBeside: isBeside, deadline: .after(.seconds(300)))
        }
        #expect(error?.code == .conflict)
        #expect(await shell.heard == [])
    }

    @Test("gets no command that needs a confirmation without one", arguments: ["rm -rf /srv", "reboot"])
    func asked(_ text: String) { #expect(judged(text).allowed == nil) }

    @Test("gives no files if there is no host")
    func files() async throws {
        let cleared = try #require(judged("cat -- /etc/hostname").allowed)
        let error = #expect(throws: MMError.self) {
            _ = try GuardedShell(ListeningShell()) { "" }.files(by: cleared, limit: 1, sudo: .none)
        }
        #expect(error?.code == .unsupported)
    }
}
