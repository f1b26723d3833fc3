import Glibc
import MMCore
import MMSystem
import TestHosts
import TestSupport
import Testing

@testable import MMShell

/// A real sshd in its own folder, as sessions see it.
final class TestSSHD: Sendable {
    /// Why it isn't available; nil if it is.
    static let missing: String? = LoopbackSSHD.isInstalled ? nil : "sshd is not installed"
    /// A trait for tests that need terminals on the host.
    static let givesTerminals: ConditionTrait = .enabled(
        if: LoopbackSSHD.missingTerminals == nil, Comment(rawValue: LoopbackSSHD.missingTerminals ?? ""))
    static let user = LoopbackSSHD.user

    private let server: LoopbackSSHD
    var folder: String { server.folder }
    var port: Int { server.port }
    var process: ChildProcess { server.process }

    /// Starts it and waits until it listens.
    static func start(_ extra: String = "", folder given: String? = nil) async throws -> TestSSHD {
        Signals.ignoreBrokenPipes()
        let folder = try given ?? TestFolder.make("/tmp/mm-sshd-")
        return TestSSHD(try await LoopbackSSHD.start(in: folder, extra))
    }

    private init(_ server: LoopbackSSHD) { self.server = server }

    static func with(_ extra: String = "", _ body: (TestSSHD) async throws -> Void) async throws {
        let server = try await start(extra)
        do { try await body(server) } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    /// Ends the server and the connections that it serves.
    func stop() async {
        for pid in descendants() { kill(pid, SIGKILL) }
        await server.stop()
        try? await Self.run("rm", ["-rf", folder])
    }

    /// The processes that serve connections.
    func descendants() -> [Int32] { ShellSessionProcesses(shell: process.pid).others().map(\.id) }

    var target: SSHTarget {
        var target = SSHTarget("127.0.0.1", user: Self.user, port: port)
        target.identityFile = "\(folder)/user"
        target.hostKeys = .acceptNew
        target.knownHostsFile = "\(folder)/known"
        target.configFile = "/dev/null"
        // A busy machine must not look like an unreachable host.
        target.connectTimeout = .seconds(300)
        return target
    }

    static func run(_ program: String, _ arguments: [String]) async throws {
        try await LoopbackSSHD.run(program, arguments)
    }

    static func put(_ text: String, _ path: String) async throws {
        try ProtectedFile.replace(path, with: Array(text.utf8))
    }
}
