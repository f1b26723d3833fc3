import MMCore
import Testing

@testable import MMOperations

@Suite("jq over a list that is still being fetched", .timeLimit(.minutes(5)))
struct JQItemsTests {
    private static let items: [JSONValue] = [
        ["id": 1, "name": "a\nb", "tags": ["x", "y"], "on": true], ["id": 2, "name": "ü", "tags": [], "on": false],
        ["id": 3, "name": .null, "tags": ["z"], "on": true], ["id": 4],
    ]

    /// How often something was asked for.
    private final class Count: Sendable {
        private let number = Mutex(0)

        var value: Int { number.withLock { $0 } }

        func add() { number.withLock { $0 += 1 } }
    }

    /// A list in batches.
    private static func stream(_ fetched: Count = Count()) -> ItemStream {
        let rest = Mutex(Self.items[...])
        return ItemStream { () async throws(MMError) in
            fetched.add()
            return rest.withLock { rest in
                guard !rest.isEmpty else { return nil }
                let batch = rest.prefix(2).map { JSONWriter.bytes($0)[...] }
                rest = rest.dropFirst(2)
                return batch
            }
        }
    }

    @Test(
        "a filter that jq refuses is answered with how to write it",
        arguments: [
            (".[] | select(.department=='Sales')", "double quotes"), ("displayName", "begin with a dot"),
            ("select(.mail == null)", "begin with `.[]`"), (".value | length", "not with `.value`"),
            ("where x = 1", "begin with a dot"),
        ])
    func refused(filter: String, hint: String) async throws {
        let error = await #expect(throws: MMError.self) {
            try await JQProgram(filter).run(on: Array(#"[{"mail":null,"department":"Sales"}]"#.utf8))
        }
        #expect(error?.hint?.contains(hint) == true, "\(error as Any)")
    }

    private static func streamed(_ program: String, raw: Bool = false) async throws(MMError) -> String? {
        let written = Mutex<[UInt8]>([])
        let didStream = try await JQProgram(program, rawStrings: raw).run(onItemsOf: stream()) { bytes in
            written.withLock { $0 += bytes }
        }
        return didStream ? String(decoding: written.withLock { $0 }, as: UTF8.self) : nil
    }

    @Test(
        "what an item at a time gives is what the whole list gives",
        arguments: [
            ".[]", " .[] ", ".[].name", ".[] | .id", ".[]|.id", ".[] | select(.on) | .name", ".[].tags[]?",
            ".[].tags[0]?",
            ".[] | .id, .name", ".[] | . as $x | $x.id", ".[] | [.id] | @csv", ".[] | if .on then .id else empty end",
            ".[] | {id, n: (.tags | length)}", ".[]?", ".[] | .tags // [] | .[]",
            ".[] | label $f | (.tags // [])[] | ., break $f",
        ], [false, true])
    func same(program: String, raw: Bool) async throws {
        let whole = try await JQProgram(program, rawStrings: raw).run(on: JSONWriter.bytes(.array(Self.items)))
        #expect(try await Self.streamed(program, raw: raw) == String(decoding: whole, as: UTF8.self))
    }

    @Test(
        "a program that needs the list as a whole is told apart, before anything is fetched",
        arguments: [
            ".", "length", "map(.id)", "[.[] | .id]", ".[0]", ".[] += 1", ".[] |= 1", ".[].id |= 2", ".[] , length",
            ".[].id, length", ".[] // 1", ".[].id + 1", ".[] == 1", ".[] as $x | $x", "first(.[])", ".[] | input",
            ".[] | halt", "def f: 1; .[] | f", ".[] and true", ".[]?//1", ".[-1:]", "reduce .[] as $x (0; . + $x.id)",
            ".[:2]", "..", ".[\"a\"]", ".[] # | .id",
        ])
    func whole(program: String) async throws {
        let fetched = Count()
        let didStream = try await JQProgram(program).run(onItemsOf: Self.stream(fetched)) { _ in }
        #expect(!didStream && fetched.value == 0)
    }

    @Test("a program can be checked without input")
    func compiled() async throws {
        try await JQProgram(".a.b | halt_error").compile()
        await #expect {
            try await JQProgram(".[").compile()
        } throws: { ($0 as? MMError)?.code == .invalidInput }
    }

    @Test("a program that is wrong, and a list that breaks off, are errors")
    func errors() async throws {
        await #expect {
            try await Self.streamed(".[] | nonsense")
        } throws: { ($0 as? MMError)?.code == .invalidInput }
        let broken = ItemStream { () async throws(MMError) in throw MMError(.unavailable, "gone") }
        await #expect {
            _ = try await JQProgram(".[]").run(onItemsOf: broken) { _ in }
        } throws: { ($0 as? MMError)?.code == .unavailable }
        await #expect {
            _ = try await JQProgram(".[]").run(onItemsOf: Self.stream()) { _ throws(MMError) in
                throw MMError(.cancelled, "The reader has gone.")
            }
        } throws: { ($0 as? MMError)?.code == .cancelled }
    }
}
