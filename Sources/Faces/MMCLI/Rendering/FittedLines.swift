import MMCore
import MMOperations

/// Lines that fit a screen.
enum FittedLines {
    /// Returns the pages on which a question is shown.
    static func pages(of question: ConfirmationQuestion, to columns: Int?) -> [String] {
        guard let columns, columns >= narrowest else { return question.pages }
        return question.pages(columns: columns)
    }

    /// Returns a help text with its long lines broken; descriptions are continued below their own beginning. Examples
    /// stay whole, so that they can be copied.
    /// - Parameters:
    ///   - text: the text.
    ///   - columns: the width of the screen in cells; `nil` without a screen.
    static func help(_ text: String, to columns: Int?) -> String {
        let examples = text.firstRange(of: "\nExamples:\n")?.lowerBound ?? text.endIndex
        func broken(_ part: Substring, areExamples: Bool) -> String {
            guard let columns, columns >= narrowest else { return String(part) }
            return FittedText.broken(String(part), columns: columns) { line in
                let indent = line.prefix { $0 == " " }.count
                guard let description = description(in: line) else {
                    return areExamples && indent == 2 ? nil : String(repeating: " ", count: indent)
                }
                return String(repeating: " ", count: min(description, columns / 2))
            }
        }
        return broken(text[..<examples], areExamples: false) + broken(text[examples...], areExamples: true)
    }

    /// Returns a message to a person with its long lines broken at blanks; columns are continued below their own
    /// beginning. Addresses and lines to type stay whole, so that they can be copied.
    static func message(_ text: String, to columns: Int?) -> String {
        guard let columns, columns >= narrowest else { return text }
        return FittedText.broken(text, columns: columns, keepsWords: true) { line in
            let indent = line.prefix { $0 == " " }.count
            let rest = line.dropFirst(indent)
            if indent > 0, rest.hasPrefix("mm ") || rest.hasPrefix("$ ") {
                guard let column = description(in: line) else { return nil }
                return String(repeating: " ", count: min(column, indent + 4))
            }
            let quoted = FittedText.margin(of: line)
            if quoted.contains("|") { return quoted }
            return String(repeating: " ", count: lastColumn(of: line, within: columns / 2) ?? indent)
        }
    }

    /// Returns where the second of two columns begins; `nil` for a line without one.
    private static func description(in line: Substring) -> Int? {
        let words = line.dropFirst(line.prefix { $0 == " " }.count)
        guard words.startIndex > line.startIndex else { return nil }
        return column(behind: words.startIndex, of: line)
    }

    /// Returns where the last column begins that leaves room for a text.
    private static func lastColumn(of line: Substring, within limit: Int) -> Int? {
        var last: Int?
        var start = line.dropFirst(line.prefix { $0 == " " }.count).startIndex
        while let next = column(behind: start, of: line) {
            guard next <= limit else { return last ?? limit }
            last = next
            start = line.index(line.startIndex, offsetBy: next)
        }
        return last
    }

    /// Returns where the column after a position begins: after two blanks.
    private static func column(behind start: Substring.Index, of line: Substring) -> Int? {
        guard let gap = line[start...].firstRange(of: "  "),
            let first = line[gap.lowerBound...].firstIndex(where: { $0 != " " })
        else { return nil }
        return line.distance(from: line.startIndex, to: first)
    }

    /// The screen width below which lines aren't broken, since margins would leave no room.
    private static let narrowest = 30
}
