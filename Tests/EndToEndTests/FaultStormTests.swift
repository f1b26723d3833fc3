import Glibc
import MMCore
import Testing

/// Many writes and reads while the service fails one in ten. `MM_STORM_REQUESTS=10000` makes it a long run.
@Suite("Many requests to an unreliable service", .timeLimit(.minutes(60)))
struct FaultStormTests {
    private static let count = getenv("MM_STORM_REQUESTS").flatMap { Int(String(cString: $0)) } ?? 120

    private static let stumbles: [JSONObject] = [
        ["kind": "status", "status": 500], ["kind": "torn", "bytes": 10], ["kind": "throttle", "retryAfter": 0],
        ["kind": "latency", "milliseconds": 30], ["kind": "status", "status": 503, "retryAfter": 0],
        ["kind": "torn", "bytes": 0], ["kind": "garbage"], ["kind": "status", "status": 502],
    ]

    @Test("no write is repeated and no item is lost")
    func storm() async throws {
        let tenant = try await Tenant(users: 20)
        try await tenant.signIn()
        for number in 0..<Self.count / 10 {
            var fault = Self.stumbles[number % Self.stumbles.count]
            fault["path"] = "/v1.0/me/messages"
            fault["method"] = "POST"
            fault["skip"] = .int(Int64(number * 10 + number % 7))
            fault["count"] = 1
            try await tenant.fault(fault)
        }
        let client = try await MCPClient(tenant.home.environment)
        _ = try await client.initialize()
        var told: Set<String> = []
        for number in 1...Self.count {
            let subject = "storm \(number) of \(Self.count)"
            let answer = try await client.call(
                number, "mm__graph_request",
                [
                    "connection": "Demo", "endpoint": "/me/messages", "method": "POST",
                    "body": ["subject": .string(subject)],
                ])
            if answer["isError"]?.bool != true { told.insert(subject) }
        }
        await client.kill()
        #expect(told.count >= Self.count * 8 / 10, "most are written in spite of the faults: \(told.count)")

        // The list is read while reads fail too.
        for number in 0..<12 {
            var fault = Self.stumbles[number % 5]
            fault["path"] = "/v1.0/me/messages"
            fault["method"] = "GET"
            fault["skip"] = .int(Int64(number * 2))
            fault["count"] = 1
            try await tenant.fault(fault)
        }
        let listed = try await tenant.mm([
            "graph", "Demo", "/me/messages", "--query", "$select=subject", "--query", "$top=10", "--all", "--json",
        ])
        #expect(listed.code == 0, "\(listed.error)")
        var found: [String: Int] = [:]
        for row in listed.json?.array ?? [] {
            if let subject = row["subject"]?.string, subject.hasPrefix("storm ") { found[subject, default: 0] += 1 }
        }
        #expect(found.values.allSatisfy { $0 == 1 }, "no write is doubled")
        for subject in told { #expect(found[subject] == 1, "\(subject) was said to be written") }
    }
}
