import PowerShellSyntax
import Testing

/// Cases recorded from the real parser.
@Suite("Recorded cases", .timeLimit(.minutes(5))) struct RecordedCaseTests {
    /// One line of a recording.
    struct Case: CustomTestStringConvertible {
        let id: String
        let source: [UInt16]
        let facts: RecordedJSON

        var testDescription: String { id }

        init?(_ line: [UInt8]) {
            guard let value = RecordedJSON(line), let facts = value["facts"] else { return nil }
            id = value["id"]?.text ?? ""
            source = value["src"]?.units ?? []
            self.facts = facts
        }

        /// How deep brackets nest.
        var nesting: Int {
            var depth = 0
            var deepest = 0
            for unit in source {
                if [0x28, 0x5B, 0x7B].contains(unit) { depth += 1 }
                if [0x29, 0x5D, 0x7D].contains(unit) { depth -= 1 }
                deepest = max(deepest, depth)
            }
            return deepest
        }

        /// Prefix operators, casts and assignments nest without brackets; only texts made for it have hundreds.
        var isMadeForNesting: Bool { nesting > 40 || source.count(where: { $0 == 0x3D || $0 == 0x2D }) > 200 }
    }

    static let files = ["parse.jsonl", "bypass.jsonl"]

    static func cases(_ name: String) -> [Case] { (FixtureFile.lines(name) ?? []).compactMap(Case.init) }

    @Test("every recorded text has the recorded facts, in the recorded order", arguments: files)
    func recordedFacts(file: String) throws {
        let cases = Self.cases(file)
        try #require(cases.count > 100, "the recordings stand in Tests/Fixtures/powershell")
        var refused = 0
        for recorded in cases {
            let facts = ScriptFacts(of: PowerShellParser.parse(utf16: recorded.source))
            let line = try #require(RecordedJSON(facts.jsonBytes), "\(recorded.id): the facts are no JSON")
            let expected = recorded.facts["errors"]?.elements.first?["id"]?.text
            if expected == nil, facts.errors.first?.id == "ScriptTooComplicated" {
                // How deep texts may nest depends on the size of stack frames, which is not that of a release here.
                #expect(recorded.isMadeForNesting, "\(recorded.id) is refused without need")
                refused += 1
                continue
            }
            #expect(facts.errors.first?.id == expected, "\(recorded.id)")
            #expect(line["items"] == recorded.facts["items"], "\(recorded.id)")
            if expected == nil { #expect(line["requires"] == recorded.facts["requires"], "\(recorded.id)") }
        }
        #expect(refused * 100 < cases.count * 3, "\(refused) of \(cases.count) texts are refused without need")
    }

    @Test("an error in a recorded text stands where the engine reports it", arguments: files)
    func recordedErrorPlaces(file: String) {
        for recorded in Self.cases(file) {
            guard let error = recorded.facts["errors"]?.elements.first, case .number(let place)? = error["o"],
                let found = PowerShellParser.parse(utf16: recorded.source).errors.first
            else { continue }
            // The engine counts the end of input one unit behind it.
            let expected = min(Int(place) ?? -1, recorded.source.count)
            #expect((expected - 1...expected).contains(found.extent.start), "\(recorded.id)")
        }
    }
}
