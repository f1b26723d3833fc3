import MMCore
import MMDesk
import MMGraph
import MMIdentity
import Testing

@testable import MMOperations

@Suite("The state before a write", .timeLimit(.minutes(5)))
struct StateBeforeSignInTests {
    @Test("is read before the write is sent, where the sign-in ended while it was to be read")
    func later() async throws {
        let home = try await SignInHome()
        try await home.login()
        let services = home.service.services.requestServices
        let demo = try services.guarding.registry.snapshot().connection(named: "Demo")
        let call = CallContext(caller: Caller(surface: .terminal, name: "test", server: nil), sessionID: "one")
        let watch = WriteWatch(
            client: try GuardedClient(identity: services.identity, connection: demo), connection: demo,
            requests: services,
            context: OperationContext(call: call, deadline: .after(.seconds(200)), record: CallRecord()))
        let target = try watch.client.target("/users/lena.vogt@contoso-sandbox.example")
        let request = try GraphRequest(method: "PATCH", target: target, json: ["department": "Elsewhere"])
        try await home.fault(["kind": "revoked"])
        let writes = await watch.writes([request])
        let change = try #require(writes[0].change)
        #expect(!change.isBeforeKnown && !change.isUnreadable, "\(change)")
        try await home.clearFaults()
        try await home.login()
        var notes: [String] = []
        let entries = await watch.begin(writes, notes: &notes)
        #expect(entries[0]?.change.isBeforeKnown == true, "\(notes)")
        await home.stop()
    }

    @Test("is told to be unknown in a dry run that nobody is signed in for, which claims nothing about the undo")
    func dryRun() async throws {
        let home = try await SignInHome()
        let arguments: JSONObject = [
            "connection": "Demo", "endpoint": "/users/lena.vogt@contoso-sandbox.example", "method": "PATCH",
            "body": ["department": "Elsewhere"], "dryRun": true,
        ]
        func forecast() async throws -> (text: String, notes: String) {
            guard case .answered(let answer) = await home.call("graph_request", arguments) else {
                Issue.record("no answer")
                return ("", "")
            }
            return (answer.text ?? "", answer.notes.joined(separator: "\n"))
        }
        let before = try await forecast()
        #expect(before.notes.contains("mm login Demo") && !before.text.contains("taken back"), "\(before)")
        try await home.login()
        let after = try await forecast()
        #expect(!after.notes.contains("mm login") && after.text.contains("undo: can be taken back"), "\(after)")
        await home.stop()
    }
}
