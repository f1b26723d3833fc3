import MMCore
import TestSupport
import Testing

@testable import MMPool

@Suite("Shared names with one holder", .enabled(if: RedisServer.missing == nil, "\(RedisServer.missing ?? "")"))
struct SharedClaimsTests {
    @Test("have one holder at a time, until it releases them or doesn't renew them in time")
    func claims() async throws {
        try await withHome { home in
            let server = try await RedisServer.start(in: home.path)
            let claims = SharedClaims(RedisClient(try RedisAddress(server.url)), kind: "test")
            #expect(try await claims.claim("a", for: "one", lease: .seconds(600)).holder == "one")
            #expect(try await claims.claim("a", for: "two", lease: .seconds(600)).holder == "one")
            #expect(try await claims.renew("a", for: "two", lease: .seconds(600)) == false)
            try await claims.release("a", from: "two")
            #expect(try await claims.renew("a", for: "one", lease: .seconds(900)))
            let standing = try await claims.claim("a", for: "two", lease: .seconds(600))
            #expect(standing.holder == "one" && standing.left > .seconds(600))
            try await claims.release("a", from: "one")
            #expect(try await claims.claim("a", for: "two", lease: .seconds(600)).holder == "two")
            _ = try await claims.claim("b", for: "one", lease: .milliseconds(1))
            try await waited(within: .seconds(120)) {
                try await claims.claim("b", for: "two", lease: .seconds(600)).holder == "two"
            }
            // Names of other kinds are different, and none can be read in Redis.
            let others = SharedClaims(RedisClient(try RedisAddress(server.url)), kind: "other")
            #expect(try await others.claim("b", for: "one", lease: .seconds(600)).holder == "one")
            let keys = try await RedisServer.cli(["-p", "\(server.port)", "--scan"])
            #expect(keys.contains("test/") && !keys.contains("test/b"))
        }
    }

    @Test("if many ask at once, one gets it")
    func race() async throws {
        try await withHome { home in
            let server = try await RedisServer.start(in: home.path)
            let address = try RedisAddress(server.url)
            let winners = await withTaskGroup(of: String?.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        let claims = SharedClaims(RedisClient(address), kind: "test")
                        return try? await claims.claim("a", for: "\(number)", lease: .seconds(600)).holder
                    }
                }
                return await group.reduce(into: Set<String?>()) { $0.insert($1) }
            }
            #expect(winners.count == 1 && winners.first != .some(nil))
        }
    }
}
