import Glibc
import MMCore
import MMSystem
import Testing

/// Pools with addresses and names of their own on this machine, and their router: the topology of Deploy/kubernetes as
/// processes. The names are in a hosts file that only the router's process sees.
private final class Topology: Sendable {
    static let connections = ["Alpha", "Beta", "Gamma Co", "Delta"]

    let tenant: Tenant
    let port: UInt16
    private let root: String
    private let router: Mutex<ChildProcess?> = Mutex(nil)
    private let pools = Mutex<[String: ChildProcess]>([:])
    private let base = Mutex("")

    /// Whether a process can have its own hosts file on this machine.
    static func canMount() async -> Bool {
        let trial = ChildCommand(
            "/usr/bin/unshare", words + ["mount --bind /dev/null /etc/hosts"], environment: ["PATH": "/usr/bin:/bin"])
        return (try? await ChildProcess.run(trial, input: [], limit: 4096, timeout: .seconds(20)))?.exit.code == 0
    }

    private static let words: [String] =
        (geteuid() == 0 ? [] : ["--user", "--map-root-user"]) + ["--mount", "/bin/sh", "-c"]

    init() async throws {
        tenant = try await Tenant(users: 10, customers: Self.connections.count)
        root = tenant.home.path + "/topology"
        port = try OwnAddress(host: "127.0.5.1").ports(1)[0]
        let script = """
            set -e; umask 077; mkdir -p "$0"; cd "$0"
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout tls.key -out tls.csr -subj /CN=pools
            printf 'subjectAltName=DNS:*.mm-pools.test' >tls.ext
            openssl x509 -req -in tls.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile tls.ext -out tls.pem
            head -c 32 /dev/urandom | base64 >token
            printf 'sandbox~automation~secret' >secret
            """
        let made = try await Tenant.run("/bin/sh", ["-c", script, root], tenant.home.environment)
        try #require(made.code == 0, "\(made.error)")
        try registry("router", Self.connections)
        for name in Self.connections { try registry(name, [name]) }
    }

    deinit {
        for process in pools.withLock({ Array($0.values) }) { process.signalGroup(SIGKILL) }
        router.withLock { _ = $0?.signalGroup(SIGKILL) }
    }

    private func home(_ name: String) -> String { "\(root)/\(name.replacing(" ", with: "-"))" }

    private func environment(_ name: String) -> [String: String] {
        let home = home(name)
        return [
            "HOME": home, "XDG_RUNTIME_DIR": home, "MM_SANDBOX_URL": tenant.base, "LANG": "C.UTF-8",
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        ]
    }

    private func registry(_ name: String, _ connections: [String]) throws {
        var entries = JSONObject()
        for connection in connections {
            let number = (Self.connections.firstIndex(of: connection) ?? 0) + 1
            entries[connection] = [
                "cloud": "sandbox", "appId": "5a4db0c5-0000-4000-8000-00000000a002",
                "tenantId": .string("5a4db0c5-7e11-4c02-9d0e-c0570000000\(number)"),
                "auth": ["method": "secret", "secretFile": .string(root + "/secret")],
            ]
        }
        try ProtectedFile.replace(
            home(name) + "/.m365-connections.json", with: JSONWriter.bytes(["connections": .object(entries)]))
    }

    static func host(_ connection: String) -> String {
        connection.lowercased().replacing(" ", with: "-") + "-pool-0.mm-pools.test"
    }

    /// Sets the addresses of pools, like a cluster's DNS. The file is mounted, so it has to stay the same one.
    func names(_ places: [String: String]) throws {
        let lines = ["127.0.0.1 localhost"] + places.map { "\($0.value) \(Self.host($0.key))" }
        let text = Array((lines.joined(separator: "\n") + "\n").utf8)
        let number = open(root + "/hosts", O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        defer { close(number) }
        try #require(write(number, text, text.count) == text.count)
    }

    func startPool(_ connection: String, at address: String) async throws {
        let process = try await ListeningProgram.start(
            Programs.mm,
            [
                "pool", "serve", "--profile", "pool", "--listen", "\(address):\(port)", "--behind-proxy",
                "--token-file", root + "/token", "--tls-cert", root + "/tls.pem", "--tls-key", root + "/tls.key",
                "--allow-host", Self.host(connection), "--quiet",
            ], environment(connection)
        ).process
        pools.withLock { $0[connection] = process }
    }

    func startRouter(_ more: [String] = []) async throws {
        let words = [
            Programs.mm, "pool", "serve", "--isolated", "--listen", "127.0.0.1:0", "--quiet", "--pools",
            "https://{connection}-pool-0.mm-pools.test:\(port)", "--pools-token-file", root + "/token", "--pools-ca",
            root + "/ca.pem",
        ]
        let line = "mount --bind \(root)/hosts /etc/hosts && exec \"$0\" \"$@\""
        let (process, address) = try await ListeningProgram.start(
            "/usr/bin/unshare", Self.words + [line] + words, environment("router"))
        router.withLock { $0 = process }
        base.withLock { $0 = address }
    }

    func signal(_ connection: String, _ signal: Int32) {
        guard let pool = pools.withLock({ $0[connection] }) else { return }
        kill(pool.pid, signal)
    }

    func ended(_ connection: String) async { _ = await pools.withLock { $0[connection] }?.exit() }

    func stop() async {
        let running = router.withLock { $0 }
        _ = await running?.terminate(grace: .seconds(60))
        for process in pools.withLock({ Array($0.values) }) { _ = await process.terminate(grace: .seconds(60)) }
        await tenant.stop()
    }

    /// A front-end with the router's address.
    func mm(_ words: [String]) async throws -> Tenant.Ran {
        let address = base.withLock { $0 }
        return try await Tenant.run(
            Programs.mm, words,
            tenant.home.environment.merging(["MM_SESSION_POOL_URL": address]) { $1 })
    }

    func users(_ connection: String) async throws -> Tenant.Ran {
        try await mm(["graph", connection, "/users?$top=1&$select=userPrincipalName", "--json"])
    }

    /// Sends a request without a secret to the router, or to a pool by its address.
    func curl(_ path: String, pool address: String? = nil, _ more: [String] = []) async throws -> Tenant.Ran {
        let url = address.map { "https://\($0):\(port)" } ?? base.withLock { $0 }
        return try await Tenant.run(
            "/usr/bin/curl", ["-sk", "-m", "60", "-w", " %{http_code}"] + more + [url + path], tenant.home.environment)
    }
}

@Suite("Pools on other machines", .timeLimit(.minutes(10)), .serialized)
struct NetworkPoolTests {
    @Test("a router finds pools by name, waits for one that comes back elsewhere, and reports one that isn't deployed")
    func names() async throws {
        guard await Topology.canMount(), ExecutableSearch.find("openssl", path: "/usr/bin:/bin") != nil else {
            print("skipped: needs openssl, and the right to mount a hosts file of its own")
            return
        }
        let topology = try await Topology()
        var places = ["Alpha": "127.0.5.2", "Beta": "127.0.5.3", "Gamma Co": "127.0.5.4"]
        try topology.names(places)
        for (name, address) in places { try await topology.startPool(name, at: address) }
        try await topology.startRouter()

        for (index, name) in Topology.connections.dropLast().enumerated() {
            let ran = try await topology.users(name)
            #expect(ran.code == 0 && ran.output.contains("@customer-\(index + 1).example"), "\(ran)")
        }
        let absent = try await topology.users("Delta")
        #expect(absent.code != 0 && absent.error.contains("No pool is deployed for Delta"), "\(absent)")
        let unknown = try await topology.users("Omega")
        #expect(unknown.code == 1 && unknown.error.contains("Omega"), "\(unknown)")

        // Health checks need no secret; everything else does.
        #expect(try await topology.curl("/ready", pool: "127.0.5.2").output.hasSuffix("\"ready\"}\n 200"))
        #expect(try await topology.curl("/health", pool: "127.0.5.2").output.hasSuffix(" 200"))
        #expect(try await topology.curl("/ready").output.hasSuffix(" 200"))
        for path in ["/status", "/v1/handshake", "/metrics"] {
            let refused = try await topology.curl(
                path, pool: "127.0.5.2", ["-H", "Host: \(Topology.host("Alpha"))"])
            #expect(refused.output.hasSuffix(" 401"), "\(refused)")
        }
        let page = try await topology.curl("/metrics", ["-H", "Accept: text/plain"]).output
        for (name, up) in [("Alpha", 1), ("Beta", 1), ("Gamma Co", 1), ("Delta", 0)] {
            #expect(page.contains("mm_router_pool_up{connection=\"\(name)\"} \(up)\n"), "\(page)")
        }
        #expect(page.contains("mm_sessions{connection=\"Alpha\",state=\"ready\"}"), "\(page)")

        // A killed pool comes back at another address; a call waits for it.
        topology.signal("Beta", SIGKILL)
        await topology.ended("Beta")
        async let waiting = topology.users("Beta")
        let others = try await topology.users("Alpha")
        #expect(others.code == 0, "\(others)")
        places["Beta"] = "127.0.5.9"
        try topology.names(places)
        try await topology.startPool("Beta", at: "127.0.5.9")
        let back = try await waiting
        #expect(back.code == 0 && back.output.contains("@customer-2.example"), "\(back)")

        // A pool that is told to end finishes its calls and accepts no more.
        _ = try await topology.tenant.control(
            "POST", "faults?tenant=5a4db0c5-7e11-4c02-9d0e-c05700000001",
            ["kind": "latency", "milliseconds": 15_000, "path": "/v1.0/users", "count": 1])
        async let slow = topology.users("Alpha")
        try await waitUntil {
            try await topology.tenant.control("GET", "requests?tenant=5a4db0c5-7e11-4c02-9d0e-c05700000001")[
                "requests"]?
                .array?.count { $0["path"]?.string?.hasSuffix("/users") == true } ?? 0 >= 3
        }
        topology.signal("Alpha", SIGTERM)
        try await waitUntil { try await topology.curl("/ready", pool: "127.0.5.2").output.hasSuffix(" 503") }
        #expect(try await topology.curl("/health", pool: "127.0.5.2").output.hasSuffix(" 200"))
        let finished = try await slow
        #expect(finished.code == 0, "\(finished)")
        await topology.ended("Alpha")
        await topology.stop()
    }

    @Test("a pool that doesn't authenticate itself gets nothing", arguments: ["another authority", "another secret"])
    func unproven(fault: String) async throws {
        guard await Topology.canMount(), ExecutableSearch.find("openssl", path: "/usr/bin:/bin") != nil else {
            print("skipped: needs openssl, and the right to mount a hosts file of its own")
            return
        }
        let topology = try await Topology()
        try topology.names(["Alpha": "127.0.5.2"])
        try await topology.startPool("Alpha", at: "127.0.5.2")
        try await topology.change(fault)
        try await topology.startRouter()
        let ran = try await topology.users("Alpha")
        #expect(ran.code != 0)
        #expect(ran.error.contains(fault == "another authority" ? "--pools-ca" : "--pools-token-file"), "\(ran)")
        await topology.stop()
    }
}

extension Topology {
    /// Gives the router another value than the pools have.
    fileprivate func change(_ what: String) async throws {
        let line =
            what == "another secret"
            ? "head -c 32 /dev/urandom | base64 >token"
            : "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca"
        let ran = try await Tenant.run(
            "/bin/sh", ["-c", "umask 077; cd \"$0\"; " + line, tenant.home.path + "/topology"], tenant.home.environment)
        try #require(ran.code == 0, "\(ran.error)")
    }
}
