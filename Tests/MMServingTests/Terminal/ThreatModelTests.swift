import MMCore
import TestSupport
import Testing

@Suite("The documentation of threats") struct ThreatModelTests {
    /// A line of the page: a protection, and its tests.
    private struct Claim {
        let line: String
        let types: [String]
        let test: (file: String, sentence: String)?
    }

    @Test("names existing types, and tests that prove what it says") func names() throws {
        let claims = try Self.claims()
        #expect(claims.count > 40)
        let sources = try Self.texts(below: "Sources")
        let tests = try Self.texts(below: "Tests")
        for claim in claims {
            #expect(!claim.types.isEmpty, "\(claim.line)")
            for type in claim.types {
                let isThere = ["struct", "class", "actor", "enum", "protocol"].contains { kind in
                    sources.values.contains { text in
                        text.split(separator: "\(kind) \(type)", omittingEmptySubsequences: false).dropFirst()
                            .contains { $0.first.map { !$0.isLetter && !$0.isNumber } ?? false }
                    }
                }
                #expect(isThere, "there is no type \(type)")
            }
            let test = try #require(claim.test, "\(claim.line)")
            // Two rooms may have a file of the same name.
            let holds = tests.contains {
                $0.key.hasSuffix("/\(test.file).swift") && $0.value.contains("\"\(test.sentence)\"")
            }
            #expect(holds, "\(test.file): \(test.sentence)")
        }
    }

    /// The lines of the page's tables, each with its test from the list beside the page.
    private static func claims() throws -> [Claim] {
        var tests: [String: String] = [:]
        for line in try DocumentedPages.text("Tests/Fixtures/threats.tsv").split(separator: "\n") {
            let halves = line.split(separator: "\t")
            try #require(halves.count == 2, "\(line)")
            tests[String(halves[0])] = String(halves[1])
        }
        let lines = try DocumentedPages.text("Docs/Security.md").split(separator: "\n")
        return lines.drop { $0 != "## Threats" }.compactMap { line in
            let cells = line.split(separator: "|").map { $0.split(separator: " ").joined(separator: " ") }
            guard line.hasPrefix("|"), cells.count == 2, cells[0] != "what could happen", !cells[0].hasPrefix("---")
            else {
                return nil
            }
            let types = cells[1].split(separator: "`", omittingEmptySubsequences: false).enumerated()
                .filter { !$0.offset.isMultiple(of: 2) }.map { String($0.element) }
            guard let test = tests[cells[0]], let colon = test.firstRange(of: ": \""), test.hasSuffix("\"") else {
                return Claim(line: String(line), types: types, test: nil)
            }
            let sentence = String(test[colon.upperBound...].dropLast())
            return Claim(line: String(line), types: types, test: (String(test[..<colon.lowerBound]), sentence))
        }
    }

    private static func texts(below folder: String) throws -> [String: String] {
        var texts: [String: String] = [:]
        for file in DocumentedPages.files(below: folder, ending: ".swift") {
            texts[file] = try DocumentedPages.text(file)
        }
        return texts
    }
}
