import MMCore
import Testing

@Suite("Services that fail", .timeLimit(.minutes(15)))
struct FaultyServiceTests {
    @Test("are asked again after the time that they name")
    func throttling() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        try await tenant.fault(["kind": "throttle", "path": "/v1.0/me", "count": 2, "retryAfter": 1])
        let ran = try await tenant.mm(["graph", "Demo", "/me"])
        #expect(ran.code == 0, "\(ran.error)")
        #expect(try await tenant.requests(to: "/v1.0/me") >= 3)
    }

    @Test(
        "cause an error that says what happened, never a partial answer",
        arguments: [
            ["kind": "torn", "path": "/v1.0/users"], ["kind": "garbage", "path": "/v1.0/users"],
            ["kind": "status", "status": 503, "path": "/v1.0/users"], ["kind": "endlessPaging", "path": "/v1.0/users"],
        ] as [JSONObject])
    func broken(fault: JSONObject) async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        try await tenant.fault(fault)
        let ran = try await tenant.mm(
            ["graph", "Demo", "/users", "--all", "--output", "jsonl", "--json", "--timeout", "10"])
        #expect(ran.code != 0)
        #expect(ran.failure?["message"]?.string?.isEmpty == false)
        for line in ran.output.split(separator: "\n") where line.hasPrefix("{") {
            #expect(throws: Never.self) {
                try JSONParser.parse(line.hasSuffix(",") ? String(line.dropLast()) : String(line))
            }
        }
    }

    @Test("an incomplete answer is an error", arguments: ["GET", "POST"])
    func halfAnAnswer(method: String) async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        try await tenant.fault(["kind": "garbage", "path": "/v1.0/me/messages", "method": .string(method)])
        let body = method == "POST" ? ["-d", #"{"subject": "x"}"#] : []
        let ran = try await tenant.mm(["graph", "Demo", "/me/messages", "-X", method, "--json"] + body)
        #expect(ran.code != 0 && ran.output.isEmpty && ran.failure?["code"] == "remote_failed", "\(ran)")
    }

    @Test(
        "get no credential of ours at another address",
        arguments: [("foreignNextLink", "host", ""), ("redirect", "to", "/v1.0/users")])
    func elsewhere(kind: String, field: String, path: String) async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let other = try await Tenant(users: 5)
        try await tenant.fault(["kind": .string(kind), "path": "/v1.0/users", field: .string(other.base + path)])
        let ran = try await tenant.mm(["graph", "Demo", "/users", "--all", "--json"])
        #expect(ran.code != 0)
        let seen = try await other.control("GET", "requests")["requests"]?.array ?? []
        #expect(!seen.contains { $0["authorized"] == true })
    }
}
