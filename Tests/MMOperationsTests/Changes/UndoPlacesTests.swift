import MMCore
import Testing

@testable import MMOperations

@Suite("A change belongs to a tenant and an account", .timeLimit(.minutes(10)))
struct UndoPlacesTests {
    private static let rules = "/me/mailFolders/inbox/messageRules"
    private static let lena = "lena.vogt@contoso-sandbox.example"

    private func graph(
        _ home: ChangesHome, _ connection: String, _ method: String, _ path: String, _ body: JSONValue? = nil
    ) async throws(MMError) -> JSONValue {
        var arguments: JSONObject = [
            "connection": .string(connection), "endpoint": .string(path), "method": .string(method), "unlisted": true,
        ]
        arguments["body"] = body
        return ChangesHome.value(try await home.call("graph_request", arguments))
    }

    private func ruleNames(_ home: ChangesHome, _ connection: String) async throws -> [String] {
        try await graph(home, connection, "GET", Self.rules)["value"]?.array?.compactMap { $0["displayName"]?.string }
            .filter { $0 == "Mine" } ?? []
    }

    /// A rule of the administrator's that was deleted.
    private func deletedRule(_ home: ChangesHome) async throws -> JournalEntry {
        let made = try await graph(
            home, "Demo", "POST", Self.rules,
            ["displayName": "Mine", "sequence": 1, "isEnabled": false, "actions": ["markAsRead": true]])
        _ = try await graph(home, "Demo", "DELETE", "\(Self.rules)/\(made["id"]?.string ?? "")")
        return try #require(try await home.newest())
    }

    private func list(_ home: ChangesHome, _ arguments: JSONObject = [:]) async throws -> [JSONValue] {
        ChangesHome.value(try await home.call("undo_list", arguments)).array ?? []
    }

    private func rename(_ home: ChangesHome, _ name: String, _ other: String) async throws {
        _ = try await home.call("connections_rename", ["connection": .string(name), "to": .string(other)])
    }

    @Test("and is found and taken back there, whatever the connection is called today")
    func renamed() async throws {
        let home = try await ChangesHome(users: 12)
        try await home.add("Lena", account: Self.lena)
        let entry = try await deletedRule(home)
        #expect(
            entry.author?.tenant == "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01" && entry.author?.account.isEmpty == false)
        try await rename(home, "Demo", "Old")
        try await rename(home, "Lena", "Demo")
        // Also before anybody has signed in again.
        #expect(try await list(home).count == 2)
        #expect(try await list(home, ["connection": "Old"]).count == 2)
        #expect(try await list(home, ["connection": "Demo"]).isEmpty)
        try await home.signIn("Demo", as: Self.lena)
        let waiting = await #expect(throws: MMError.self) { try await home.call("undo", ["id": .string(entry.id)]) }
        #expect(waiting?.code == .signInNeeded && waiting?.details["connection"] == "Old")
        try await home.signIn("Old")
        let answer = ChangesHome.value(try await home.call("undo", ["id": .string(entry.id)]))
        #expect(answer[0]?["result"] == "undone" && answer[0]?["connection"] == "Old", "\(answer)")
        #expect(try await ruleNames(home, "Old") == ["Mine"])
        #expect(try await ruleNames(home, "Demo").isEmpty)
        await home.stop()
    }

    @Test("and is refused where no connection leads there any more, or its name leads elsewhere")
    func elsewhere() async throws {
        let home = try await ChangesHome(users: 12)
        try await home.add("Lena", account: Self.lena)
        let entry = try await deletedRule(home)
        _ = try await home.call("connections_remove", ["connection": "Demo"])
        try await rename(home, "Lena", "Demo")
        try await home.signIn("Demo", as: Self.lena)
        for arguments in [["id": .string(entry.id)], ["since": "1d"], ["id": .string(entry.id), "dryRun": true]]
            as [JSONObject]
        {
            let error = await #expect(throws: MMError.self) { try await home.call("undo", arguments) }
            #expect(
                error?.code == .conflict && error?.message.contains("No connection signs in") == true, "\(error as Any)"
            )
        }
        // The owner still sees it.
        #expect(try await list(home).count == 2)
        #expect(try await ruleNames(home, "Demo").isEmpty)
        await home.stop()
    }

    @Test("an entry of the old form is bound by the object's own id, and refused where nothing tells")
    func oldForm() async throws {
        let home = try await ChangesHome(users: 12)
        let rule = try await deletedRule(home)
        let user = try await graph(home, "Demo", "GET", "/users/\(Self.lena)?$select=id,city")
        _ = try await graph(home, "Demo", "PATCH", "/users/\(Self.lena)", ["city": "Rome"])
        let patch = try #require(try await home.newest())
        var old: [JournalEntry] = []
        for change in [rule.change, patch.change] {
            let entry = JournalEntry(
                connection: "Demo", call: "old", session: nil, client: "test", request: "x", change: change)
            try await home.journal.begin(entry)
            try await home.journal.end(entry, .done)
            old.append(entry)
        }
        let error = await #expect(throws: MMError.self) { try await home.call("undo", ["id": .string(old[0].id)]) }
        #expect(error?.code == .conflict && error?.message.contains("earlier version") == true, "\(error as Any)")
        #expect(try await ruleNames(home, "Demo").isEmpty)
        _ = try await home.call("undo", ["id": .string(old[1].id)])
        let now = try await graph(home, "Demo", "GET", "/users/\(Self.lena)?$select=id,city")
        #expect(now["city"] == user["city"])
        await home.stop()
    }

    @Test("of a partner's customer: it is listed, shown and taken back, also after the partner got another name")
    func customers() async throws {
        let home = try await ChangesHome(users: 10, customers: 2)
        let name = "Demo:\(SandboxName.of(1))"
        let body: JSONValue = [
            "displayName": "Choir", "mailEnabled": false, "mailNickname": "choir", "securityEnabled": true,
        ]
        // One customer alone is a connection of a call.
        let made = try await graph(home, name, "POST", "/groups", body)
        let entry = try #require(try await home.newest())
        #expect(try await list(home, ["connection": .string(name)]).map { $0["id"] } == [.string(entry.id)])
        let shown = ChangesHome.value(try await home.call("undo_show", ["id": .string(entry.id)]))
        #expect(shown["state"] == "can be undone" && shown["connection"] == .string(name))
        try await rename(home, "Demo", "Fleet")
        try await home.signIn("Fleet")
        #expect(try await list(home).map { $0["connection"] } == [.string("Fleet:\(SandboxName.of(1))")])
        let answer = ChangesHome.value(try await home.call("undo", ["id": .string(entry.id)]))
        #expect(answer[0]?["result"] == "undone", "\(answer)")
        let path = "/groups/\(made["id"]?.string ?? "")"
        let gone = await #expect(throws: MMError.self) {
            try await graph(home, "Fleet:\(SandboxName.of(1))", "GET", path)
        }
        #expect(gone?.code == .notFound)
        let nobody = await #expect(throws: MMError.self) { try await graph(home, "Fleet:Nobody", "GET", "/users") }
        #expect(nobody?.code == .notFound && nobody?.hint?.contains(SandboxName.of(2)) == true, "\(nobody as Any)")
        await home.stop()
    }
}
