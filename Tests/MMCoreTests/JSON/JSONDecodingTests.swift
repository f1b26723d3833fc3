import MMCore
import Testing

@Suite("JSON values as Swift types", .timeLimit(.minutes(5)))
struct JSONDecodingTests {
    private struct Plan: Decodable, Equatable {
        enum State: String, Decodable { case active, retired }
        struct Owner: Decodable, Equatable { let id: UInt32 }
        let name: String
        let seats: Int
        let price: Double?
        let state: State
        let owners: [Owner]
        let labels: [String: Bool]
    }

    @Test("members become properties; unknown ones are ignored, and optional ones may be missing")
    func members() throws {
        let value: JSONValue = [
            "name": "E5", "seats": 3.0, "state": "active", "owners": [["id": 7, "extra": nil]],
            "labels": ["a": true], "@odata.etag": "x",
        ]
        #expect(
            try value.decoded(as: Plan.self)
                == Plan(
                    name: "E5", seats: 3, price: nil, state: .active, owners: [.init(id: 7)], labels: ["a": true]))
        #expect(try value.decoded(as: JSONValue.self) == value)
        #expect(try JSONValue.array([1, nil, 2]).decoded(as: [Int?].self) == [1, nil, 2])
        #expect(try JSONValue.array([1, "x"]).decoded(as: [JSONValue].self) == [1, "x"])
    }

    @Test(
        "a value of the wrong type is reported with its place",
        arguments: [
            ("{\"owners\":[]}", "member name"), ("{\"name\":1}", "member name of a Plan is a number, not a text"),
            ("{\"name\":\"x\",\"seats\":1.5}", "member seats"), ("{\"name\":\"x\",\"seats\":null}", "seats"),
            ("{\"name\":\"x\",\"seats\":1,\"state\":\"odd\"}", "member state"),
            ("{\"name\":\"x\",\"seats\":1,\"state\":\"active\",\"owners\":[{\"id\":1},{\"id\":-1}]}", "owners[1].id"),
            (
                "{\"name\":\"x\",\"seats\":1,\"state\":\"active\",\"owners\":[],\"labels\":{\"a\":1}}",
                "labels.a of a Plan is a number, not true or false"
            ),
            ("[]", "is an array, not an object"), ("99999999999999999999", "a number"),
        ])
    func misfits(text: String, words: String) throws {
        let value = try JSONParser.parse(text)
        let error = #expect(throws: MMError.self) { try value.decoded(as: Plan.self) }
        #expect(error?.code == .remoteFailed && error?.message.contains(words) == true, "\(error?.message ?? "")")
        // A value of another kind would not fit an optional property either.
        let isAbsent = error?.message.hasSuffix("is missing.") == true || error?.message.hasSuffix("is null.") == true
        #expect((error?.hint?.contains("optional") == true) == isAbsent, "\(error?.hint ?? "")")
    }
}
