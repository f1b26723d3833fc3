import MMCore

/// The text that a person sees before confirming: the same in a terminal, in a client's form, with `mm confirm` and
/// over HTTP.
///
/// The risky parts come first, each with its name; then everything that the confirmation is bound to, as it will be
/// sent or run. Long texts come in pages that tell how many lines follow. No part can be mistaken for another: the
/// contents of scripts and bodies stand behind a margin, and invisible characters are written out.
package struct Presentation: Sendable, Hashable {
    /// The kind of action and its connection, in one line.
    package let title: String
    /// Why the guard requires confirmation.
    package let reason: String
    /// The parts that require confirmation, each with a heading and its details.
    package let risks: [[String]]
    /// The changes that it would make, line by line, as far as they are known.
    package let changes: [String]
    /// The text that will be sent or run, line by line.
    package let whole: [String]
    /// The exact form of a `whole` that is written in words, line by line; empty if `whole` is exact already.
    package let exact: [String]

    /// Text beyond this size is represented by its length and digest: no person reads more.
    static let longestText = 256 << 10
    private static let mostRisks = 100
    /// Two lines of a usual screen.
    private static let longestLine = 150
    private static let linesOfAPage = 50

    /// Creates the presentation of a request.
    init(_ request: ConfirmationRequest, verdict: Verdict) {
        title = VisibleText.exact(
            "\(request.connection)\(request.actor.map { " (\($0))" } ?? ""): \(request.title)")
        reason = VisibleText.exact(verdict.reason)
        var risks: [[String]] = []
        // The same request to many connections is one part: what follows names each of them.
        for part in verdict.asking.prefix(Self.mostRisks).map(Self.part) where !risks.contains(part) {
            risks.append(part)
        }
        risks += verdict.previews.map { preview in ["is sent: " + preview.line] + preview.lines.dropFirst() }
        if verdict.asking.count >= Self.mostRisks { risks.append(["more of the same kinds, listed below"]) }
        self.risks = risks.map { $0.flatMap(Self.split) }
        changes = request.changes.map(VisibleText.exact)
        var whole = Self.lines(of: request.text)
        if !request.body.isEmpty { whole += [""] + Self.lines(ofBody: request.body) }
        if !request.parameters.isEmpty {
            whole += ["", "parameters: " + VisibleText.exact(JSONWriter.string(.object(request.parameters)))]
        }
        self.whole = whole
        exact = request.exact.isEmpty ? [] : Self.lines(of: request.exact)
    }

    /// The reason for asking, if none of the risky parts states it; otherwise empty.
    package var furtherReason: String { risks.contains { $0.first?.hasSuffix(reason) == true } ? "" : reason }

    /// A part with a heading, which each face lays out in its own way.
    package struct Section: Sendable {
        /// The kind of content: `risks`, `changes`, `whole` or `exact`.
        package let kind: String
        /// The heading.
        package let heading: String
        /// The lines.
        package let lines: [String]
    }

    /// The parts, in the order in which a person reads them.
    package var sections: [Section] {
        var sections: [Section] = []
        if !risks.isEmpty {
            let lines = risks.enumerated().flatMap { number, part in
                part.enumerated().map { index, line in (index == 0 ? "  \(number + 1). " : "     ") + line }
            }
            sections.append(
                Section(
                    kind: "risks",
                    heading: risks.count == 1
                        ? "A person must confirm:" : "A person must confirm \(risks.count) parts:",
                    lines: lines))
        }
        if !changes.isEmpty {
            sections.append(Section(kind: "changes", heading: "Changes:", lines: changes.map { "  " + $0 }))
        }
        sections.append(
            Section(
                kind: "whole", heading: whole.count == 1 ? "Complete text:" : "Complete text, \(whole.count) lines:",
                lines: whole.map { "  | " + $0 }))
        if !exact.isEmpty {
            sections.append(
                Section(
                    kind: "exact", heading: "Exact form, \(exact.count) lines:",
                    lines: exact.map { "  | " + $0 }))
        }
        return sections
    }

    /// All lines of the sections, with a mark where a page has to end even if there is room left. No other line can be
    /// such a mark, because the contents of the request stand behind a margin.
    package var lines: [String] {
        sections.flatMap { section in
            (section.kind == "exact" ? [Self.pageEnd] : [""]) + [section.heading] + section.lines
        }.dropFirst().map { $0 }
    }

    private static let pageEnd = "\u{0C}"

    /// The pages for a reader of unknown width; the first page shows the most important lines.
    package var pages: [String] { Self.pages(of: lines, columns: Self.longestLine) }

    /// Returns the lines in pages.
    /// - Parameters:
    ///   - lines: the lines of a presentation.
    ///   - columns: the number of cells in a line of the reader's screen.
    ///   - width: returns the number of cells that a text takes there.
    package static func pages(of lines: [String], columns: Int, width: (String) -> Int = \.count) -> [String] {
        var pages: [String] = []
        var parts = lines.split(separator: pageEnd).map { part in
            BrokenLines.rows(of: part.lazy.map { $0[...] }, columns: columns, width: width)[...]
        }[...]
        while var rest = parts.popFirst() {
            while !rest.isEmpty {
                // This avoids a last page of only a few lines.
                let count = rest.count <= Self.linesOfAPage + 10 ? rest.count : Self.linesOfAPage
                var page = rest.prefix(count).joined(separator: "\n")
                rest = rest.dropFirst(count)
                let more = rest.count + parts.reduce(0) { $0 + $1.count }
                if more > 0 { page += "\n… \(more) more lines" }
                pages.append(page)
            }
        }
        return pages
    }

    private static func part(_ finding: GuardFinding) -> [String] {
        let heading = "\(finding.classes.strictest.rawValue): \(finding.reason)"
        return [heading] + (finding.place?.underlined ?? [])
    }

    /// Splits at each LF, also at one after a CR, with which it would be one character; the CR stays visible.
    private static func split(_ text: String) -> [String] {
        text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
            .map { VisibleText.exact(String($0)) }
    }

    private static func lines(of text: String) -> [String] {
        let isCut = text.utf8.count > longestText
        let shown = isCut ? String(decoding: text.utf8.prefix(longestText), as: UTF8.self) : text
        var lines = split(shown)
        if isCut { lines.append(remainder(Array(text.utf8))) }
        return lines
    }

    private static func lines(ofBody body: [UInt8]) -> [String] {
        // Strict parsing rejects duplicate members, which are then shown as written: services differ in which of the
        // two they read.
        if body.count <= longestText, let value = try? JSONParser.parse(body, limits: .strict) {
            return lines(of: JSONWriter.string(value, layout: .indented(2)))
        }
        guard let text = String(validating: body, as: UTF8.self) else { return [remainder(body)] }
        return lines(of: text)
    }

    private static func remainder(_ bytes: [UInt8]) -> String {
        "… \(bytes.count) bytes in all, SHA-256 \(Hex.text(SHA256.digest(bytes)))"
    }
}

extension Presentation {
    /// The presentation as JSON, for storing.
    var json: JSONValue {
        [
            "title": .string(title), "reason": .string(reason),
            "risks": .array(risks.map { .array($0.map(JSONValue.string)) }),
            "changes": .array(changes.map(JSONValue.string)), "whole": .array(whole.map(JSONValue.string)),
            "exact": .array(exact.map(JSONValue.string)),
        ]
    }

    /// Reads a stored presentation; `nil` if the value isn't one.
    init?(json: JSONValue) {
        guard let title = json["title"]?.string, let reason = json["reason"]?.string,
            let risks = json["risks"]?.array, let whole = json["whole"]?.array
        else { return nil }
        self.title = title
        self.reason = reason
        self.risks = risks.map { $0.array?.compactMap(\.string) ?? [] }
        changes = json["changes"]?.array?.compactMap(\.string) ?? []
        self.whole = whole.compactMap(\.string)
        exact = json["exact"]?.array?.compactMap(\.string) ?? []
    }
}
