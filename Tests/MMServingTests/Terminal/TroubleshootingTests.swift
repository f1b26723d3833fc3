import MMCore
import TestSupport
import Testing

@Suite("The troubleshooting page") struct TroubleshootingTests {
    /// Placeholders for the parts of messages that differ.
    private static let placeholders: Set<Substring> = ["NAME", "FILE", "HOST", "N,"]

    @Test("names messages that the programs write")
    func messages() throws {
        let folder = BuiltPrograms.packageFolder
        let page = String(
            decoding: try #require(try ProtectedFile.read(folder + "/Docs/Troubleshooting.md")), as: UTF8.self)
        let headings = page.split(separator: "\n").filter { $0.hasPrefix("### ") }.map { $0.dropFirst(4) }
        #expect(headings.count > 20)
        let sources = Self.sources(below: folder + "/Sources")
        for heading in headings {
            for words in heading.split(separator: " ").split(whereSeparator: Self.placeholders.contains) {
                // Numbers are errors of the sign-in service; its table has them.
                let text = words.joined(separator: " ")
                for part in text.hasPrefix("AADSTS") ? Self.numbers(in: text) : [text] {
                    #expect(sources.contains { $0.contains(part) }, "\(heading): \(part)")
                }
            }
        }
    }

    private static func numbers(in text: String) -> [String] {
        text.split(whereSeparator: { !$0.isNumber }).map { "\n        \($0)|" }
    }

    private static func sources(below folder: String) -> [String] {
        var texts: [String] = []
        for name in (try? FolderListing.names(in: folder)) ?? [] {
            let path = "\(folder)/\(name)"
            if name.hasSuffix(".swift") {
                if let bytes = try? ProtectedFile.read(path) { texts.append(String(decoding: bytes, as: UTF8.self)) }
            } else if !name.contains(".") {
                texts += sources(below: path)
            }
        }
        return texts
    }
}
