import MMCore
import Testing

@Suite("The number of approvals that a connection requires", .timeLimit(.minutes(5)))
struct ConnectionApprovalsTests {
    @Test(
        "is the largest number that one of the classes requires",
        arguments: [
            (JSONValue.null, ["send"], 1), (2, ["send"], 2), (2, [], 2), (["send": 2], ["send"], 2),
            (["send": 2], ["write"], 1), (["send": 2, "destructive": 3], ["send", "destructive"], 3),
            (["usual": 2, "write": 1], ["write"], 1), (["usual": 2, "write": 1], ["send"], 2),
        ] as [(JSONValue, [String], Int)])
    func most(_ written: JSONValue, _ classes: [String], _ count: Int) throws {
        let connection = try Connection(
            name: "Contoso", entry: ["tenant": "contoso.com", "guard": ["policy": "strict", "approvals": written]])
        #expect(connection.guardPolicy.approvals.most(of: classes) == count)
        #expect(connection.guardPolicy.name == .strict)
    }

    @Test(
        "an unreadable number is reported",
        arguments: [JSONValue.string("two"), 0, 6, 1.5, ["send": "two"], ["sends": 2], [2]])
    func unreadable(_ written: JSONValue) {
        #expect(throws: MMError.self) {
            try Connection(name: "Contoso", entry: ["tenant": "contoso.com", "guard": ["approvals": written]])
        }
    }
}
