import MMCore
import MMGuard
import Testing

@testable import MMOperations

@Suite("What a refused request lacks", .timeLimit(.minutes(5)))
struct RefusalAdviceTests {
    @Test("an error of a service is read as the refusal that it tells of")
    func refusals() throws {
        let error = MMError(
            .forbidden, "graph answered 403",
            details: [
                "service": "graph", "status": 403, "method": "GET", "path": "/v1.0/auditLogs/signIns",
                "code": "Authorization_RequestDenied", "serviceMessage": "Insufficient privileges.",
            ])
        let refusal = try #require(RefusalAdvice.refusal(in: error))
        #expect(refusal.target?.path == "/v1.0/auditLogs/signIns")
        #expect(refusal.isRead)
        let cmdlet = MMError(
            .remoteFailed, "Set-Mailbox: no role",
            details: ["engine": "native", "category": "PermissionDenied", "cmdlet": "Set-Mailbox"])
        #expect(RefusalAdvice.refusal(in: cmdlet)?.service == .exchange)
        #expect(RefusalAdvice.refusal(in: cmdlet)?.isRead == false)
        #expect(RefusalAdvice.refusal(in: MMError(.notFound, "x", details: ["connection": "A"])) == nil)
    }

    @Test("a token's reach is a permission and, for a person, a role")
    func reach() throws {
        let reader = TokenRights(kind: .work, permissions: ["AuditLog.Read.All"], roleIDs: [])
        let log = try #require(PermissionReach("GET /auditLogs/signIns", of: reader))
        #expect(log.outcome == .role)
        #expect(log.role == "Reports Reader")
        #expect(PermissionReach("GET /users", of: reader)?.outcome == .no)
        let member = TokenRights(kind: .work, permissions: ["Team.ReadBasic.All"], roleIDs: [])
        #expect(PermissionReach("GET /teams/1", of: member)?.outcome == .yes)
        let app = TokenRights(kind: .application, permissions: ["AuditLog.Read.All"])
        #expect(PermissionReach("GET /auditLogs/signIns", of: app)?.outcome == .yes)
    }

    @Test(
        "a path with a name in place of an id is answered with what finds the id",
        arguments: [
            ("/v1.0/groups/Sales/members", "/groups?$filter=displayName eq 'Sales'&$select=id,displayName"),
            ("/v1.0/users/Lena%20Vogt", "/users?$filter=displayName eq 'Lena Vogt'&$select=id,displayName"),
            ("/v1.0/groups/O'Neill", "/groups?$filter=displayName eq 'O''Neill'&$select=id,displayName"),
            ("/v1.0/users/lena@contoso.com", nil), ("/v1.0/groups", nil), ("/v1.0/me/messages", nil),
            ("/v1.0/me/photo", nil), ("/v1.0/groups/R%26D", nil),
            ("/v1.0/groups/8e4fdf7d-362c-40a0-9916-d882cc3b8730", nil), ("/v1.0/nothing/Sales", nil),
            ("/v1.0/sites/contoso.sharepoint.com,1,2", nil),
        ] as [(String, String?)])
    func names(path: String, search: String?) {
        let error = MMError(
            .notFound, "graph answered 404", details: ["service": "graph", "status": 404, "path": .string(path)])
        let told = NamedKey(error)?.search(on: "Demo")
        let due = search.map { "`mm graph Demo \(ShellWord.quoted($0))`" }
        #expect(told == due.map { "Paths take ids: \($0) finds that of an object by its name." })
        var details = error.details
        #expect(NamedKey(MMError(.remoteFailed, "no", details: details))?.search(on: "Demo") == nil)
        details["serviceMessage"] = "Invalid object identifier 'Sales'."
        #expect(NamedKey(MMError(.remoteFailed, "no", details: details))?.search(on: "Demo") == told)
    }
}
