import MMCore
import Testing

@testable import MMOperations

@Suite("Members that a model selects", .timeLimit(.minutes(5)))
struct SelectedMembersTests {
    private func selected(_ path: String, by surface: Caller.Surface = .mcp) throws -> SelectedMembers? {
        SelectedMembers(
            of: try RequestTarget(parsing: path, service: .graph),
            for: Caller(surface: surface, name: "test", server: nil))
    }

    private func json(_ answer: OperationAnswer) throws -> JSONValue {
        guard case .json(let bytes) = answer.body else { return .null }
        return try JSONParser.parse(bytes)
    }

    private static let users = OperationAnswer(
        .json(
            Array(
                #"""
                {"@odata.count":2,"value":[
                  {"@odata.type":"#microsoft.graph.user","id":"1","displayName":"Ann","status":{"code":5}},
                  {"@odata.type":"#microsoft.graph.group","id":"2"}]}
                """#.utf8)))

    @Test("are all that a row has; a row without any of them stays, and so does what stands beside the rows")
    func rows() throws {
        let selection = try #require(try selected("/groups/1/members?$select=displayName,status/code"))
        #expect(
            try json(selection.answer(Self.users)) == [
                "@odata.count": 2,
                "value": [
                    ["displayName": "Ann", "status": ["code": 5]],
                    ["@odata.type": "#microsoft.graph.group", "id": "2"],
                ],
            ])
    }

    @Test("keep what is expanded, and are taken of a single object and of a list that flows")
    func forms() async throws {
        let selection = try #require(try selected("/users/1?$select=displayName&$expand=manager($select=id)"))
        let one = OperationAnswer(.json(Array(#"{"id":"1","displayName":"Ann","manager":{"id":"2"},"x":1}"#.utf8)))
        let row: JSONValue = try json(selection.answer(one))
        #expect(row["displayName"] == "Ann" && row["manager"] == ["id": "2"] && row["x"] == nil)
        let list = ItemStream(startingWith: [Array(#"{"x":"1","displayName":"Ann"}"#.utf8)[...]]) { nil }
        guard case .items(let stream) = selection.answer(OperationAnswer(.items(list))).body else {
            Issue.record("no list")
            return
        }
        let batch = try #require(try await stream.next())
        #expect(batch.map { String(decoding: $0, as: UTF8.self) } == [#"{"displayName":"Ann"}"#])
        #expect(try await stream.next() == nil)
    }

    @Test("are a model's alone, and only where it selects")
    func others() throws {
        #expect(try selected("/users?$select=id", by: .terminal) == nil)
        #expect(try selected("/users?$select=id", by: .rest) == nil)
        #expect(try selected("/users") == nil)
        #expect(try selected("/users?$select=*") == nil)
    }
}
