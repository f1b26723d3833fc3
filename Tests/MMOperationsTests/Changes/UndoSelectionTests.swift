import MMCore
import MMGraph
import Testing

@testable import MMOperations

@Suite("Which changes are undone", .timeLimit(.minutes(10)))
struct UndoSelectionTests {
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
        let recent = UndoSelection(entries).entries(ofLast: .seconds(60), now: now)
        #expect(recent == Set(entries[3...].map(\.id)))
    }
}
