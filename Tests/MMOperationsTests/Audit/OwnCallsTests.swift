import MMCore
import Testing

@testable import MMOperations

@Suite("The caller's own calls in the audit log", .timeLimit(.minutes(5)))
struct OwnCallsTests {
    @Test("have one line each, also a recipe of many steps, a change, and an undo")
    func oneLineEach() async throws {
        let home = try await ChangesHome(users: 12)
        _ = try await home.call("recipe", ["tool": "domains", "connection": "Demo"])
        try await home.run("Set-Mailbox -Identity lena.vogt -ForwardingSmtpAddress x@fabrikam.example")
        let change = try #require(try await home.newest())
        _ = try await home.call("undo", ["id": .string(change.id)])
        await home.service.services.sent.flush()
        let rows = ChangesHome.value(try await home.call("audit_mine", ["last": 3])).array ?? []
        let told = rows.map { "\($0["what"]?.string ?? "") \($0["outcome"]?.string ?? "")" }
        #expect(rows.count == 3 && Set(rows.compactMap { $0["call"]?.string }).count == 3, "\(told)")
        #expect(rows.allSatisfy { $0["outcome"] == "done" }, "\(told)")
        #expect(told.first?.contains("recipe domains") == true, "\(told)")
        #expect(told.dropFirst().first?.contains("Set-Mailbox") == true, "\(told)")
        await home.stop()
    }

    @Test(
        "are those of calls, not of their parts",
        arguments: [("run", true), ("undo", true), ("request", false), ("undo_step", false), ("apply_step", false)])
    func parts(operation: String, isCall: Bool) {
        #expect(AuditedCall.isCall(["operation": .string(operation)]) == isCall)
    }

    @Test("name a dry run as one, whatever it would have sent")
    func dryRun() {
        var request: JSONObject = ["operation": "graph_request", "method": "DELETE", "path": "/v1.0/users/ann"]
        #expect(AuditedCall.what(request) == "DELETE /v1.0/users/ann")
        request["dryRun"] = true
        #expect(AuditedCall.what(request) == "dry run: DELETE /v1.0/users/ann")
        #expect(AuditedCall.what(["operation": "run", "dryRun": true]) == "dry run: run")
    }
}
