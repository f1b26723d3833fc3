import MMCore
import MMHTTP
import MMSystem
import Testing

@Suite("Requests of scripts that were allowed to read", .timeLimit(.minutes(15)))
struct WireAttackTests {
    private static let ben = "ben.baker@contoso-sandbox.example"

    /// Requests of scripts whose text proves nothing: method, address, body.
    private static let attacks: [(String, String, String?)] = [
        ("DELETE", "/v1.0/users/\(ben)", nil),
        ("PATCH", "/v1.0/users/\(ben)", #"{"accountEnabled":false}"#),
        ("PUT", "/v1.0/users/\(ben)/manager/$ref", #"{"@odata.id":"https://graph.microsoft.com/v1.0/users/x"}"#),
        ("POST", "/v1.0/users/\(ben)/sendMail", #"{"message":{"subject":"x"}}"#),
        ("POST", "/v1.0/me/messages/x/forward", #"{"toRecipients":[]}"#),
        ("POST", "/v1.0/groups", #"{"displayName":"x"}"#),
        ("POST", "/v1.0/applications/x/addPassword", "{}"),
        ("POST", "/v1.0/users/\(ben)/revokeSignInSessions", nil),
        ("POST", "/beta/unknown/action", "{}"),
        ("delete", "/v1.0/groups/x", nil),
        ("QUERY", "/v1.0/users", nil),
        ("POST", "/v1.0/$batch", #"{"requests":[{"id":"1","method":"DELETE","url":"/users/x"}]}"#),
        (
            "POST", "/v1.0/$batch",
            #"{"requests":[{"id":"1","method":"GET","url":"/me"},{"id":"2","method":"POST","url":"/me/sendMail","body":{}}]}"#
        ),
        ("POST", "/v1.0/$batch", #"{"requests":[{"id":"1","method":"GET","url":"/me"}],"requests":[]}"#),
        ("DELETE", "/v1.0/%75sers/\(ben)", nil), ("DELETE", "/v1.0/x/../users/\(ben)", nil),
    ]

    private static func seen(_ tenant: Tenant) async throws -> [JSONValue] {
        try await tenant.control("GET", "requests")["requests"]?.array ?? []
    }

    private static func isChange(_ request: JSONValue) -> Bool {
        let path = request["path"]?.string ?? ""
        return request["method"] != "GET" && request["method"] != "HEAD" && !path.contains("/oauth2/")
            && !path.contains("/sandbox/") && !path.contains("/deviceAuth") && !path.contains("/approve")
    }

    @Test("none that changes or sends something reaches the tenant, and each is named in the answer")
    func held() async throws {
        let tenant = try await Tenant()
        try tenant.allowStandIn()
        let asked = try await tenant.mm(["run", "Demo", "graph", "Get-MgUser", "--json"])
        try await tenant.approve(try #require(asked.failure?["details"]?["userCode"]?.string, "\(asked)"))
        var ran = asked
        while ran.code == 3 { ran = try await tenant.mm(["run", "Demo", "graph", "Get-MgUser", "--json"]) }
        try #require(ran.code == 0, "\(ran)")
        let read = try await tenant.mm(["run", "Demo", "graph", "Invoke-StandIn request graph GET /v1.0/me", "--json"])
        #expect(read.code == 0, "\(read)")
        let before = try await Self.seen(tenant).filter(Self.isChange)
        for (method, path, body) in Self.attacks {
            let text = "Invoke-StandIn request graph \(method) '\(path)'" + (body.map { " '\($0)'" } ?? "")
            let told = try await tenant.mm(["run", "Demo", "graph", text, "--json"])
            // Held, denied, or refused as invalid.
            #expect(told.code != 0 || told.output.contains("Microsoft Master:"), "\(method) \(path): \(told)")
        }
        #expect(try await Self.seen(tenant).filter(Self.isChange) == before)
        // The tenant records what arrives.
        _ = try await Tenant.run("/usr/bin/curl", ["-s", "-X", "DELETE", "\(tenant.base)/v1.0/users/\(Self.ben)"], [:])
        #expect(try await Self.seen(tenant).filter(Self.isChange).count == before.count + 1)
        await tenant.stop()
    }
}
