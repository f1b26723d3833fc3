import MMCore
import TestSupport
import Testing

@testable import MMPool

@Suite("Waits that all nodes share", .enabled(if: RedisServer.missing == nil, "\(RedisServer.missing ?? "")"))
struct RedisPacesTests {
    /// Nodes with one Redis, which get each other's news while the body runs.
    private func withNodes(
        _ count: Int, clock: @escaping @Sendable (Int) -> WallClock = { _ in .system },
        _ body: ([RedisPaces], RedisServer) async throws -> Void
    ) async throws {
        try await withHome { home in
            let server = try await RedisServer.start(in: home.path)
            let address = try RedisAddress(server.url)
            let nodes = (0..<count).map { RedisPaces(RedisClient(address), clock: clock($0)) }
            let listeners = nodes.map { node in Task { await node.run() } }
            defer { for listener in listeners { listener.cancel() } }
            try await body(nodes, server)
        }
    }

    /// How many commands of a kind a server has executed.
    private func calls(of command: String, _ server: RedisServer) async throws -> Int {
        let text = try await RedisServer.cli(["-p", "\(server.port)", "info", "commandstats"])
        let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("cmdstat_\(command):calls=") }
        return line.flatMap { Int($0.split(separator: "=")[1].prefix { $0.isNumber }) } ?? 0
    }

    @Test("are known to every node, by the clock of Redis, whatever the nodes' own clocks say")
    func heard() async throws {
        let clocks: [Int64] = [0, 86_400, -86_400]
        try await withNodes(3, clock: { number in WallClock { Timestamp.now + .seconds(clocks[number]) } }) {
            (nodes, _) in
            let sent = Timestamp.now
            #expect(await nodes[0].slowDown("contoso/graph", for: .seconds(300), sent: sent))
            for node in nodes {
                try await waited(within: .seconds(120)) { await node.take("contoso/graph") != nil }
                let wait = try #require(await node.take("contoso/graph"))
                #expect(wait <= .milliseconds(300_001) && wait > .seconds(120))
                #expect(await node.take("contoso/flow") == nil)
            }
        }
    }

    @Test("need no request to Redis while there are none, nor while one is waited for")
    func hotPath() async throws {
        try await withNodes(2) { (nodes, server) in
            // The first request of each node.
            try await waited(within: .seconds(120)) { try await calls(of: "eval", server) >= 2 }
            let before = try await calls(of: "hget", server)
            for _ in 0..<1000 { #expect(await nodes[0].take("contoso/graph") == nil) }
            await nodes[0].slowDown("contoso/graph", for: .seconds(300), sent: .now)
            try await waited(within: .seconds(120)) { await nodes[1].take("contoso/graph") != nil }
            for _ in 0..<1000 { #expect(await nodes[1].take("contoso/graph") != nil) }
            // One for the new wait.
            #expect(try await calls(of: "hget", server) == before + 1)
        }
    }

    @Test("afterwards the nodes send requests one after the other, and faster with each success")
    func oneAfterTheOther() async throws {
        try await withNodes(4) { (nodes, _) in
            let told = ContinuousClock.now
            await nodes[0].slowDown("contoso/graph", for: .milliseconds(300), sent: .now)
            for node in nodes { try await waited(within: .seconds(120)) { node.knows("contoso/graph") } }
            let each = 3
            let went = await withTaskGroup(of: [(ContinuousClock.Instant, ContinuousClock.Instant)].self) { group in
                for node in nodes {
                    group.addTask {
                        var went: [(ContinuousClock.Instant, ContinuousClock.Instant)] = []
                        while went.count < each {
                            let begun = ContinuousClock.now
                            if let wait = await node.take("contoso/graph") {
                                try? await Task.sleep(for: wait)
                            } else {
                                went.append((begun, .now))
                            }
                        }
                        return went
                    }
                }
                return await group.reduce(into: []) { $0 += $1 }
            }
            let first = try #require(went.map(\.0).min())
            let last = try #require(went.map(\.1).max())
            let earliest = try #require(went.map(\.1).min())
            // A margin for clocks of different speeds.
            #expect(told.duration(to: earliest) >= .milliseconds(280))
            #expect(first.duration(to: last) >= .milliseconds(200) * (nodes.count * each - 1) - .milliseconds(20))
            for _ in 0..<12 { await nodes[1].goOn("contoso/graph", sent: .now + .seconds(1)) }
            #expect(await nodes[1].take("contoso/graph") == nil)
            #expect(!nodes[1].knows("contoso/graph"))
        }
    }

    @Test("a success of a request that was sent before a wait doesn't end it")
    func olderSuccesses() async throws {
        try await withNodes(2) { (nodes, _) in
            let before = Timestamp.now + .seconds(-3_000)
            await nodes[0].slowDown("contoso/graph", for: .seconds(300), sent: .now)
            for _ in 0..<12 { await nodes[0].goOn("contoso/graph", sent: before) }
            #expect(nodes[0].knows("contoso/graph"))
            _ = try await nodes[1].look()
            #expect(nodes[1].knows("contoso/graph"))
        }
    }

    @Test("no node that knows a wait sends before its end", arguments: [1, 2, 3])
    func property(_ seed: UInt64) async throws {
        try await withNodes(4) { (nodes, _) in
            let keys = ["one", "two"]
            var random = SeededRandom(seed: seed)
            var earliest: [String: ContinuousClock.Instant] = [:]
            for _ in 0..<120 {
                let node = nodes[Int.random(in: 0..<nodes.count, using: &random)]
                let key = keys[Int.random(in: 0..<keys.count, using: &random)]
                switch Int.random(in: 0..<8, using: &random) {
                case 0:
                    let begun = ContinuousClock.now
                    let wait = Duration.milliseconds(Int.random(in: 1..<150, using: &random))
                    #expect(await node.slowDown(key, for: wait, sent: .now))
                    earliest[key] = max(earliest[key] ?? begun, begun + wait)
                    for other in nodes {
                        try await waited(within: .seconds(120)) {
                            _ = try await other.look()
                            return other.knows(key)
                                || .now > begun + wait
                        }
                    }
                case 1: await node.goOn(key, sent: .now)
                case 2: try await Task.sleep(for: .milliseconds(Int.random(in: 1..<60, using: &random)))
                default:
                    let wait = await node.take(key)
                    guard wait == nil, let earliest = earliest[key] else { break }
                    #expect(ContinuousClock.now >= earliest - .milliseconds(5))
                }
            }
        }
    }

    @Test("continue on a node without Redis, as far as it knows them")
    func away() async throws {
        try await withNodes(2) { (nodes, server) in
            await nodes[0].slowDown("contoso/graph", for: .seconds(300), sent: .now)
            try await waited(within: .seconds(120)) { nodes[1].knows("contoso/graph") }
            await server.kill()
            for node in nodes { #expect(await node.take("contoso/graph") != nil) }
            // The others can't be told; the node says so, and keeps it for itself.
            #expect(await !nodes[0].slowDown("fabrikam/graph", for: .seconds(300), sent: .now))
            #expect(await nodes[0].take("fabrikam/graph") != nil)
            #expect(await nodes[1].take("fabrikam/graph") == nil)
            #expect(await nodes[0].take("adatum/graph") == nil)
        }
    }
}
