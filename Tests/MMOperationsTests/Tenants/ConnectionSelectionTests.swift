import MMCore
import Testing

@testable import MMOperations

@Suite("A selection of connections")
struct ConnectionSelectionTests {
    private static func snapshot() throws -> RegistrySnapshot {
        func entry(_ tags: [String]) -> JSONValue {
            ["tenant": "contoso.com", "tags": .array(tags.map { .string($0) })]
        }
        return try RegistrySnapshot(document: [
            "connections": [
                "A": entry(["msp"]), "B": entry(["msp", "gold"]), "Contoso EU": entry([]),
                "Contoso US": entry(["gold"]),
                "x,y": entry([]), "all of it": entry([]), "Broken": ["tenant": 5, "tags": ["msp"]],
                "Hidden": ["tenant": "contoso.com", "tags": ["msp"], "mcps": []],
            ]
        ])
    }

    @Test(
        "has the names that it selects, each once, in the registry's order",
        arguments: [
            ("tag:gold", ["B", "Contoso US"]), ("B,A", ["A", "B"]), ("A, B,A", ["A", "B"]),
            ("tag:msp,-A", ["B", "Broken", "Hidden"]), ("Contoso*", ["Contoso EU", "Contoso US"]),
            ("*US,tag:gold", ["B", "Contoso US"]),
            ("all,-tag:msp,-x*", ["Contoso EU", "Contoso US", "x,y", "all of it"]),
            ("all,-tag:msp,-tag:gold", ["Contoso EU", "x,y", "all of it"]),
        ].map { ($0.0, $0.1) })
    func names(text: String, names: [String]) throws {
        let snapshot = try Self.snapshot()
        let selection = try #require(try ConnectionSelection(text, in: snapshot))
        let found = try selection.names(in: snapshot, for: nil)
        // "x,y" is taken out by its pattern alone.
        let expected = text.contains("-x*") ? names.filter { $0 != "x,y" } : names
        #expect(found == expected)
    }

    @Test("is none where the text is the plain name of a connection", arguments: ["A", "x,y", "all of it", "unknown"])
    func plain(text: String) throws {
        let snapshot = try Self.snapshot()
        #expect(try ConnectionSelection(text, in: snapshot) == nil)
    }

    @Test("shows a server nothing that it may not use")
    func visibility() throws {
        let snapshot = try Self.snapshot()
        let selection = try #require(try ConnectionSelection("tag:msp", in: snapshot))
        #expect(try selection.names(in: snapshot, for: "mm") == ["A", "B", "Broken"])
        let named = try #require(try ConnectionSelection("A,Hidden", in: snapshot))
        #expect(throws: MMError.self) { try named.names(in: snapshot, for: "mm") }
    }

    @Test(
        "says what there is where it selects nothing",
        arguments: [
            ("tag:nobody", "Tags: gold, msp"), ("A,Z", "Known connections"), ("nothing*", "connections list"),
            ("A,-A", "connections list"),
        ])
    func nothing(text: String, hint: String) throws {
        let snapshot = try Self.snapshot()
        let selection = try #require(try ConnectionSelection(text, in: snapshot))
        let error = #expect(throws: MMError.self) { try selection.names(in: snapshot, for: nil) }
        #expect(error?.hint?.contains(hint) == true)
    }
}
