import Glibc
import MMCore
import MMSystem

/// `mm-mcp --profile persistent-shell` in a process of its own, at a free port.
final class ServedShell: Sendable {
    let home: TemporaryHome
    /// The address of its endpoint.
    let url: String
    let workspace: String
    private let process: ChildProcess

    init(_ arguments: [String] = [], _ variables: [String: String] = [:]) async throws {
        home = try TemporaryHome()
        workspace = home.path + "/workspace"
        var environment = home.environment
        environment["MCP_SHELL_SERVER__PORT"] = "0"
        environment["MCP_SHELL_SECURITY__WORKING_DIRECTORY"] = workspace
        for (key, value) in variables { environment[key] = value }
        var command = ChildCommand(
            Programs.mmMCP, ["--profile", "persistent-shell"] + arguments, environment: environment)
        command.error = .null
        process = try await ChildProcess.start(command)
        var line: [UInt8] = []
        while !line.contains(0x0A), let piece = try await process.output?.read() { line += piece }
        guard let end = line.firstIndex(of: 0x0A) else { throw MMError(.internalError, "the server did not start") }
        url = String(decoding: line[..<end], as: UTF8.self)
    }

    deinit { process.signalGroup(SIGKILL) }

    /// Ends it as a service manager does.
    func stop() async -> ChildProcess.Exit { await process.terminate(grace: .seconds(300)) }

    /// Whether a process is there.
    static func isAlive(_ pid: Int) -> Bool { kill(pid_t(pid), 0) == 0 }

    /// Waits for a condition, for at most five minutes.
    static func eventually(_ condition: () async throws -> Bool) async rethrows -> Bool {
        let limit = ContinuousClock.now + .seconds(300)
        while ContinuousClock.now < limit {
            if try await condition() { return true }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return try await condition()
    }
}
