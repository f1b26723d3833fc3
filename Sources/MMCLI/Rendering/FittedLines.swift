import MMOperations

/// Lines that fit a screen. What is too long goes on in the next line behind the same margin: left to the terminal, it would go
/// on at the screen's edge, where a script's text could pass for what this program says.
enum FittedLines {
    /// A text with its long lines broken, at blanks where there are any; nothing is left out.
    /// - Parameters:
    ///   - text: the text.
    ///   - columns: the cells in a line of the screen; `nil` where there is none.
    static func fitted(_ text: String, to columns: Int?) -> String {
        guard let columns, columns >= narrowest else { return text }
        return text.split(separator: "\n", omittingEmptySubsequences: false)
            .flatMap { rows(of: $0, columns) }.joined(separator: "\n")
    }

    /// The screen below which margins would take what room there is.
    private static let narrowest = 30

    private static func rows(of line: Substring, _ columns: Int) -> [String] {
        guard line.utf8.count > columns, TableText.width(String(line)) > columns else { return [String(line)] }
        let margin = margin(behind: line)
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
    private static func margin(behind line: Substring) -> String {
        let indent = line.prefix(narrowest / 2).prefix { $0 == " " }
        let digits = line.dropFirst(indent.count).prefix { $0.isASCII && $0.isNumber }
        let rest = line.dropFirst(indent.count + digits.count)
        let blanks = String(repeating: " ", count: indent.count + digits.count)
        if !digits.isEmpty, rest.hasPrefix(" | ") { return blanks + " | " }
        if digits.isEmpty, rest.hasPrefix("| ") { return blanks + "| " }
        return blanks + "  "
    }
}
