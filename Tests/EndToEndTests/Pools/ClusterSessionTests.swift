import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

/// Nodes with their own Redis and a sandbox tenant.
private final class Nodes: Sendable {
    let tenant: Tenant
    let ports: [UInt16]
    private let place = OwnAddress()
    private let lease: Int
    private let root: String
    private let redis = Mutex<ChildProcess?>(nil)
    private let nodes = Mutex<[ChildProcess]>([])

    private static let mailbox = "/v1.0/me/messages"
    static let reading = "Invoke-StandIn request graph GET /v1.0/me"

    /// A script that sends one write.
    static func writing(_ subject: String) -> String {
        "Invoke-StandIn request graph POST \(mailbox) '{\"subject\":\"\(subject)\"}'"
    }

    /// - Parameters:
    ///   - count: how many nodes there are.
    /// - kind: how the guard judges the stand-in's own command.
    ///   - lease: how many seconds a lease lasts.
    init(_ count: Int, commandIs kind: String, lease: Int) async throws {
        self.lease = lease
        tenant = try await Tenant(users: 20)
        root = tenant.home.path + "/cluster"
        ports = try place.ports(count)
        mkdir(root, 0o700)
        try ProtectedFile.replace("\(root)/secret", with: Array("\(RandomBytes.text(bytes: 24))\n".utf8))
        let rules = """
            {"version": 1, "rules": [{"id": "stand-in", "cmdlets": ["Invoke-StandIn"], "class": "\(kind)", \
            "loosens": ["unknown-command"]}]}
            """
        try ProtectedFile.replace("\(root)/rules.json", with: Array(rules.utf8))
        try await startRedis()
        try await tenant.signIn()
        for number in ports.indices { try await startNode(number) }
    }

    deinit {
        for node in nodes.withLock({ $0 }) { node.signalGroup(SIGKILL) }
        redis.withLock { _ = $0?.signalGroup(SIGKILL) }
    }

    func startRedis() async throws {
        var command = ChildCommand(
            "/usr/bin/env",
            [
                "redis-server", "--port", "0", "--unixsocket", "\(root)/redis.sock", "--unixsocketperm", "700",
                "--save", "",
                "--dir", root,
            ], environment: tenant.home.environment)
        command.output = .null
        command.error = .null
        let process = try await ChildProcess.start(command)
        redis.withLock { $0 = process }
        try await waitUntil { try await self.redis("ping").contains("PONG") }
    }

    func endRedis() async throws {
        let process = redis.withLock { $0 }
        process?.signalGroup(SIGKILL)
        _ = await process?.exit()
    }

    private func redis(_ words: String...) async throws -> String {
        try await Tenant.run(
            "/usr/bin/env", ["redis-cli", "-s", "\(root)/redis.sock"] + words, tenant.home.environment
        )
        .output
    }

    /// The URL of the node with the lease, from Redis.
    func holder() async throws -> String {
        try await redis("hget", "{mm:Demo}:lease", "address").filter { !$0.isNewline }
    }

    private func startNode(_ number: Int) async throws {
        let own = "\(root)/node\(number)"
        mkdir(own, 0o700)
        let home = tenant.home.path
        let (process, _) = try await ListeningProgram.start(
            Programs.mm,
            [
                "pool", "serve", "--listen", "\(place.host):\(ports[number])", "--token-file", "\(root)/secret",
                "--quiet",
            ],
            tenant.home.environment.merging([
                "MM_STATE_DIR": "\(own)/state", "MM_LOG_DIR": "\(own)/logs", "XDG_RUNTIME_DIR": own,
                "MM_TOKEN_DIR": "\(home)/.mm-graph-tokens", "MM_CONNECTIONS": "\(home)/.m365-connections.json",
                "MM_SANDBOX_URL": tenant.base, "MM_GUARD_RULES": "\(root)/rules.json",
                "MM_CLUSTER": "redis+unix://\(root)/redis.sock", "MM_CLUSTER_LEASE": "\(lease)",
            ]) { $1 })
        nodes.withLock { $0.append(process) }
    }

    func signal(_ number: Int, _ signal: Int32) { _ = kill(nodes.withLock { $0[number].pid }, signal) }

    /// Runs `mm` against a node.
    func ask(_ number: Int, _ words: [String]) async throws -> Tenant.Ran {
        try await tenant.mm(
            words,
            extra: [
                "MM_SESSION_POOL_URL": "http://\(place.host):\(ports[number])", "MM_POOL_TOKEN_FILE": "\(root)/secret",
            ])
    }

    func run(_ number: Int, _ script: String) async throws -> Tenant.Ran {
        try await ask(number, ["run", "Demo", "graph", script, "--json"])
    }

    /// Repeats a script in a session of a node until the node has seen Redis long enough to take leases.
    func settled(_ number: Int, _ script: String) async throws -> Tenant.Ran {
        while true {
            let ran = try await run(number, script)
            guard ran.failure?["details"]?["cluster"] == "settling" else { return ran }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// The writes of sessions that the tenant has received.
    func writes() async throws -> Int {
        let seen = try await tenant.control("GET", "requests")["requests"]?.array ?? []
        return seen.count { $0["method"] == "POST" && $0["path"]?.string == Self.mailbox }
    }

    func state(_ number: Int) async throws -> String? {
        let ran = try await ask(number, ["status", "--json"])
        return ran.json?["sessions"]?.array?.first { $0["session"]?.string == "Demo/graph" }?["state"]?.string
    }

    func stop() async { await tenant.stop() }
}

@Suite(
    "PowerShell sessions of several pools", .timeLimit(.minutes(10)),
    .enabled(if: ClusterTests.missing == nil, "\(ClusterTests.missing ?? "")"))
struct ClusterSessionTests {
    @Test(
        "a node that was paused while another took its lease sends nothing of what its session was about to send")
    func wokenNode() async throws {
        // Long enough for a busy machine: no lease may expire before its node is paused.
        let nodes = try await Nodes(2, commandIs: "write", lease: 10)
        let first = try await nodes.settled(0, Nodes.writing("before"))
        try #require(first.code == 0, "\(first)")
        #expect(try await nodes.writes() == 1)
        // The other node knows the session and its node.
        let seen = try await nodes.ask(1, ["sessions", "--json"])
        let row = seen.json?.array?.first { $0["session"] == "Demo/graph" }
        #expect(row?["node"]?.string?.hasSuffix(":\(nodes.ports[0])") == true, "\(seen)")
        let told = try await nodes.ask(0, ["run", "Demo", "graph", "Invoke-StandIn process"])
        let inner = try #require(Int32(told.output.filter(\.isNumber)), "\(told)")
        let session = try #require(SessionProcess.here(inner, home: nodes.tenant.home.path))

        // The session gets a call and is paused before it can send; then its node is paused.
        kill(session, SIGSTOP)
        async let late = nodes.run(0, Nodes.writing("late"))
        try await waitUntil { try await nodes.state(0) == "busy" }
        nodes.signal(0, SIGSTOP)
        let other = try await nodes.ask(1, ["graph", "Demo", "/me", "--json"])
        #expect(other.code == 0, "\(other)")
        #expect(try await nodes.holder().hasSuffix(":\(nodes.ports[1])"))
        kill(session, SIGCONT)
        nodes.signal(0, SIGCONT)

        let ran = try await late
        #expect(ran.code != 0, "\(ran)")
        #expect(ran.failure?["details"]?["lease"] == "over", "\(ran)")
        #expect(ran.failure?["message"]?.string?.contains("lease of Demo has expired") == true, "\(ran)")
        #expect(try await eventually { try await nodes.state(0) != "busy" && kill(session, 0) != 0 })
        #expect(try await nodes.writes() == 1)
        await nodes.stop()
    }

    @Test("while Redis is away a session reads but sends no write; writes work again when Redis is back")
    func withoutRedis() async throws {
        let nodes = try await Nodes(1, commandIs: "read", lease: 10)
        let first = try await nodes.settled(0, Nodes.reading)
        try #require(first.code == 0, "\(first)")
        try await nodes.endRedis()
        // The lease lasts a while longer, then the session ends with it.
        try await waitUntil {
            try await nodes.ask(0, ["graph", "Demo", "/me/messages", "-X", "POST", "-d", "{}", "--json"])
                .failure?["details"]?["cluster"] == "away"
        }
        let before = try await nodes.writes()
        let read = try await nodes.run(0, Nodes.reading)
        #expect(read.code == 0 && read.json?[0]?["Status"] == 200, "\(read)")
        #expect(read.error.contains("only reads"), "\(read)")
        let refused = try await nodes.run(0, Nodes.writing("never"))
        #expect(refused.code != 0, "\(refused)")
        #expect(try await nodes.writes() == before)
        try await nodes.startRedis()
        try await waitUntil {
            try await nodes.ask(0, ["graph", "Demo", "/me/messages", "-X", "POST", "-d", "{}", "--json"]).code == 0
        }
        #expect(try await nodes.writes() == before + 1)
        await nodes.stop()
    }
}
