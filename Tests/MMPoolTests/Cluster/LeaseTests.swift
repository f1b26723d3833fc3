import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMPool

@Suite("Leases in Redis", .enabled(if: RedisServer.missing == nil, "\(RedisServer.missing ?? "")"))
struct LeaseTests {
    /// A clock that tests set.
    final class TestClock: Sendable {
        private let time: Mutex<ContinuousClock.Instant> = Mutex(.now)
        var now: ContinuousClock.Instant { time.withLock { $0 } }
        func advance(_ duration: Duration) { time.withLock { $0 += duration } }
    }

    /// A store whose server has been known long enough to take leases.
    static func settled(_ redis: RedisClient, _ clock: TestClock) async throws -> RedisLeaseStore {
        let store = RedisLeaseStore(redis, now: { clock.now })
        let error = await #expect(throws: MMError.self) {
            try await store.take("warm", seen: LeaseRecord(), for: "", at: "", term: .seconds(10))
        }
        #expect(error?.details["cluster"] == "settling")
        clock.advance(.seconds(21))
        return store
    }

    private func keeper(_ store: RedisLeaseStore, _ id: String, _ clock: TestClock) -> LeaseKeeper {
        LeaseKeeper(
            store, id: id, address: "http://\(id)", term: .seconds(10), idleLimit: .seconds(100_000),
            now: { clock.now }, isBusy: { _ in false }, onLost: { _ in }, onNews: { _, _ in })
    }

    private func isHere(_ place: LeaseKeeper.Place) -> HeldLease? {
        if case .here(let lease) = place { lease } else { nil }
    }

    @Test("are held by one node, released, and taken with a higher token")
    func handOver() async throws {
        try await withHome { home in
            let server = try await RedisServer.start(in: home.path)
            let redis = RedisClient(try RedisAddress(server.url))
            let clock = TestClock()
            let store = try await Self.settled(redis, clock)
            let (a, b) = (keeper(store, "a", clock), keeper(store, "b", clock))
            let first = try #require(isHere(try await a.place("contoso")))
            guard case .there(let record) = try await b.place("contoso") else {
                Issue.record("two holders")
                return
            }
            #expect(record.holder == "a" && record.address == "http://a" && record.token == first.token)
            await a.close()
            #expect(!first.isValid)
            let second = try #require(isHere(try await b.place("contoso")))
            #expect(second.token > first.token)
        }
    }

    @Test("a dead node's leases are taken over after they expire, which the old node notices before")
    func takeOver() async throws {
        try await withHome { home in
            let server = try await RedisServer.start(in: home.path)
            let redis = RedisClient(try RedisAddress(server.url))
            let clock = TestClock()
            let store = try await Self.settled(redis, clock)
            let (a, b) = (keeper(store, "a", clock), keeper(store, "b", clock))
            let first = try #require(isHere(try await a.place("contoso")))
            clock.advance(.seconds(10))
            #expect(!first.isValid)
            let again = try #require(isHere(try await a.place("contoso")))
            _ = try await b.place("contoso")
            clock.advance(.seconds(9))
            #expect(!again.isValid)
            #expect(isHere(try await b.place("contoso")) == nil)
            clock.advance(.seconds(1))
            let second = try #require(isHere(try await b.place("contoso")))
            #expect(second.token > again.token)
            #expect(await b.counts.takenOver == 1)
            // The old node resumes: it can neither renew nor write.
            await a.upkeep()
            #expect(await a.leases.isEmpty)
            let ledger = CallLedger(redis, seal: nil)
            #expect(
                try await ledger.begin("1", of: "contoso", digest: "d", node: "a", token: again.token) == .noLease)
            #expect(try await ledger.begin("1", of: "contoso", digest: "d", node: "b", token: second.token) == .new)
        }
    }

    @Test("aren't taken on a server that became a master again and may not know the last ones, until those are over")
    func failedOverAndBack() async throws {
        try await withHome { home in
            let server = try await RedisServer.start(in: home.path)
            let redis = RedisClient(try RedisAddress(server.url))
            let clock = TestClock()
            let store = try await Self.settled(redis, clock)
            let (a, b) = (keeper(store, "a", clock), keeper(store, "b", clock))
            let first = try #require(isHere(try await a.place("contoso")))
            for master in [["127.0.0.1", "1"], ["no", "one"]] {
                try await RedisServer.cli(["-p", "\(server.port)", "replicaof"] + master)
            }
            try await RedisServer.cli(["-p", "\(server.port)", "del", RedisLeaseStore.key("contoso", "lease")])
            #expect(first.isValid)
            let error = await #expect(throws: MMError.self) { try await b.place("contoso") }
            #expect(error?.details["cluster"] == "settling")
            clock.advance(.seconds(21))
            #expect(!first.isValid)
            #expect(isHere(try await b.place("contoso")) != nil)
        }
    }

    @Test("are taken at once from each server of a Redis Cluster that upkeep has met long before")
    func knownCluster() async throws {
        try await withHome { home in
            let (servers, redis) = try await RedisServer.cluster(in: home.path)
            let clock = TestClock()
            let a = keeper(RedisLeaseStore(redis, now: { clock.now }), "a", clock)
            await a.upkeep()
            clock.advance(.seconds(21))
            // The three servers have a third of the slots each.
            let names = (0..<100).map { "n\($0)" }
            for third in 0..<3 {
                let name = try #require(
                    names.first { RedisSlot.of(RedisLeaseStore.key($0, "lease")) * 3 / 16384 == third })
                #expect(isHere(try await a.place(name)) != nil)
            }
            withExtendedLifetime(servers) {}
        }
    }

    @Test("aren't waited for after a fail-over that upkeep has seen long before the first call")
    func knownBefore() async throws {
        try await withHome { home in
            let server = try await RedisServer.start(in: home.path)
            let clock = TestClock()
            let store = RedisLeaseStore(RedisClient(try RedisAddress(server.url)), now: { clock.now })
            let a = keeper(store, "a", clock)
            await a.upkeep()
            clock.advance(.seconds(21))
            #expect(isHere(try await a.place("contoso")) != nil)
        }
    }

    @Test("expire for a running call too")
    func whileHeld() async throws {
        try await withHome { home in
            let server = try await RedisServer.start(in: home.path)
            let redis = RedisClient(try RedisAddress(server.url))
            let clock = TestClock()
            let store = try await Self.settled(redis, clock)
            let a = keeper(store, "a", clock)
            let lease = try #require(isHere(try await a.place("contoso")))
            async let outcome = Result { () async throws(MMError) in
                try await lease.whileHeld { () async throws(MMError) in
                    try? await Task.sleep(for: .seconds(600))
                    return Task.isCancelled
                }
            }
            while lease.idle > .zero { try await Task.sleep(for: .milliseconds(5)) }
            try await RedisServer.cli(["-p", "\(server.port)", "hset", "{mm:contoso}:lease", "holder", "somebody"])
            await a.upkeep()
            guard case .failure(let error) = await outcome else {
                Issue.record("the call went on")
                return
            }
            #expect(error.details["lease"] == "over")
        }
    }

    @Test("are never held twice, and their tokens only grow, whatever happens", arguments: [1, 2, 3])
    func property(_ seed: UInt64) async throws {
        try await withHome { home in
            let server = try await RedisServer.start(in: home.path)
            let clock = TestClock()
            let store = try await Self.settled(RedisClient(try RedisAddress(server.url)), clock)
            let walk = LeaseWalk(store, clock, seed: seed)
            await walk.run(steps: 3000)
            let held = await walk.held
            #expect(held > 30, "\(held)")
        }
    }

    @Test("assign a call to one node once, and store its answer encrypted")
    func calls() async throws {
        try await withHome { home in
            let server = try await RedisServer.start(in: home.path)
            let redis = RedisClient(try RedisAddress(server.url))
            let clock = TestClock()
            let store = try await Self.settled(redis, clock)
            let a = keeper(store, "a", clock)
            let lease = try #require(isHere(try await a.place("contoso")))
            try ProtectedFile.replace("\(home.path)/key", with: RandomBytes.make(32).map { $0 | 0x40 })
            let ledger = CallLedger(redis, seal: try ClusterSeal(keyFile: "\(home.path)/key"))
            let token = lease.token
            #expect(try await ledger.begin("x", of: "contoso", digest: "d", node: "a", token: token) == .new)
            #expect(
                try await ledger.begin("x", of: "contoso", digest: "d", node: "a", token: token)
                    == .begun(node: "a", token: token))
            #expect(try await ledger.begin("x", of: "contoso", digest: "e", node: "a", token: token) == .other)
            try await ledger.end("x", of: "contoso", node: "a", token: token, answer: Array("the answer".utf8))
            #expect(
                try await ledger.begin("x", of: "contoso", digest: "d", node: "a", token: token)
                    == .done(Array("the answer".utf8)))
            let all = try await RedisServer.cli(["-p", "\(server.port)", "--scan"])
            for key in all.split(separator: "\n") where key.contains("call") {
                let shown = try await RedisServer.cli(["-p", "\(server.port)", "hgetall", String(key)])
                #expect(!shown.contains("the answer"))
            }
        }
    }
}
