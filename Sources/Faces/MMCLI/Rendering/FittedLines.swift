import MMCore
import MMOperations

/// Lines that fit a screen.
enum FittedLines {
    /// A text with its long lines broken, at blanks where there are any; nothing is left out.
    /// - Parameters:
    ///   - text: the text.
    ///   - columns: the cells in a line of the screen; `nil` where there is none.
    static func fitted(_ text: String, to columns: Int?) -> String {
        broken(text, columns)
    }

    /// What a question shows, page by page.
    static func pages(of question: ConfirmationQuestion, to columns: Int?) -> [String] {
        guard let columns, columns >= narrowest else { return question.pages }
        return question.pages(columns: columns)
    }

    /// A help text with its long lines broken; descriptions go on below their own beginning. Examples stay whole, so that they
    /// can be copied.
    static func help(_ text: String, to columns: Int?) -> String {
        broken(text, columns) { line in
            let indent = line.prefix { $0 == " " }.count
            guard let description = description(in: line) else {
                return indent == 2 ? nil : String(repeating: " ", count: indent)
            }
            return String(repeating: " ", count: min(description, (columns ?? 0) / 2))
        }
    }

    /// Where the second of two columns begins; `nil` for a line without one.
    private static func description(in line: Substring) -> Int? {
        let words = line.dropFirst(line.prefix { $0 == " " }.count)
        guard let gap = words.firstRange(of: "  ") else { return nil }
        let rest = words[gap.lowerBound...]
        guard words.startIndex > line.startIndex, let first = rest.firstIndex(where: { $0 != " " }) else { return nil }
        return line.distance(from: line.startIndex, to: first)
    }

    private static func broken(
        _ text: String, _ columns: Int?, behind margin: ((Substring) -> String?)? = nil
    ) -> String {
        guard let columns, columns >= narrowest else { return text }
        return FittedText.broken(text, columns: columns, behind: margin)
    }

    /// The screen below which margins would take what room there is.
    private static let narrowest = 30
}
