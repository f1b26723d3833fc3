import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMPool

@Suite("Kinds of Redis", .enabled(if: RedisServer.missing == nil, "\(RedisServer.missing ?? "")"))
struct RedisKindTests {
    private func check(_ redis: RedisClient) async throws {
        let store = RedisLeaseStore(redis)
        for name in ["contoso", "fabrikam", "a b{c}", "adatum", "northwind"] {
            #expect(try await store.read(name).isFree)
            let key = RedisLeaseStore.key(name, "test")
            _ = try await redis.ask(["SET", key, "x"], key: key)
            #expect(try await redis.ask(["GET", key], key: key).text == "x")
        }
    }

    @Test("with a user's secret it can be used, without it the error says so")
    func secret() async throws {
        try await withHome { home in
            let server = try await RedisServer.start(
                in: home.path, "requirepass sesame", check: ["-a", "sesame", "--no-auth-warning"])
            try await check(RedisClient(try RedisAddress("redis://:sesame@127.0.0.1:\(server.port)/2")))
            let refused = RedisClient(try RedisAddress("redis://:wrong@127.0.0.1:\(server.port)"))
            let error = await #expect(throws: MMError.self) { try await refused.ask(["PING"], key: "") }
            #expect(error?.details["cluster"] == "away")
            #expect(error?.message.contains("AUTH") == true)
        }
    }

    @Test("a redirection to a port that no server has leads nowhere", arguments: ["99999999999", "65536", "0", "-1"])
    func redirection(port: String) async throws {
        try await withHome { home in
            let server = try await RedisServer.start(in: home.path)
            let redis = RedisClient(try RedisAddress(server.url))
            let error = await #expect(throws: MMError.self) {
                try await redis.script("return redis.error_reply('ASK 1 127.0.0.1:\(port)')", keys: [], [])
            }
            #expect(error?.message.contains("no server is known") == true, "\(String(describing: error))")
        }
    }

    @Test(
        "a server that accepts no writes counts as away, so that nodes go on reading",
        arguments: ["redis.call('SET', KEYS[1], 'x')", "redis.error_reply('MISCONF the disk is full')"])
    func noWrites(script: String) async throws {
        try await withHome { home in
            // There is never room for a write.
            let server = try await RedisServer.start(in: home.path, "maxmemory 1")
            let redis = RedisClient(try RedisAddress(server.url))
            #expect(try await RedisLeaseStore(redis).read("contoso").isFree)
            let error = await #expect(throws: MMError.self) {
                try await redis.script("return \(script)", keys: ["key"], [])
            }
            #expect(error?.details["cluster"] == "away", "\(String(describing: error))")
        }
    }

    @Test(
        "reports whether and how it keeps data",
        arguments: [
            ("", RedisPersistence.none), ("save 60 1", .snapshots), ("appendonly yes", .appended),
            ("appendonly yes\nmaxmemory 1gb", .appended),
            ("appendonly yes\nmaxmemory 1gb\nmaxmemory-policy allkeys-lru", .evicted),
            ("appendonly yes\nmaxmemory-policy volatile-ttl", .appended),
        ])
    func persistence(lines: String, kept: RedisPersistence) async throws {
        try await withHome { home in
            let server = try await RedisServer.start(in: home.path, lines)
            #expect(try await RedisClient(try RedisAddress(server.url)).persistence() == kept)
        }
    }

    @Test(
        "TLS connections are encrypted, with certificates on both sides, and unknown certificates are refused",
        .enabled(if: access("/usr/bin/openssl", X_OK) == 0, "needs openssl (apt-get install openssl)"))
    func encrypted() async throws {
        try await withHome { home in
            let folder = home.path
            let made = try await RedisServer.run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj",
                    "/CN=redis", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "\(folder)/key.pem", "-out",
                    "\(folder)/cert.pem",
                ])
            try #require(made)
            let server: RedisServer
            do {
                server = try await RedisServer.start(
                    in: folder,
                    """
                    tls-port PORT
                    tls-cert-file \(folder)/cert.pem
                    tls-key-file \(folder)/key.pem
                    tls-ca-cert-file \(folder)/cert.pem
                    tls-auth-clients yes
                    """,
                    check: [
                        "--tls", "--cacert", "\(folder)/cert.pem", "--cert", "\(folder)/cert.pem", "--key",
                        "\(folder)/key.pem",
                    ])
            }
            let files = "ca=\(folder)/cert.pem&cert=\(folder)/cert.pem&key=\(folder)/key.pem"
            try await check(RedisClient(try RedisAddress("rediss://127.0.0.1:\(server.port)?\(files)")))
            let stranger = RedisClient(try RedisAddress("rediss://127.0.0.1:\(server.port)"))
            let error = await #expect(throws: MMError.self) { try await stranger.ask(["PING"], key: "") }
            #expect(error?.message.contains("certificate") == true)
            let other = RedisClient(try RedisAddress("rediss://localhost:\(server.port)?\(files)"))
            let name = await #expect(throws: MMError.self) { try await other.ask(["PING"], key: "") }
            #expect(name?.message.contains("mismatch") == true)
        }
    }

    @Test("losing and regaining the connection is reported")
    func restart() async throws {
        try await withHome { home in
            let server = try await RedisServer.start(in: home.path)
            let redis = RedisClient(try RedisAddress(server.url))
            try await check(redis)
            await server.kill()
            let error = await #expect(throws: MMError.self) { try await redis.ask(["PING"], key: "") }
            #expect(error?.code == .unavailable)
            let again = try await RedisServer.start(in: home.path, port: server.port)
            try await waited(within: .seconds(120)) { (try? await redis.ask(["PING"], key: "")) != nil }
            try await check(redis)
            // Leases that this Redis has forgotten may still be held: nothing is taken at once.
            let settling = await #expect(throws: MMError.self) {
                try await RedisLeaseStore(redis).take(
                    "contoso", seen: LeaseRecord(), for: "a", at: "", term: .seconds(2))
            }
            #expect(settling?.details["cluster"] == "settling")
            withExtendedLifetime(again) {}
        }
    }

    @Test("a server that doesn't answer holds up only the first caller, and is asked until it does")
    func silence() async throws {
        try await withHome { home in
            let server = try await RedisServer.start(in: home.path)
            let redis = RedisClient(try RedisAddress(server.url), limit: .seconds(2))
            try await waited(within: .seconds(120)) { (try? await redis.ask(["GET", "x"], key: "x")) != nil }
            server.process.signalGroup(SIGSTOP)
            await #expect(throws: MMError.self) { try await redis.ask(["GET", "x"], key: "x") }
            let begun = ContinuousClock.now
            // Each would wait for a second at least: far more together than a busy machine needs to refuse them all.
            for _ in 0..<200 {
                let error = await #expect(throws: MMError.self) { try await redis.ask(["GET", "x"], key: "x") }
                #expect(error?.details["cluster"] == "away")
            }
            #expect(begun.duration(to: .now) < .seconds(150))
            server.process.signalGroup(SIGCONT)
            try await waited(within: .seconds(120)) { (try? await redis.ask(["GET", "x"], key: "x")) != nil }
        }
    }

    @Test("callers that wait for a silent server together fail together, and none after them waits")
    func silenceForSeveral() async throws {
        try await withHome { home in
            let server = try await RedisServer.start(in: home.path)
            let redis = RedisClient(try RedisAddress(server.url), limit: .seconds(10))
            try await waited(within: .seconds(120)) { (try? await redis.ask(["GET", "x"], key: "x")) != nil }
            @Sendable func isAway() async -> Bool {
                do throws(MMError) { _ = try await redis.ask(["GET", "x"], key: "x") } catch {
                    return error.details["cluster"] == "away"
                }
                return false
            }
            server.process.signalGroup(SIGSTOP)
            async let first = isAway()
            async let second = isAway()
            async let third = isAway()
            #expect(await [first, second, third] == [true, true, true])
            // Longer than a worker remembers a failure by itself. A caller that waits does so for ten seconds.
            let end = ContinuousClock.now + .seconds(3)
            while ContinuousClock.now < end {
                let begun = ContinuousClock.now
                guard await isAway(), begun.duration(to: .now) < .seconds(8) else {
                    Issue.record("a caller waited for \(begun.duration(to: .now))")
                    break
                }
                try await Task.sleep(for: .milliseconds(20))
            }
            server.process.signalGroup(SIGCONT)
            try await waited(within: .seconds(120)) { await !isAway() }
        }
    }

    @Test("a majority of sentinels names the server, also after a fail-over")
    func sentinels() async throws {
        try await withHome { home in
            let master = try await RedisServer.start(in: home.path)
            let replica = try await RedisServer.start(in: home.path, "replicaof 127.0.0.1 \(master.port)")
            var sentinels: [RedisServer] = []
            for _ in 0..<3 {
                sentinels.append(
                    try await RedisServer.start(
                        in: home.path,
                        """
                        sentinel monitor main 127.0.0.1 \(master.port) 2
                        sentinel down-after-milliseconds main 1000
                        sentinel failover-timeout main 5000
                        """, arguments: ["--sentinel"]))
            }
            let list = sentinels.map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
            let redis = RedisClient(try RedisAddress("redis+sentinel://\(list)/main"))
            try await check(redis)
            // The sentinels have to know the replica and each other before a fail-over is possible.
            try await waited(within: .seconds(120)) {
                let text = try await RedisServer.cli(["-p", "\(sentinels[0].port)", "sentinel", "master", "main"])
                let lines = text.split(separator: "\n").map(String.init)
                func fact(_ name: String) -> String? { lines.firstIndex(of: name).map { lines[$0 + 1] } }
                return fact("num-slaves") == "1" && fact("num-other-sentinels") == "2"
            }
            await master.kill()
            try await waited(within: .seconds(120)) {
                (try? await redis.ask(["SET", "after", "x"], key: "after")) != nil
            }
            #expect(RedisFacts(try await redis.ask(["INFO"], key: "after")).isYoung)
            #expect(try await RedisServer.cli(["-p", "\(replica.port)", "get", "after"]).contains("x"))
            // A single sentinel isn't trusted.
            await sentinels[0].kill()
            await sentinels[1].kill()
            try await waited(within: .seconds(120)) { (try? await redis.ask(["GET", "after"], key: "after")) == nil }
        }
    }

    @Test("sentinels that ask for a secret get that of the servers; without it the error names what they say")
    func sentinelSecret() async throws {
        try await withHome { home in
            let check = ["-a", "sesame", "--no-auth-warning"]
            let master = try await RedisServer.start(in: home.path, "requirepass sesame", check: check)
            let sentinel = try await RedisServer.start(
                in: home.path,
                """
                requirepass sesame
                sentinel monitor main 127.0.0.1 \(master.port) 1
                sentinel auth-pass main sesame
                """, arguments: ["--sentinel"], check: check)
            try await self.check(
                RedisClient(try RedisAddress("redis+sentinel://:sesame@127.0.0.1:\(sentinel.port)/main")))
            let stranger = RedisClient(try RedisAddress("redis+sentinel://127.0.0.1:\(sentinel.port)/main"))
            let error = await #expect(throws: MMError.self) { try await stranger.ask(["PING"], key: "") }
            #expect(error?.message.contains("NOAUTH") == true, "\(String(describing: error))")
            withExtendedLifetime(master) {}
        }
    }

    @Test("with several masters each key is requested from the right one, even after keys have moved")
    func cluster() async throws {
        try await withHome { home in
            let (servers, redis) = try await RedisServer.cluster(in: home.path)
            try await check(redis)
            try await RedisServer.cli([
                "--cluster", "rebalance", "127.0.0.1:\(servers[0].port)", "--cluster-weight",
                try await RedisServer.cli(["-p", "\(servers[0].port)", "cluster", "myid"])
                    .split(separator: "\n").first.map { "\($0)=3" } ?? "", "--cluster-yes",
            ])
            for name in ["contoso", "fabrikam", "adatum"] {
                let key = RedisLeaseStore.key(name, "test")
                #expect(try await redis.ask(["GET", key], key: key).text == "x" || name == "a b{c}")
            }
        }
    }

    @Test("servers that were learned from others are asked once those that the address names are gone")
    func learned() async throws {
        try await withHome { home in
            let (servers, _) = try await RedisServer.cluster(in: home.path)
            let redis = RedisClient(try RedisAddress("redis+cluster://127.0.0.1:\(servers[0].port)"))
            var elsewhere: [String] = []
            for number in 0..<40 {
                let told = try await RedisServer.cli(["-p", "\(servers[0].port)", "get", "\(number)"])
                if told.contains("MOVED") { elsewhere.append("\(number)") }
            }
            let first = try #require(elsewhere.first)
            _ = try await redis.ask(["SET", first, "x"], key: first)
            await servers[0].kill()
            for key in elsewhere.dropFirst() { #expect(try await redis.ask(["GET", key], key: key) == .none) }
            withExtendedLifetime(servers) {}
        }
    }

    @Test("the map of a cluster has its masters, replicas and slots, and keeps the last one if there is no new one")
    func map() throws {
        func server(_ host: String?, _ port: Int64) -> RedisValue {
            .list([host.map { .bytes(Array($0.utf8)) } ?? .none, .number(port), .bytes(Array("id".utf8))])
        }
        var map = RedisClusterMap()
        #expect(map.isDue && map.members.isEmpty && map.masters.isEmpty && map.server(of: 0) == nil)
        map.read(
            .list([
                .list([.number(0), .number(99), server("a", 1), server("b", 2)]),
                .list([.number(100), .number(16383), server("c", 3), server(nil, 4), server("?", 5)]),
                .list([.number(5), .number(16384), server("d", 6)]), .list([.number(7)]), .number(1),
            ]))
        let (a, c) = (RedisAddress.Server(host: "a", port: 1), RedisAddress.Server(host: "c", port: 3))
        #expect(map.members.map(\.port) == [1, 2, 3] && map.masters == [a, c])
        #expect(map.server(of: 99) == a && map.server(of: 100) == c)
        map.isDue = false
        #expect(!map.isDue)
        map.move(7, to: c)
        #expect(map.isDue && map.server(of: 7) == c && map.server(of: 8) == a)
        for reply in [RedisValue.error("NOPERM"), .none, .list([])] { map.read(reply) }
        #expect(map.server(of: 7) == c && map.masters == [a, c])
        map.forget(c)
        #expect(map.server(of: 7) == a && map.server(of: 100) == nil && map.members.contains(c))
    }
}
