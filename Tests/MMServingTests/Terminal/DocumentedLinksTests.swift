import Glibc
import MMCore
import TestSupport
import Testing

@Suite("Links in the documentation") struct DocumentedLinksTests {
    @Test("lead to a file of the project, and to an existing heading", arguments: DocumentedPages.all)
    func links(page: String) throws {
        for target in Self.targets(of: try DocumentedPages.text(page)) {
            guard !target.contains("://"), !target.hasPrefix("mailto:") else { continue }
            let parts = target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let path = parts[0].isEmpty ? page : Self.path(parts[0], from: page)
            #expect(access(BuiltPrograms.packageFolder + "/" + path, F_OK) == 0, "\(page): \(target)")
            guard parts.count == 2, path.hasSuffix(".md") else { continue }
            #expect(Self.anchors(of: try DocumentedPages.text(path)).contains(parts[1]), "\(page): \(target)")
        }
    }

    @Test("the pages contain links") func found() throws {
        let count = try DocumentedPages.all.map { Self.targets(of: try DocumentedPages.text($0)).count }.reduce(0, +)
        #expect(count > 100)
        let anchors = Self.anchors(of: "# A `B`, c & d!\n## Same\n```\n# none\n```\n## Same\n")
        #expect(anchors == ["a-b-c--d", "same", "same-1"])
        #expect(Self.path("../README.md", from: "Docs/Guard.md") == "README.md")
    }

    /// The targets of a page's links.
    private static func targets(of text: String) -> [String] {
        DocumentedPages.prose(of: text).flatMap { line in
            line.split(separator: "](", omittingEmptySubsequences: false).dropFirst().compactMap { rest in
                rest.firstIndex(of: ")").map { String(rest[..<$0]) }
            }
        }
    }

    /// GitHub's anchors of a page's headings, in order.
    private static func anchors(of text: String) -> [String] {
        var taken: [String: Int] = [:]
        return DocumentedPages.prose(of: text).filter { $0.hasPrefix("#") }.map { line in
            let heading = line.drop { $0 == "#" }.drop { $0 == " " }.lowercased()
            let kept = heading.filter { $0.isLetter || $0.isNumber || "-_ ".contains($0) }
            let anchor = String(kept.map { $0 == " " ? "-" : $0 })
            let number = taken[anchor, default: 0]
            taken[anchor] = number + 1
            return number == 0 ? anchor : "\(anchor)-\(number)"
        }
    }

    /// The path of a link's target, from the package's folder on.
    private static func path(_ target: String, from page: String) -> String {
        var parts = page.split(separator: "/").dropLast().map(String.init)
        for part in target.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(String(part)) }
        }
        return parts.joined(separator: "/")
    }
}
