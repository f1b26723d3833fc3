import MMCore
import MMDesk
import MMGuard
import Testing

@testable import MMOperations

@Suite("What is asked about changes that are made or taken back together", .timeLimit(.minutes(10)))
struct UndoQuestionTests {
    private static let forwarding = "Set-Mailbox -Identity lena.vogt -ForwardingSmtpAddress x@fabrikam.example"

    /// What a call is told that nobody is there to confirm, and what waits then.
    private func held(_ home: ChangesHome, _ name: String, _ arguments: JSONObject) async throws -> (
        error: MMError, entry: PendingConfirmation
    ) {
        let before = try await home.service.services.ledger.all().map(\.token)
        let error = await #expect(throws: MMError.self) {
            try await home.service.call(name, arguments, in: home.context(nil))
        }
        #expect(error?.code == .confirmationNeeded, "\(String(describing: error))")
        let all = try await home.service.services.ledger.all()
        return (try #require(error), try #require(all.first { !before.contains($0.token) } ?? all.last))
    }

    @Test("an undo demands what the class of any of its parts demands, also beside a stricter one")
    func undo() async throws {
        let home = try await ChangesHome(users: 12)
        try await home.run(Self.forwarding)
        try await home.run("New-DistributionGroup -Name Zed")
        try await home.graph("PATCH", "/users/lena.vogt@contoso-sandbox.example", ["city": "Rome"])
        let forwarding = try await home.journal.entries()[0]
        try home.guardDemo(["approvals": ["external": 2]], checks: ["external": "pin"])
        for arguments in [["id": .string(forwarding.id)], ["since": "1d"]] as [JSONObject] {
            let (error, entry) = try await held(home, "undo", arguments)
            #expect(error.message.contains("0 of 2 people"), "\(error.message)")
            #expect(entry.needed == 2 && entry.check == .pin)
        }
        await home.stop()
    }

    @Test("a batch demands what the class of any of its requests demands")
    func batch() async throws {
        let home = try await ChangesHome(users: 12)
        try home.guardDemo(["approvals": ["external": 2]], checks: ["external": "pin"])
        let lines = [
            #"{"method": "POST", "url": "/invitations", "body": {"invitedUserEmailAddress": "x@fabrikam.example", "inviteRedirectUrl": "https://fabrikam.example"}}"#,
            #"{"method": "DELETE", "url": "/users/lena.vogt@contoso-sandbox.example"}"#,
        ]
        for lines in [lines, lines.reversed()] {
            let (_, entry) = try await held(
                home, "graph_request", ["connection": "Demo", "batch": .string(lines.joined(separator: "\n"))])
            #expect(entry.needed == 2 && entry.check == .pin && entry.guardClass == .destructive)
        }
        await home.stop()
    }

    @Test("the registration of an app has the classes and previews of all of its requests")
    func registration() async throws {
        let home = try await ChangesHome(users: 12)
        let demo = try home.service.services.registry.snapshot().connection(named: "Demo")
        let client = try GuardedClient(identity: home.service.services.identity, connection: demo)
        var plan = RegistrationPlan()
        for (method, endpoint, body) in [
            ("PATCH", "/users/x", ["city": "Rome"]),
            ("POST", "/invitations", ["invitedUserEmailAddress": "x@fabrikam.example"]),
            ("DELETE", "/users/x", [:]),
        ] as [(String, String, JSONObject)] {
            plan.steps.append(.init(purpose: "p", method: method, endpoint: endpoint, body: body, yields: .nothing))
        }
        let verdict = try #require(try plan.verdict(client, GuardEngine(), .standard))
        #expect(verdict.decision == .ask && verdict.reason.contains("on behalf of a person"))
        #expect(verdict.classes.contains(.external) && verdict.classes.contains(.destructive))
        let request = ConfirmationRequest(
            connection: "Demo", module: "graph-api", title: "t", text: plan.text, verdict: verdict,
            checks: ConnectionPersonChecks(.terminal, classes: ["external": .pin]),
            approvals: ConnectionApprovals(1, classes: ["external": 2]))
        #expect(request.approvals == 2 && request.check == .pin)
        await home.stop()
    }

    @Test("a call for several connections demands what any of them demands, and has all of their classes")
    func several() async throws {
        let home = try await ChangesHome(users: 12)
        try await home.add("Other", account: "admin@contoso-sandbox.example")
        try home.guardDemo(["approvals": ["external": 2]], checks: ["external": "pin"])
        let lines = [
            #"{"method": "POST", "url": "/invitations", "body": {"invitedUserEmailAddress": "x@fabrikam.example", "inviteRedirectUrl": "https://fabrikam.example"}}"#,
            #"{"method": "DELETE", "url": "/users/lena.vogt@contoso-sandbox.example"}"#,
        ].joined(separator: "\n")
        let (_, entry) = try await held(
            home, "graph_request", ["connection": "Demo,Other", "batch": .string(lines)])
        #expect(entry.needed == 2 && entry.check == .pin && entry.connection == "Demo, Other")
        await home.stop()
    }

    @Test("one call with requests to many objects is asked about as a change to many")
    func manyRequests() async throws {
        let home = try await ChangesHome(users: 24)
        let lines = try await home.list("/users?$select=id").prefix(11).map { user in
            #"{"method": "PATCH", "url": "/users/\#(user["id"]?.string ?? "")", "body": {"city": "Rome"}}"#
        }
        var call: JSONObject = ["connection": "Demo", "batch": .string(lines.joined(separator: "\n"))]
        let (error, entry) = try await held(home, "graph_request", call)
        #expect(error.message.contains("11 objects would change many objects at once"), "\(error.message)")
        #expect(entry.guardClass == .write)
        call["dryRun"] = true
        let notes = try await home.call("graph_request", call).notes
        #expect(notes.contains { $0.contains("11 objects would change many objects at once") }, "\(notes)")
        await home.stop()
    }

    @Test("an undo of many objects is asked about as a change to many", arguments: [10, 11])
    func many(count: Int) async throws {
        let home = try await ChangesHome(users: 24)
        try await home.run("Get-Mailbox -ResultSize \(count) | Set-Mailbox -CustomAttribute3 bulk")
        #expect(try await home.journal.entries().count == count)
        if count > 10 {
            let (error, _) = try await held(home, "undo", ["since": "1d"])
            #expect(error.message.contains("11 objects would change many objects at once"), "\(error.message)")
        }
        let answer = try await home.call("undo", ["since": "1d"])
        #expect(answer.missing == nil)
        #expect(try await home.run("Get-Mailbox -Filter \"CustomAttribute3 -eq 'bulk'\"").array?.isEmpty == true)
        await home.stop()
    }

    @Test("new objects of one list count one by one in an undo")
    func manyNew() async throws {
        let home = try await ChangesHome(users: 12)
        try home.guardDemo(["allow": ["destructive"]])
        let lines = (1...11).map { number in
            #"{"method": "POST", "url": "/groups", "body": {"displayName": "G\#(number)", "#
                + #""mailNickname": "g\#(number)", "mailEnabled": true, "securityEnabled": false, "#
                + #""groupTypes": ["Unified"]}}"#
        }
        _ = try await home.call(
            "graph_request", ["connection": "Demo", "batch": .string(lines.joined(separator: "\n"))])
        #expect(try await home.journal.entries().count { $0.outcome == .done } == 11)
        let (error, _) = try await held(home, "undo", ["since": "1d"])
        #expect(error.message.contains("11 objects would change many objects at once"), "\(error.message)")
        await home.stop()
    }

    @Test("an undo in several connections asks once, with each of them named, and takes all back")
    func connections() async throws {
        let home = try await ChangesHome(users: 12)
        try await home.add("Lena", account: "lena.vogt@contoso-sandbox.example")
        for name in ["Demo", "Lena"] {
            _ = try await home.call(
                "graph_request",
                [
                    "connection": .string(name), "endpoint": "/me/contacts", "method": "POST", "unlisted": true,
                    "body": ["givenName": "Eve"],
                ])
        }
        let (_, entry) = try await held(home, "undo", ["since": "1d"])
        #expect(entry.connection == "Lena, Demo", "\(entry.connection)")
        let shown = home.person.pages.count
        let answer = try await home.call("undo", ["since": "1d"])
        #expect(answer.missing == nil && home.person.pages.count == shown + 1)
        let rows = ChangesHome.value(answer).array ?? []
        #expect(rows.map { $0["connection"] } == ["Lena", "Demo"])
        #expect(rows.allSatisfy { $0["result"] == "undone" })
        await home.stop()
    }
}
