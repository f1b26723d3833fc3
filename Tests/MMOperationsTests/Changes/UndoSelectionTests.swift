import MMCore
import MMGraph
import Testing

@testable import MMOperations

@Suite("Which changes are undone", .timeLimit(.minutes(10)))
struct UndoSelectionTests {
    private static func selection(_ entries: [JournalEntry]) -> UndoSelection {
        UndoSelection(entries, of: nil, reach: .byName)
    }

    private func entry(_ time: Timestamp) throws -> JournalEntry {
        let request = try GraphRequest(
            method: "PATCH", target: RequestTarget(parsing: "/v1.0/users/u", service: .graph), json: ["city": "Rome"])
        return JournalEntry(
            connection: "Demo", call: "c", session: nil, client: "test", request: "PATCH /v1.0/users/u",
            change: try #require(Change(request, isAction: nil)), time: time)
    }

    @Test("are those of the last time, and none from before a clock was set back")
    func clock() throws {
        let now = Timestamp.now
        let times: [Duration] = [.seconds(-500), .seconds(-20), .seconds(1800), .seconds(-50), .seconds(-5)]
        let entries = try times.map { try entry(now + $0) }
        let recent = Self.selection(entries).entries(ofLast: .seconds(60), now: now)
        #expect(recent == Set(entries[3...].map(\.id)))
    }

    /// An entry of a rule that is made or deleted.
    private func entry(
        _ method: String, _ id: String, undoes: JournalEntry? = nil, call: String = "c"
    ) throws -> JournalEntry {
        let rules = "/v1.0/me/mailFolders/inbox/messageRules"
        let path = method == "POST" ? rules : "\(rules)/\(id)"
        let request = try GraphRequest(
            method: method, target: RequestTarget(parsing: path, service: .graph),
            json: method == "POST" ? ["displayName": "r"] : nil)
        var change = try #require(Change(request, isAction: nil))
        change.subject.id = id
        var entry = JournalEntry(
            connection: "Demo", author: .init(tenant: "t", account: "a"), call: call, session: nil, client: "test",
            request: "\(method) \(path)", change: change, undoes: undoes?.id)
        entry.outcome = .done
        return entry
    }

    @Test("are creations no longer, whose object a deletion took as well, once that deletion is taken back")
    func again() throws {
        let made = try entry("POST", "1")
        let deleted = try entry("DELETE", "1")
        let undone = try entry("DELETE", "1", undoes: made)
        let again = try entry("POST", "2", undoes: deleted)
        #expect(Self.selection([made, deleted, undone]).isUndone(made))
        #expect(!Self.selection([made, deleted, undone, again]).isUndone(made))
        #expect(Self.selection([made, deleted, again, undone]).isUndone(made))
        let last = try entry("DELETE", "2", undoes: made)
        #expect(Self.selection([made, deleted, undone, again, last]).isUndone(made))
    }

    @Test("are those of a call, also where it is an undo, but not what it undid of its own")
    func ofCall() throws {
        let made = try entry("POST", "1", call: "a")
        let undone = try entry("DELETE", "1", undoes: made, call: "b")
        let redone = try entry("POST", "2", undoes: undone, call: "d")
        func ids(_ call: String, _ entries: [JournalEntry]) -> [String] {
            Self.selection(entries).standing(ofCall: call).map(\.id)
        }
        #expect(ids("a", [made, undone]) == [])
        #expect(ids("b", [made, undone]) == [undone.id])
        #expect(ids("a", [made, undone, redone]) == [made.id])
        #expect(ids("b", [made, undone, redone]) == [])
        #expect(ids("d", [made, undone, redone]) == [redone.id])
        #expect(ids("a", [made, try entry("DELETE", "1", undoes: made, call: "a")]) == [])
        #expect(Self.selection([made, undone]).standing { _ in true }.isEmpty)
    }
}
