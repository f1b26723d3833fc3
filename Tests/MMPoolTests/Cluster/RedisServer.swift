import Glibc
import MMCore
import MMPool
import MMSystem
import TestHosts
import TestSupport
import Testing

/// Runs a test with its own folder.
func withHome(_ body: (TestHome) async throws -> Void) async throws {
    let home = try TestHome()
    try await body(home)
    withExtendedLifetime(home) {}
}

/// Waits for a condition, and fails the test if it is never met.
func waited(within limit: Duration, _ condition: () async throws -> Bool) async throws {
    let holds = try await eventually(within: limit, condition)
    #expect(holds)
}

/// A redis-server for one test.
final class RedisServer: Sendable {
    private static let path = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    private static let environment = ["PATH": path, "HOME": "/tmp", "LANG": "C.UTF-8"]
    /// Why it isn't available; `nil` if it is.
    static let missing: String? =
        ["redis-server", "redis-cli"].first { ExecutableSearch.find($0, path: path) == nil }.map {
            "\($0) is not installed"
        }
        ?? (RedisLibrary.fault.map { $0 })

    let port: Int
    let folder: String
    let process: ChildProcess

    private init(port: Int, folder: String, process: ChildProcess) {
        self.port = port
        self.folder = folder
        self.process = process
    }

    deinit { process.signalGroup(SIGKILL) }

    var url: String { "redis://127.0.0.1:\(port)" }

    /// Starts a server and waits until it answers.
    /// - Parameters:
    ///   - folder: where it keeps its files.
    /// - port: a free one by default.
    ///   - lines: further lines of its configuration.
    ///   - arguments: further arguments.
    static func start(
        in folder: String, port: Int? = nil, _ lines: String = "", arguments: [String] = [], check: [String] = []
    ) async throws -> RedisServer {
        while true {
            var chosen = port ?? freePort()
            // A member of a cluster also listens at this port plus 10,000.
            while lines.contains("cluster-enabled"), chosen > 55_000 { chosen = freePort() }
            if let server = try await begin(in: folder, chosen, lines, arguments, check) { return server }
            // Another process took the port: it is free only until then.
            guard port == nil else { throw MMError(.unavailable, "redis-server ended at port \(chosen)") }
        }
    }

    /// - Returns: `nil` if it ended.
    private static func begin(
        in folder: String, _ port: Int, _ lines: String, _ arguments: [String], _ check: [String]
    ) async throws -> RedisServer? {
        let isEncrypted = lines.contains("tls-port")
        let file = "\(folder)/redis-\(port).conf"
        let text = """
            \(isEncrypted ? "port 0" : "port \(port)")
            bind 127.0.0.1
            dir \(folder)
            save ""
            logfile \(folder)/redis-\(port).log
            \(lines.replacing("PORT", with: "\(port)"))

            """
        if access(file, F_OK) != 0 { try ProtectedFile.replace(file, with: Array(text.utf8)) }
        var command = ChildCommand(
            ExecutableSearch.find("redis-server", path: path) ?? "", [file] + arguments, environment: environment)
        command.output = .null
        command.error = .null
        let process = try await ChildProcess.start(command)
        let server = RedisServer(port: port, folder: folder, process: process)
        while process.exited == nil {
            // Another test's server may have this port.
            let told = try? await cli(["-p", "\(port)"] + check + ["info", "server"])
            if told?.contains("config_file:\(file)") == true { return server }
            try await Task.sleep(for: .milliseconds(50))
        }
        return nil
    }

    /// The output of redis-cli.
    @discardableResult
    static func cli(_ arguments: [String]) async throws -> String {
        let command = ChildCommand(
            ExecutableSearch.find("redis-cli", path: path) ?? "", arguments, environment: environment)
        let outcome = try await ChildProcess.run(command, timeout: .seconds(60))
        return String(decoding: outcome.output, as: UTF8.self)
    }

    /// Runs a program.
    /// - Returns: whether it succeeded.
    static func run(_ program: String, _ arguments: [String]) async throws -> Bool {
        guard let path = ExecutableSearch.find(program, path: path) else { return false }
        let outcome = try await ChildProcess.run(
            ChildCommand(path, arguments, environment: environment), timeout: .seconds(60))
        return outcome.exit == .status(0)
    }

    /// Three masters of one cluster.
    static func cluster(in folder: String) async throws -> (servers: [RedisServer], client: RedisClient) {
        var servers: [RedisServer] = []
        for number in 0..<3 {
            servers.append(
                try await start(
                    in: folder,
                    """
                    cluster-enabled yes
                    cluster-config-file nodes-\(number).conf
                    cluster-require-full-coverage no
                    """))
        }
        let list = servers.map { "127.0.0.1:\($0.port)" }
        try await cli(["--cluster", "create"] + list + ["--cluster-yes"])
        try await waited(within: .seconds(120)) {
            for server in servers {
                let state = try await cli(["-p", "\(server.port)", "cluster", "info"])
                guard state.contains("cluster_state:ok"), state.contains("cluster_slots_assigned:16384") else {
                    return false
                }
            }
            return true
        }
        return (servers, RedisClient(try RedisAddress("redis+cluster://\(list.joined(separator: ","))")))
    }

    private static func freePort() -> Int {
        let (socket, port) = LoopbackSSHD.reservedPort()
        close(socket)
        return port
    }

    func kill() async {
        process.signalGroup(SIGKILL)
        _ = await process.exit()
    }
}
