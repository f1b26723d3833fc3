import MMCore
import Testing

@testable import MMOperations

@Suite("A whole answer")
struct WholeAnswerTests {
    @Test(
        "a page of a list has rows, an object with a list among its members has none",
        arguments: [
            (#"{"value": [1, 2]}"#, [1, 2], false), (#"{"@odata.context": "x", "value": [1]}"#, [1], false),
            (#"{"value": [1], "@odata.nextLink": "x"}"#, [1], true), (#"{"value": [1], "nextLink": "x"}"#, [1], true),
            (#"{"value": [1], "odata.nextLink": "x", "odata.metadata": "y"}"#, [1], true),
            (#"{"value": [], "@microsoft.graph.tips": "x"}"#, [], false), (#"{"id": "a", "value": [1]}"#, nil, false),
            (#"{"value": [1], "count": {"type": "Total", "value": 1}}"#, [1], false),
            (#"{"value": "a"}"#, nil, false), ("[1]", nil, false),
        ] as [(String, [JSONValue]?, Bool)])
    func pages(text: String, rows: [JSONValue]?, hasNext: Bool) throws {
        let value = try JSONParser.parse(text)
        #expect(value.rowsOfPage == rows)
        #expect(value.hasNextPage == hasNext)
        #expect(OperationAnswer.Body.json(Array(text.utf8)).isFirstPage == hasNext)
    }

    @Test("every body but bytes is one JSON text, and one value")
    func bodies() async throws {
        let items = { OperationAnswer.Body.items(ItemStream(startingWith: [Array("1".utf8)[...]]) { nil }) }
        for (body, text) in [
            (.value(["a": 1]), #"{"a":1}"#), (.json(Array("[1]".utf8)), "[1]"), (.text("x"), #""x""#), (items(), "[1]"),
        ] as [(OperationAnswer.Body, String)] {
            #expect(try await OperationAnswer(body).wholeJSON() == Array(text.utf8))
        }
        #expect(try await OperationAnswer(items()).wholeValue() == [1])
        let bytes = OperationAnswer(.bytes([0xFF], contentType: "image/png"))
        await #expect(throws: MMError.self) { try await bytes.wholeJSON() }
        let torn = OperationAnswer(.json(Array("{".utf8)))
        await #expect(throws: MMError.self) { try await torn.wholeValue() }
    }
}
