import MMCore
import TestSupport
import Testing

@testable import MMOperations

@Suite("What hangs together is taken back together", .timeLimit(.minutes(10)))
struct UndoTogetherTests {
    private func users(_ home: ChangesHome, _ count: Int) async throws -> [String] {
        try await home.list("/users?$select=id,userPrincipalName,usageLocation").dropFirst(8)
            .filter { $0["userPrincipalName"]?.string?.contains("#") == false }
            .compactMap { $0["id"]?.string }.prefix(count).map { $0 }
    }

    private static let tool = """
        description: Moves somebody and puts them into a new group.
        parameters:
          user: {description: Who., required: true}
        steps:
          - id: move
            patch: /users/{user}
            body: {department: Elsewhere}
          - id: group
            post: /groups
            body: {displayName: Movers, mailEnabled: false, mailNickname: movers, securityEnabled: true}
          - id: join
            post: /groups/{group.id}/members/$ref
            body: {"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/{user}"}
          - id: mailbox
            run: Set-Mailbox $user -CustomAttribute1 moved
            module: exo
            with: {user: "{user}"}
        """

    @Test(
        "a tool is one change with steps: each names it in the audit log and the journal, and its call takes all of them back"
    )
    func tool() async throws {
        let home = try await ChangesHome(users: 20)
        let user = try await users(home, 1)[0]
        try ProtectedFile.replace(home.home.paths.toolsDirectory + "/mover.yaml", with: Array(Self.tool.utf8))
        let before = try await home.graph("GET", "/users/\(user)?$select=department")
        let groups = try await home.list("/groups?$select=id").count
        _ = try await home.call("do", ["tool": "mover", "connection": "Demo", "param": ["user": .string(user)]])
        let entries = try await home.journal.entries()
        #expect(entries.count == 4)
        let whole = try #require(entries[0].within.first)
        #expect(entries.allSatisfy { $0.within == [whole] } && Set(entries.map(\.call)).count == 4)
        let audit = try await audited(home)
        let line = try #require(audit.first { $0["operation"] == "do" && $0["outcome"] != "begun" })
        #expect(line["call"] == .string(whole) && line["tool"] == "mover")
        #expect(line["parameters"] == ["user": .string(user)])
        let steps = audit.filter { $0["partOf"] == [.string(whole)] && $0["outcome"] != "begun" }
        #expect(steps.map { $0["step"] } == ["move", "group", "join", "mailbox"])
        let answer = try await home.call("undo", ["call": .string(whole)])
        #expect(answer.missing == nil, "\(ChangesHome.value(answer))")
        #expect(ChangesHome.value(answer).array?.count == 4)
        #expect(try await home.graph("GET", "/users/\(user)?$select=department") == before)
        #expect(try await home.list("/groups?$select=id").count == groups)
        await home.stop()
    }

    private func audited(_ home: ChangesHome) async throws -> [JSONValue] {
        let bytes = try ProtectedFile.read(home.home.paths.auditLog, limit: 16 << 20) ?? []
        return bytes.split(separator: 0x0A).compactMap { try? JSONParser.parse(Array($0)) }
    }

    @Test("a tool that waited for a person in between is still one change")
    func waited() async throws {
        let home = try await ChangesHome(users: 20)
        let user = try await users(home, 1)[0]
        let tool =
            Self.tool.split(separator: "\n").prefix(7).joined(separator: "\n") + """

                  - id: forward
                    run: Set-Mailbox $user -ForwardingSmtpAddress x@fabrikam.example
                    module: exo
                    with: {user: "{user}"}
                """
        try ProtectedFile.replace(home.home.paths.toolsDirectory + "/mover.yaml", with: Array(tool.utf8))
        let arguments: JSONObject = ["tool": "mover", "connection": "Demo", "param": ["user": .string(user)]]
        let held = await #expect(throws: MMError.self) {
            try await home.service.call("do", arguments, in: home.context(nil))
        }
        #expect(held?.code == .confirmationNeeded)
        _ = try await home.call("do", arguments)
        let entries = try await home.journal.entries()
        #expect(entries.count == 2)
        let whole = try #require(entries[0].within.first)
        #expect(entries[1].within == [whole])
        let rows = ChangesHome.value(try await home.call("undo", ["call": .string(whole)])).array ?? []
        #expect(rows.map { $0["result"] } == ["undone", "undone"])
        await home.stop()
    }

    @Test("a call for several connections is one change")
    func several() async throws {
        let home = try await ChangesHome(users: 12)
        try await home.add("Lena", account: "lena.vogt@contoso-sandbox.example")
        let answer = try await home.call(
            "graph_request",
            [
                "connection": "Demo,Lena", "endpoint": "/me/contacts", "method": "POST", "unlisted": true,
                "body": ["givenName": "Eve"],
            ])
        guard case .items(let stream) = answer.body else { throw MMError(.internalError, "no list") }
        while try await stream.next() != nil {}
        _ = stream.end()
        let entries = try await home.journal.entries()
        #expect(entries.count == 2)
        let whole = try #require(entries[0].within.first)
        #expect(entries.allSatisfy { $0.within == [whole] })
        let rows = ChangesHome.value(try await home.call("undo", ["call": .string(whole)])).array ?? []
        #expect(rows.map { $0["result"] } == ["undone", "undone"])
        await home.stop()
    }

    @Test("of many changes those go on that do not hang on one that somebody changed since, and a dry run shows all")
    func independent() async throws {
        let home = try await ChangesHome(users: 40)
        let users = try await users(home, 10)
        let before = try await home.list("/users?$select=id,city")
        let lines = users.map { #"{"method": "PATCH", "url": "/users/\#($0)", "body": {"city": "Rome"}}"# }
        try await home.graphBatch(lines)
        let call = try #require(try await home.newest()).call
        // Somebody else, whose change is not in the journal.
        try await home.graph("PATCH", "/users/\(users[4])", ["city": "Oslo"])
        try await home.journal.end(try #require(try await home.newest()), .refused)
        let forecast =
            ChangesHome.value(try await home.call("undo", ["call": .string(call), "dryRun": true])).array ?? []
        #expect(forecast.count == 10)
        let refused = forecast.filter { $0["undo"]?.string?.contains("has changed since") == true }
        #expect(refused.count == 1 && forecast.count { $0["undo"]?.string?.hasPrefix("PATCH") == true } == 9)
        let answer = try await home.call("undo", ["call": .string(call)])
        let rows = ChangesHome.value(answer).array ?? []
        #expect(rows.count { $0["result"] == "undone" } == 9, "\(rows)")
        #expect(answer.missing?.contains("1 of 10 changes were not undone") == true, "\(answer.missing ?? "")")
        let skipped = try await home.call("undo", ["since": "1d", "skip": true])
        #expect(skipped.missing == nil && skipped.notes.contains { $0.contains("has changed since") })
        let now = try await home.list("/users?$select=id,city")
        #expect(Set(now).subtracting(before).map { $0["id"] } == [.string(users[4])])
        await home.stop()
    }

    @Test("what was made beside something of which nobody knows whether it was made is taken back all the same")
    func besideUnknown() async throws {
        let home = try await ChangesHome(users: 20)
        let rules = "/me/mailFolders/inbox/messageRules"
        func make(_ name: String) async throws {
            _ = try await home.graph("POST", rules, ["displayName": .string(name), "sequence": 1, "isEnabled": false])
        }
        let before = try await home.list(rules).count
        try await make("First")
        try await make("Second")
        try await home.control(
            "POST", "faults", ["kind": "torn", "method": "POST", "path": "*messageRules", "count": 1])
        await #expect(throws: MMError.self) { try await make("Lost") }
        let forecast = try await home.call("undo", ["since": "1h", "dryRun": true])
        let stays = ChangesHome.value(forecast).array?.filter { $0["undo"]?.string?.hasPrefix("can't") == true }
        #expect(stays?.count == 1, "\(forecast)")
        let answer = try await home.call("undo", ["since": "1h", "skip": true])
        #expect(
            ChangesHome.value(answer).array?.count { $0["result"] == "undone" } == 2, "\(ChangesHome.value(answer))")
        let left = try await home.list(rules).compactMap { $0["displayName"]?.string }
        #expect(left.count == before + 1 && left.contains("Lost"), "\(left)")
        await home.stop()
    }

    @Test("what hangs on a change that stays is left: earlier changes of the same, and what made the object")
    func dependent() async throws {
        let home = try await ChangesHome(users: 12)
        let group = try await home.graph(
            "POST", "/groups",
            ["displayName": "Choir", "mailEnabled": false, "mailNickname": "choir", "securityEnabled": true])
        let path = "/groups/\(group["id"]?.string ?? "")"
        let user = try await users(home, 1)[0]
        try await home.graph("PATCH", "/users/\(user)", ["city": "Rome"])
        try await home.graph("PATCH", path, ["description": "one"])
        try await home.graph("PATCH", path, ["description": "two"])
        try await home.graph("PATCH", path, ["description": "three"])
        try await home.journal.end(try #require(try await home.newest()), .refused)
        let answer = try await home.call("undo", ["since": "1d"])
        let results = ChangesHome.value(answer).array?.map { String(($0["result"]?.string ?? "").prefix(7)) }
        #expect(results == ["refused", "left, b", "undone", "left, b"], "\(ChangesHome.value(answer))")
        #expect(try await home.graph("GET", path)["description"] == "three")
        await home.stop()
    }
}
