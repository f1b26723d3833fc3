import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMPool

@Suite("Shared records", .enabled(if: RedisServer.missing == nil, "\(RedisServer.missing ?? "")"))
struct SharedRecordTests {
    static func seal(in home: TestHome, _ name: String = "key") throws -> ClusterSeal {
        try ProtectedFile.replace("\(home.path)/\(name)", with: RandomBytes.make(40).map { $0 | 0x40 })
        return try ClusterSeal(keyFile: "\(home.path)/\(name)")
    }

    @Test("are read by other nodes, changed only by one whose copy is current, and taken once")
    func use() async throws {
        try await withHome { home in
            let server = try await RedisServer.start(in: home.path)
            let seal = try Self.seal(in: home)
            let stores = try (0..<4).map { _ in
                SharedRecordStore(RedisClient(try RedisAddress(server.url)), seal: seal, kind: "test")
            }
            let group = SharedRecordStore.Group.connection("Contoso {a}")
            #expect(try await stores[0].read("one", in: group) == nil)
            try await stores[0].put("one", in: group, Array("first".utf8), for: .seconds(600))
            let seen = try #require(try await stores[1].read("one", in: group))
            #expect(seen.value == Array("first".utf8))
            let changed = try await withThrowingTaskGroup(of: Bool.self) { tasks in
                for store in stores {
                    tasks.addTask {
                        try await store.change("one", in: group, from: seen, to: [1, 2, 3], for: .seconds(600))
                    }
                }
                return try await tasks.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(changed == 1)
            #expect(try await stores[2].change("one", in: group, from: nil, to: [9], for: .seconds(600)) == false)
            #expect(try await stores[2].list(in: group).map(\.value) == [[1, 2, 3]])
            #expect(try await stores[3].connections() == ["Contoso {a}"])
            let taken = try await withThrowingTaskGroup(of: [UInt8]?.self) { tasks in
                for store in stores { tasks.addTask { try await store.take("one", in: group) } }
                return try await tasks.reduce(into: [[UInt8]]()) { if let value = $1 { $0.append(value) } }
            }
            #expect(taken == [[1, 2, 3]])
            #expect(try await stores[0].list(in: group).isEmpty)
            #expect(try await stores[0].change("one", in: group, from: nil, to: [9], for: .seconds(600)))
        }
    }

    @Test("expire by the clock of Redis, and then aren't listed")
    func end() async throws {
        try await withHome { home in
            let server = try await RedisServer.start(in: home.path)
            let store = SharedRecordStore(
                RedisClient(try RedisAddress(server.url)), seal: try Self.seal(in: home), kind: "test")
            try await store.put("long", in: .connection("fabrikam"), [2], for: .seconds(600))
            try await store.put("short", in: .connection("contoso"), [1], for: .milliseconds(50))
            try await store.put("other", in: .cluster, [3], for: .seconds(600))
            try await waited(within: .seconds(120)) {
                try await store.read("short", in: .connection("contoso")) == nil
            }
            #expect(try await store.list(in: .connection("contoso")).isEmpty)
            try await waited(within: .seconds(120)) { try await store.connections() == ["fabrikam"] }
            #expect(try await store.list(in: .cluster).map(\.value) == [[3]])
        }
    }

    @Test("aren't written by a node that has lost its lease, nor if they are too large")
    func fence() async throws {
        try await withHome { home in
            let server = try await RedisServer.start(in: home.path)
            let redis = RedisClient(try RedisAddress(server.url))
            let store = SharedRecordStore(redis, seal: try Self.seal(in: home), kind: "test")
            let group = SharedRecordStore.Group.connection("contoso")
            try await RedisServer.cli([
                "-p", "\(server.port)", "hset", "{mm:contoso}:lease", "holder", "b", "token", "8",
            ])
            let now = SharedRecordStore.Fence(node: "b", token: 8)
            try await store.put("x", in: group, [1], for: .seconds(600), fence: now)
            // The second one's lease went to another node and came back.
            for old in [SharedRecordStore.Fence(node: "a", token: 7), SharedRecordStore.Fence(node: "b", token: 6)] {
                for work in [
                    { () async throws in try await store.put("x", in: group, [2], for: .seconds(600), fence: old) },
                    { () async throws in _ = try await store.take("x", in: group, fence: old) },
                ] {
                    let error = await #expect(throws: MMError.self) { try await work() }
                    #expect(error?.details["lease"] == "elsewhere")
                }
            }
            let error = await #expect(throws: MMError.self) {
                try await store.put("x", in: group, [2, 3], for: .seconds(600), most: 1, fence: now)
            }
            #expect(error?.details["cluster"] == "tooLarge")
            #expect(try await store.read("x", in: group)?.value == [1])
            #expect(try await store.take("x", in: group, fence: now) == [1])
        }
    }

    @Test("can't be read in Redis without the key")
    func sealed() async throws {
        try await withHome { home in
            let server = try await RedisServer.start(in: home.path)
            let redis = RedisClient(try RedisAddress(server.url))
            let store = SharedRecordStore(redis, seal: try Self.seal(in: home), kind: "test")
            try await store.put(
                "token-of-somebody", in: .connection("contoso"), Array("the secret".utf8), for: .seconds(600))
            let keys = try await RedisServer.cli(["-p", "\(server.port)", "keys", "*"])
            #expect(keys.contains("{mm:contoso}:test:") && !keys.contains("token-of-somebody"))
            for key in keys.split(separator: "\n") where key.contains(":test:") {
                #expect(
                    try await !RedisServer.cli(["-p", "\(server.port)", "hgetall", String(key)]).contains("secret"))
            }
            let stranger = SharedRecordStore(redis, seal: try Self.seal(in: home, "other"), kind: "test")
            let error = await #expect(throws: MMError.self) {
                try await stranger.read("token-of-somebody", in: .connection("contoso"))
            }
            #expect(error?.details["cluster"] == "key")
        }
    }

    @Test("are stored at the right one of several masters")
    func cluster() async throws {
        try await withHome { home in
            let redis = try await RedisServer.cluster(in: home.path)
            let store = SharedRecordStore(redis.client, seal: try Self.seal(in: home), kind: "test")
            let names = ["contoso", "fabrikam", "adatum", "northwind"]
            for name in names {
                try await store.put("x", in: .connection(name), Array(name.utf8), for: .seconds(600))
            }
            #expect(try await Set(store.connections()) == Set(names))
            for name in names {
                #expect(try await store.list(in: .connection(name)).map(\.value) == [Array(name.utf8)])
                #expect(try await store.take("x", in: .connection(name)) == Array(name.utf8))
            }
            withExtendedLifetime(redis.servers) {}
        }
    }
}
