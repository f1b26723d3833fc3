import MMCore
import MMDesk
import MMGraph
import MMGuard
import MMIdentity
import Testing

@testable import MMOperations

@Suite("The state before a write", .timeLimit(.minutes(5)))
struct StateBeforeSignInTests {
    @Test("holds a write back while it waits for a sign-in, and is read once somebody has signed in")
    func later() async throws {
        let home = try await SignInHome()
        try await home.login()
        let (services, demo, context) = try context(of: home)
        let watch = WriteWatch(
            client: try GuardedClient(identity: services.identity, connection: demo), connection: demo,
            requests: services, context: context)
        let target = try watch.client.target("/users/lena.vogt@contoso-sandbox.example")
        let request = try GraphRequest(method: "PATCH", target: target, json: ["department": "Elsewhere"])
        try await home.fault(["kind": "revoked"])
        let writes = await watch.writes([request])
        #expect(try #require(writes[0].change).isUnread, "\(writes)")
        var notes: [String] = []
        await #expect { _ = try await watch.begin(writes, notes: &notes) } throws: { needsSignIn($0) }
        try await home.clearFaults()
        try await home.login()
        let entries = try await watch.begin(writes, notes: &notes)
        #expect(entries[0]?.change.isBeforeKnown == true, "\(notes)")
        await home.stop()
    }

    @Test("holds a cmdlet of Exchange back while it waits for a sign-in, and is read once somebody has signed in")
    func cmdlet() async throws {
        let home = try await SignInHome()
        try await home.login()
        let (services, demo, context) = try context(of: home)
        let client = try GuardedExchange(identity: services.identity, connection: demo, service: .exchange)
        let watch = CmdletWatch(client: client, connection: demo, requests: services, context: context)
        let command = ExchangeCommand(
            "Set-Mailbox", ["Identity": "lena.vogt@contoso-sandbox.example", "CustomAttribute1": "x"])
        try await home.fault(["kind": "revoked"])
        let change = try #require(Change(command, at: .exchange))
        let read = await watch.tried(change)
        #expect(read.change.isUnread && read.fault?.code == .signInNeeded)
        var notes: [String] = []
        await #expect { _ = try await watch.begin(command, notes: &notes) } throws: { needsSignIn($0) }
        try await home.clearFaults()
        try await home.login()
        let entry = try await watch.begin(command, notes: &notes)
        #expect(entry?.change.isBeforeKnown == true, "\(notes)")
        await home.stop()
    }

    private func needsSignIn(_ error: any Error) -> Bool { (error as? MMError)?.code == .signInNeeded }

    private func context(of home: SignInHome) throws -> (RequestServices, Connection, OperationContext) {
        let services = home.service.services.requestServices
        let call = CallContext(caller: Caller(surface: .terminal, name: "test", server: nil), sessionID: "one")
        return (
            services, try services.guarding.registry.snapshot().connection(named: "Demo"),
            OperationContext(call: call, deadline: .after(.seconds(200)), record: CallRecord())
        )
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

    @Test(
        "is read before a person is asked, who isn't asked about the deletion of what the service doesn't have",
        arguments: [
            (["endpoint": "/users/nobody@contoso-sandbox.example", "method": "DELETE"], .notFound),
            (["endpoint": "/groups/00000000-0000-4000-8000-000000000001", "method": "DELETE"], .notFound),
            (["endpoint": "/users/lena.vogt@contoso-sandbox.example", "method": "DELETE"], .confirmationNeeded),
            // A change may create what it names, and a header may say how the service reads the path.
            (
                [
                    "endpoint": "/users/nobody@contoso-sandbox.example", "method": "PATCH",
                    "body": ["accountEnabled": false],
                ], .confirmationNeeded
            ),
            (
                [
                    "endpoint": "/users/nobody@contoso-sandbox.example", "method": "DELETE",
                    "header": ["Prefer: IdType=\"ImmutableId\""],
                ], .confirmationNeeded
            ),
            // What one request deletes may have been made by another one.
            (
                [
                    "batch": .string(
                        #"{"method": "DELETE", "url": "/users/nobody@contoso-sandbox.example"}"# + "\n"
                            + #"{"method": "DELETE", "url": "/users/lena.vogt@contoso-sandbox.example"}"#)
                ], .confirmationNeeded
            ),
        ] as [(JSONObject, MMErrorCode)])
    func absent(request: JSONObject, code: MMErrorCode) async throws {
        let home = try await ChangesHome(users: 12)
        var arguments = request
        arguments["connection"] = "Demo"
        let error = await #expect(throws: MMError.self) {
            try await home.service.call("graph_request", arguments, in: home.context(nil))
        }
        #expect(error?.code == code, "\(String(describing: error))")
        let held = try await home.service.services.ledger.all()
        #expect(held.count == (code == .confirmationNeeded ? 1 : 0), "\(held)")
        if code == .notFound { #expect(error?.message.hasPrefix("There is nothing to delete: ") == true) }
        await home.stop()
    }
}
