import Glibc
import MMCore
import MMSystem
import TestHosts
import TestSupport

/// `mm-mcp` with a tool profile or the catalogue over HTTP, as a process at a free port.
final class ServedShell: Sendable {
    let home: TemporaryHome
    /// The address of its endpoint.
    let url: String
    let workspace: String
    private let process: ChildProcess

    init(_ arguments: [String] = [], _ variables: [String: String] = [:], profile: String? = "persistent-shell")
        async throws
    {
        home = try TemporaryHome()
        workspace = home.path + "/workspace"
        var environment = home.environment
        environment["MCP_SHELL_SERVER__PORT"] = "0"
        environment["MCP_SHELL_SECURITY__WORKING_DIRECTORY"] = workspace
        for (key, value) in variables { environment[key] = value }
        var command = ChildCommand(
            Programs.mmMCP, (profile.map { ["--profile", $0] } ?? ["--http", "127.0.0.1:0"]) + arguments,
            environment: environment)
        command.error = .null
        process = try await ChildProcess.start(command)
        var line: [UInt8] = []
        while !line.contains(0x0A), let piece = try await process.output?.read() { line += piece }
        guard let end = line.firstIndex(of: 0x0A) else { throw MMError(.internalError, "the server did not start") }
        url = String(decoding: line[..<end], as: UTF8.self)
    }

    deinit { process.signalGroup(SIGKILL) }

    /// Ends it like a service manager.
    func stop() async -> ChildProcess.Exit { await process.terminate(grace: .seconds(300)) }

    /// Waits until a process is gone.
    static func ends(_ pid: Int32) async -> Bool {
        let process = StartedProcess(pid)
        return await eventually { process?.isAlive != true }
    }
}
