import MMCore
import PowerShellSyntax

/// The comment-based help of a script (about_Comment_Based_Help): it stands before the first statement, or after the last.
struct CommentHelp {
    /// A keyword with what follows it.
    private struct Section {
        let keyword: String
        let argument: String
        var lines: [String]

        var text: String {
            var rest = lines[...]
            while rest.first?.allSatisfy(\.isWhitespace) == true { rest.removeFirst() }
            while rest.last?.allSatisfy(\.isWhitespace) == true { rest.removeLast() }
            return rest.joined(separator: "\n")
        }
    }

    private let sections: [Section]

    /// Finds the help of a script.
    /// - Parameters:
    ///   - text: the script.
    ///   - script: its tree.
    init(of text: String, _ script: ParsedScript) {
        let units = Array(text.utf16)
        let root = script.root
        let start = [
            root?.parameterBlock?.attributes.first?.extent.start, root?.parameterBlock?.extent.start,
            root?.body?.statements.first?.extent.start, root?.namedBlocks.first?.extent.start,
        ].compactMap(\.self).min()
        let end = [root?.body?.statements.last?.extent.end, root?.namedBlocks.last?.extent.end].compactMap(\.self).max()
        let head = Self.sections(String(decoding: units[..<min(start ?? units.count, units.count)], as: UTF16.self))
        let tail = Self.sections(String(decoding: units[min(end ?? units.count, units.count)...], as: UTF16.self))
        sections = head.isEmpty ? tail : head
    }

    /// The text below a keyword; `nil` where it is missing or empty.
    func text(_ keyword: String) -> String? {
        sections.first { $0.keyword == keyword }.map(\.text).flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The text of `.PARAMETER name`.
    func parameter(_ name: String) -> String? {
        sections.first { $0.keyword == "PARAMETER" && $0.argument.lowercased() == name.lowercased() }
            .map { Self.line($0.text) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The texts of `.EXAMPLE`.
    var examples: [ToolDefinition.Example] {
        sections.filter { $0.keyword == "EXAMPLE" }.compactMap { section in
            var lines = section.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            guard let first = lines.first, !first.isEmpty else { return nil }
            lines.removeFirst()
            return ToolDefinition.Example(text: first, purpose: Self.line(lines.joined(separator: " ")))
        }
    }

    /// A text on one line.
    static func line(_ text: String) -> String {
        text.split { $0.isNewline || $0 == " " || $0 == "\t" }.joined(separator: " ")
    }

    private static func sections(_ text: String) -> [Section] {
        var sections: [Section] = []
        for line in commentLines(of: text) {
            let trimmed = String(line.drop { $0 == " " || $0 == "\t" })
            let words = trimmed.split(separator: " ", maxSplits: 1).map(String.init)
            if let word = words.first, word.hasPrefix("."), word.count > 1, word.dropFirst().allSatisfy(\.isLetter) {
                sections.append(
                    Section(
                        keyword: word.dropFirst().uppercased(),
                        argument: words.count > 1 ? Self.line(words[1]) : "", lines: []))
            } else if !sections.isEmpty {
                sections[sections.count - 1].lines.append(trimmed)
            }
        }
        return sections
    }

    /// The lines within comments, without their signs.
    private static func commentLines(of text: String) -> [String] {
        var lines: [String] = []
        var isBlock = false
        for part in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            var line = String(part)
            if !isBlock {
                guard let start = line.firstIndex(where: { !$0.isWhitespace }) else { continue }
                line = String(line[start...])
                if line.hasPrefix("<#") {
                    isBlock = true
                    line.removeFirst(2)
                } else if line.hasPrefix("#") {
                    lines.append(String(line.drop { $0 == "#" }))
                    continue
                } else {
                    continue
                }
            }
            if let end = line.firstRange(of: "#>") {
                isBlock = false
                line = String(line[..<end.lowerBound])
            }
            lines.append(line)
        }
        return lines
    }
}
