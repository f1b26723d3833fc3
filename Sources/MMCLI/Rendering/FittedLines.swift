import MMCore
import MMOperations

/// Lines that fit a screen. What is too long goes on in the next line behind the same margin: left to the terminal, it would go
/// on at the screen's edge, where a script's text could pass for what this program says.
enum FittedLines {
    /// A text with its long lines broken, at blanks where there are any; nothing is left out.
    /// - Parameters:
    ///   - text: the text.
    ///   - columns: the cells in a line of the screen; `nil` where there is none.
    static func fitted(_ text: String, to columns: Int?) -> String {
        broken(text, columns, behind: margin)
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

    private static func broken(_ text: String, _ columns: Int?, behind margin: (Substring) -> String?) -> String {
        guard let columns, columns >= narrowest else { return text }
        var all: [String] = []
        var isBroken = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            // Marks below a line that was broken point nowhere.
            if isBroken, line.contains("^"), line.allSatisfy({ $0 == " " || $0 == "^" }) { continue }
            let rows = rows(of: line, columns, behind: margin)
            isBroken = rows.count > 1
            all += rows
        }
        return all.joined(separator: "\n")
    }

    /// The screen below which margins would take what room there is.
    private static let narrowest = 30

    private static func rows(
        of line: Substring, _ columns: Int, behind marginOf: (Substring) -> String?
    ) -> [String] {
        guard line.utf8.count > columns, TableText.width(String(line)) > columns, let margin = marginOf(line) else {
            return [String(line)]
        }
        var rows: [String] = []
        var row = ""
        var width = 0
        /// Where the row may be broken, and the cells up to there.
        var blank: (end: String.Index, width: Int)?
        for character in line {
            let cells = TableText.width(String(character))
            if width + cells > columns {
                // A blank in the first half of a row would leave it nearly empty.
                if let found = blank, found.width > columns / 2 {
                    rows.append(String(row[..<found.end]))
                    row = margin + row[found.end...]
                } else {
                    rows.append(row)
                    row = margin
                }
                width = TableText.width(row)
                blank = nil
            }
            row.append(character)
            width += cells
            if character == " " { blank = (row.endIndex, width) }
        }
        return rows + [row]
    }

    /// What stands in front of the rest of a line: the bar of a quoted text again, blanks below a number or a mark.
    private static func margin(_ line: Substring) -> String {
        let indent = line.prefix(narrowest / 2).prefix { $0 == " " }
        let digits = line.dropFirst(indent.count).prefix { $0.isASCII && $0.isNumber }
        let rest = line.dropFirst(indent.count + digits.count)
        let blanks = String(repeating: " ", count: indent.count + digits.count)
        if !digits.isEmpty, rest.hasPrefix(" | ") { return blanks + " | " }
        if digits.isEmpty, rest.hasPrefix("| ") { return blanks + "| " }
        return blanks + "  "
    }
}
