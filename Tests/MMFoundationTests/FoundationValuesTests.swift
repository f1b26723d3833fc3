import FoundationEssentials
import MMCore
import MMFoundation
import Testing

@Suite("Values of Foundation", .timeLimit(.minutes(5)))
struct FoundationValuesTests {
    @Test("JSON converts to data and back", arguments: ["{\"a\":[1,2.5,null,\"é\"]}", "[]", "9007199254740993"])
    func data(text: String) throws {
        let value = try JSONValue(Data(text.utf8))
        #expect(value.data == Data(text.utf8))
    }

    @Test("data that isn't JSON is refused", arguments: ["", "{", "{} x", "\u{FEFF}\u{0}"])
    func noJSON(text: String) {
        let error = #expect(throws: MMError.self) { try JSONValue(Data(text.utf8)) }
        #expect(error?.code == .invalidInput)
    }

    private struct Meeting: Encodable {
        let subject: String
        let start: Date
    }

    @Test("a caller's own value is written with dates in the services' format")
    func encoding() throws {
        let value = try JSONValue(
            encoding: Meeting(subject: "Review", start: Date(timeIntervalSince1970: 1_700_000_000)))
        #expect(value == ["subject": "Review", "start": "2023-11-14T22:13:20Z"])
        let plain = JSONEncoder()
        plain.dateEncodingStrategy = .secondsSince1970
        let seconds = try JSONValue(encoding: Meeting(subject: "a", start: Date(timeIntervalSince1970: 5)), with: plain)
        #expect(seconds["start"]?.double == 5)
    }

    @Test("a value that can't be encoded is an error of the input")
    func refused() {
        let error = #expect(throws: MMError.self) { try JSONValue(encoding: ["a": Double.nan]) }
        #expect(error?.code == .invalidInput)
    }

    @Test(
        "dates convert both ways",
        arguments: [
            Timestamp(seconds: 0), Timestamp(seconds: 1_700_000_000, nanoseconds: 250_000_000),
            Timestamp(seconds: -1, nanoseconds: 500_000_000),
        ])
    func moments(moment: Timestamp) {
        #expect(Timestamp(Date(moment)) == moment)
    }

    private struct Photo: Decodable {
        let taken: Date
        let changed: Date?
        let webUrl: URL
        let content: Data
    }

    @Test("dates, addresses and bytes of an answer are read as services write them")
    func decoding() throws {
        let value: JSONValue = [
            "taken": "2023-11-14T22:13:20.25Z", "changed": nil, "webUrl": "https://contoso.example/a?b=c",
            "content": "aGVsbG8=",
        ]
        let photo = try value.decoded(as: Photo.self)
        #expect(photo.taken == Date(timeIntervalSince1970: 1_700_000_000.25) && photo.changed == nil)
        #expect(photo.webUrl == URL(string: "https://contoso.example/a?b=c"))
        #expect(photo.content == Data("hello".utf8))
    }

    @Test("a text that is no date names the member", arguments: ["yesterday", ""])
    func noDate(text: String) {
        let value: JSONValue = ["taken": .string(text)]
        let error = #expect(throws: MMError.self) { try value.decoded(as: Photo.self) }
        #expect(error?.message.contains("The member taken") == true)
    }
}
