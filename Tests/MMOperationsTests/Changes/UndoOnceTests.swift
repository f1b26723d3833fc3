import MMCore
import Testing

@testable import MMOperations

@Suite("What is made anew is made once", .timeLimit(.minutes(10)))
struct UndoOnceTests {
    /// A kind of object that is created anew where it was deleted.
    struct Kind: Sendable, CustomTestStringConvertible {
        let collection: String
        let body: JSONValue
        /// A change of it, which is taken back on the new one.
        let change: JSONValue
        var testDescription: String { collection }

        static let rule = Kind(
            collection: "/me/mailFolders/inbox/messageRules",
            body: [
                "displayName": "RR", "sequence": 1, "isEnabled": false, "conditions": ["subjectContains": ["offer"]],
                "actions": ["markAsRead": true],
            ], change: ["isEnabled": true])
        static let policy = Kind(
            collection: "/identity/conditionalAccess/policies",
            body: [
                "displayName": "RR", "state": "disabled",
                "conditions": ["users": ["includeUsers": ["All"]], "applications": ["includeApplications": ["All"]]],
                "grantControls": ["operator": "OR", "builtInControls": ["mfa"]],
            ], change: ["state": "enabledForReportingButNotEnforced"])
    }

    static let kinds = [Kind.rule, .policy]

    private func deleted(_ home: ChangesHome, _ kind: Kind) async throws -> (patch: JournalEntry, entry: JournalEntry) {
        let made = try await home.graph("POST", kind.collection, kind.body)
        let path = "\(kind.collection)/\(made["id"]?.string ?? "")"
        try await home.graph("PATCH", path, kind.change)
        let patch = try #require(try await home.newest())
        try await home.graph("DELETE", path)
        return (patch, try #require(try await home.newest()))
    }

    private func alike(_ home: ChangesHome, _ kind: Kind) async throws -> [JSONValue] {
        try await home.list(kind.collection).filter { $0["displayName"] == "RR" }
    }

    private func undo(_ home: ChangesHome, _ entry: JournalEntry) async throws(MMError) -> String {
        ChangesHome.value(try await home.call("undo", ["id": .string(entry.id)]))[0]?["result"]?.string ?? ""
    }

    @Test("by three undos at the same time", arguments: kinds)
    func together(kind: Kind) async throws {
        let home = try await ChangesHome(users: 12)
        let entry = try await deleted(home, kind).entry
        let results = await withTaskGroup(of: String.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    do throws(MMError) { return try await undo(home, entry) } catch { return error.message }
                }
            }
            return await group.reduce(into: [String]()) { $0.append($1) }.sorted()
        }
        #expect(results.count { $0 == "undone" } == 1, "\(results)")
        #expect(results.allSatisfy { $0 == "undone" || $0.contains("meanwhile") || $0.contains("already undone") })
        #expect(try await alike(home, kind).count == 1)
        await home.stop()
    }

    @Test("where the answer was lost, and earlier changes are taken back on what was made", arguments: kinds)
    func lost(kind: Kind) async throws {
        let home = try await ChangesHome(users: 12)
        let (patch, entry) = try await deleted(home, kind)
        try await home.control(
            "POST", "faults",
            [
                "kind": "torn", "method": "POST",
                "path": .string("*\(kind.collection.split(separator: "/").last ?? "")"), "count": 1,
            ])
        let error = await #expect(throws: MMError.self) { try await undo(home, entry) }
        #expect(error?.code != .conflict, "\(error as Any)")
        #expect(try await alike(home, kind).count == 1)
        #expect(try await undo(home, entry).hasPrefix("nothing to do"))
        #expect(try await alike(home, kind).count == 1)
        #expect(try await undo(home, patch) == "undone")
        let rows = ChangesHome.value(try await home.call("undo_list", [:])).array ?? []
        #expect(rows.first { $0["id"] == .string(entry.id) }?["state"] == "undone")
        await home.stop()
    }

    @Test("where the process ended before it was sent", arguments: kinds)
    func killedBefore(kind: Kind) async throws {
        let home = try await ChangesHome(users: 12)
        let entry = try await deleted(home, kind).entry
        // The undo as it stands in the journal when its process ends before the request is sent.
        _ = try await undo(home, entry)
        let sent = try #require(try await home.newest())
        try await home.graph("DELETE", "\(kind.collection)/\(sent.change.subject.id)")
        let deletion = try #require(try await home.newest())
        let open = JournalEntry(
            connection: "Demo", author: sent.author, call: "killed", session: nil, client: "test",
            request: sent.request, change: sent.change.made(.init(id: "")), undoes: deletion.id)
        try await home.journal.begin(open)
        #expect(try await undo(home, deletion) == "undone")
        #expect(try await alike(home, kind).count == 1)
        await home.stop()
    }

    @Test("and is not made where one like it stands there already: which one it is can't be told", arguments: kinds)
    func alreadyThere(kind: Kind) async throws {
        let home = try await ChangesHome(users: 12)
        let entry = try await deleted(home, kind).entry
        var body = kind.body.object ?? [:]
        for (key, value) in kind.change.object ?? [:] { body[key] = value }
        let other = try await home.graph("POST", kind.collection, .object(body))
        let error = await #expect(throws: MMError.self) { try await undo(home, entry) }
        #expect(error?.code == .conflict)
        #expect(error?.details["candidates"] == [other["id"] ?? .null], "\(error as Any)")
        #expect(try await alike(home, kind).count == 1)
        await home.stop()
    }

    @Test("and a creation whose answer was lost names what may have come of it")
    func candidate() async throws {
        let home = try await ChangesHome(users: 12)
        try await home.control(
            "POST", "faults", ["kind": "torn", "method": "POST", "path": "*messageRules", "count": 1])
        await #expect(throws: MMError.self) { try await home.graph("POST", Kind.rule.collection, Kind.rule.body) }
        let entry = try #require(try await home.newest())
        #expect(entry.outcome == .unknown)
        let made = try #require(try await alike(home, .rule).first?["id"]?.string)
        let error = await #expect(throws: MMError.self) { try await undo(home, entry) }
        #expect(error?.message.contains(made) == true && error?.message.contains("RR") == true, "\(error as Any)")
        #expect(try await alike(home, .rule).count == 1)
        await home.stop()
    }

    @Test(
        "by cmdlets as well, where the process ended before it noted the answer",
        arguments: [
            ("New-TransportRule -Name RR -PrependSubject x", "Remove-TransportRule RR", "Get-TransportRule RR"),
            (
                "New-DistributionGroup -Name RR -Members lena.vogt", "Remove-DistributionGroup RR",
                "Get-DistributionGroup RR"
            ),
            (
                "New-InboxRule -Mailbox lena.vogt -Name RR -SubjectContainsWords offer -MarkAsRead $true",
                "Remove-InboxRule -Mailbox lena.vogt -Identity RR",
                "Get-InboxRule -Mailbox lena.vogt | Where-Object { $_.Name -eq 'RR' }"
            ),
        ])
    func cmdlets(create: String, remove: String, reader: String) async throws {
        let home = try await ChangesHome(users: 12)
        try await home.run(create)
        try await home.run(remove)
        let entry = try #require(try await home.newest())
        #expect(try await undo(home, entry) == "undone")
        try home.forgetEnd()
        let open = try #require(try await home.newest())
        #expect(open.undoes == entry.id && open.outcome == .unknown, "\((try? home.journalTail()) ?? "")")
        #expect(try await home.run(reader).array?.count == 1)
        #expect(try await undo(home, entry).hasPrefix("nothing to do"))
        #expect(try await home.run(reader).array?.count == 1)
        await home.stop()
    }
}
