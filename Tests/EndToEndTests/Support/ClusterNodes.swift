import Glibc
import MMCore
import MMHTTP
import MMSystem
import Testing

/// A cluster of pools on this machine with its own redis-server. The tenant administers six others; a connection to
/// each, `Tenant 1` to `Tenant 6`, signs in as an app.
final class ClusterNodes: Sendable {
    static let tenants = 6
    /// A second connection to the first of them.
    static let again = "Again"

    let tenant: Tenant
    private let root: String
    private let place = OwnAddress()
    private let ports: [UInt16]
    private let nodes: Mutex<[Int: ChildProcess]> = Mutex([:])
    private let redis: Mutex<ChildProcess?> = Mutex(nil)

    /// Starts the nodes, with the tenant's own connection signed in.
    /// - Parameter users: how many users each tenant has.
    init(_ count: Int = 3, users: Int = 20) async throws {
        tenant = try await Tenant(users: users, customers: Self.tenants)
        try await tenant.signIn()
        root = tenant.home.path + "/cluster"
        ports = try place.ports(count)
        for name in ["secret", "key"] {
            try ProtectedFile.replace("\(root)/\(name)", with: Array(RandomBytes.text(bytes: 36).utf8))
        }
        try ProtectedFile.replace("\(root)/app", with: Array("sandbox~automation~secret".utf8))
        let registry = tenant.home.path + "/.m365-connections.json"
        let bytes = try #require(try ProtectedFile.read(registry))
        var document = try #require(try JSONParser.parse(bytes).object)
        var entries = try #require(document["connections"]?.object)
        for number in 1...Self.tenants {
            entries["Tenant \(number)"] = [
                "cloud": "sandbox", "appId": "5a4db0c5-0000-4000-8000-00000000a002",
                "tenantId": .string(Self.id(number)),
                "auth": ["method": "secret", "secretFile": .string("\(root)/app")],
            ]
        }
        entries[Self.again] = entries["Tenant 1"]
        document["connections"] = .object(entries)
        try ProtectedFile.replace(registry, with: JSONWriter.bytes(.object(document)))
        try await startRedis()
        for number in 0..<count { try await start(number) }
    }

    deinit {
        for process in nodes.withLock({ Array($0.values) }) { process.signalGroup(SIGKILL) }
        redis.withLock { _ = $0?.signalGroup(SIGKILL) }
    }

    /// The id of a tenant.
    static func id(_ number: Int) -> String { "5a4db0c5-7e11-4c02-9d0e-c0570000000\(number)" }

    /// Starts the redis-server, which listens at a socket file, and waits until it answers.
    func startRedis() async throws {
        let program = try #require(ExecutableSearch.find("redis-server", path: "/usr/local/bin:/usr/bin:/bin"))
        var command = ChildCommand(
            program, ["--port", "0", "--unixsocket", "\(root)/redis", "--save", "", "--dir", root],
            environment: ["PATH": "/usr/bin:/bin"])
        command.output = .null
        command.error = .null
        let process = try await ChildProcess.start(command)
        redis.withLock { $0 = process }
        while try await cli("ping") != "PONG" {
            try #require(process.exited == nil, "redis-server ended")
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private func cli(_ word: String) async throws -> String {
        let ran = try await Tenant.run(
            "/usr/bin/env", ["redis-cli", "-s", "\(root)/redis", word],
            ["PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp"])
        return ran.output.split(separator: "\n").first.map(String.init) ?? ""
    }

    /// Kills the redis-server.
    func killRedis() async {
        let process = redis.withLock { $0 }
        process?.signalGroup(SIGKILL)
        _ = await process?.exit()
    }

    /// Starts a node.
    func start(_ number: Int) async throws {
        try ProtectedFile.makeDirectory("\(root)/node\(number)")
        let environment = tenant.home.environment.merging(key) { $1 }.merging(own(number)) { $1 }
            // Long enough for a busy machine: no lease of a living node may expire.
            .merging(["MM_CLUSTER_LEASE": "6"]) { $1 }
        let (process, _) = try await ListeningProgram.start(
            Programs.mm,
            [
                "pool", "serve", "--listen", "\(place.host):\(ports[number])", "--token-file", "\(root)/secret",
                "--quiet",
            ], environment)
        nodes.withLock { $0[number] = process }
    }

    /// Kills a node.
    func kill(_ number: Int) async {
        let process = nodes.withLock { $0.removeValue(forKey: number) }
        process?.signalGroup(SIGKILL)
        _ = await process?.exit()
    }

    /// The environment of programs on a node's own machine.
    func own(_ number: Int) -> [String: String] {
        let own = "\(root)/node\(number)"
        return [
            "MM_STATE_DIR": "\(own)/state", "MM_LOG_DIR": "\(own)/logs", "XDG_RUNTIME_DIR": own,
            "MM_SANDBOX_URL": tenant.base,
        ]
    }

    /// Further environment variables for a front-end of a node.
    func front(_ number: Int) -> [String: String] {
        [
            "MM_SESSION_POOL_URL": "http://\(place.host):\(ports[number])", "MM_POOL_TOKEN_FILE": "\(root)/secret",
            "XDG_RUNTIME_DIR": root,
        ]
    }

    /// Runs `mm` with a node as its pool.
    func mm(_ number: Int, _ words: [String]) async throws -> Tenant.Ran {
        try await tenant.mm(words, extra: front(number))
    }

    /// Sends a request to a node like another program.
    func rest(_ number: Int, _ method: String, _ path: String, _ body: JSONValue? = nil) async throws -> HTTPResponse {
        let secret = try #require(try ProtectedFile.read("\(root)/secret"))
        return try await HTTPClient(configuration: HTTPClientConfiguration(environment: [:])).send(
            HTTPRequest(
                method: method, url: address(number) + path,
                headers: [
                    "Authorization": "Bearer \(String(decoding: secret, as: UTF8.self))", "Prefer": "respond-async",
                    "Content-Type": "application/json",
                ],
                body: body.map { JSONWriter.bytes($0) } ?? [], timeout: .seconds(300), allowsPlainHTTP: true))
    }

    /// Further environment variables for a person's programs, to see what waits on all nodes.
    private var key: [String: String] {
        ["MM_CLUSTER": "redis+unix://\(root)/redis", "MM_CLUSTER_KEY_FILE": "\(root)/key", "XDG_RUNTIME_DIR": root]
    }

    /// What waits on all nodes.
    func waiting() async throws -> Tenant.Ran { try await tenant.mm(["confirm", "--json"], extra: key) }

    /// A person's confirmation, given on a machine of the nodes.
    func confirm(_ token: String) async throws -> Tenant.Dialog {
        try await tenant.dialog(["confirm", token], [("Type yes", "yes\n")], key)
    }

    /// What a node reports about the cluster.
    func report(_ number: Int) async throws -> JSONValue? {
        try await tenant.mm(["pool", "status", "--json"], extra: own(number)).json?["cluster"]
    }

    /// The address at which the others reach a node.
    func address(_ number: Int) -> String { "http://\(place.host):\(ports[number])" }

    /// Repeats calls over a connection until a node holds it.
    func hold(_ connection: String, at number: Int) async throws {
        try await waitUntil {
            _ = try await self.mm(number, ["graph", connection, "/organization", "--json"])
            return (try await self.report(number)?["leases"]?.array ?? []).contains {
                $0["connection"]?.string == connection
            }
        }
    }

    func stop() async {
        for process in nodes.withLock({ Array($0.values) }) { _ = await process.terminate(grace: .seconds(120)) }
        await killRedis()
        await tenant.stop()
    }
}
