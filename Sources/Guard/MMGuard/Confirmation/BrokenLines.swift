import MMCore

/// Breaks lines that are too long for a screen. The rest of a line continues in the next row behind the same margin: if
/// the terminal wrapped it, the rest would start at the screen's edge, where a script's text could pass for this
/// program's own output.
package enum BrokenLines {
    /// Returns the lines as rows, broken at blanks where possible, without leaving anything out.
    /// - Parameters:
    ///   - lines: the lines.
    ///   - columns: the cells in a row.
    ///   - width: returns the number of cells that a text takes; by default its number of characters.
    ///   - keepsWords: whether a word longer than a row stays whole, for example an address that is to be copied.
    ///   - margin: returns the text in front of the rest of a line; `nil` leaves the line whole.
    package static func rows<Lines: Sequence<Substring>>(
        of lines: Lines, columns: Int, width: (String) -> Int = \.count, keepsWords: Bool = false,
        behind margin: (Substring) -> String? = Self.margin
    ) -> [String] {
        var all: [String] = []
        var isBroken = false
        for line in lines {
            // A line of carets below a line that was broken would point at the wrong place.
            if isBroken, line.contains("^"), line.allSatisfy({ $0 == " " || $0 == "^" }) { continue }
            let rows = rows(of: line, columns, width, keepsWords, margin)
            isBroken = rows.count > 1
            all += rows
        }
        return all
    }

    private static func rows(
        of line: Substring, _ columns: Int, _ widthOf: (String) -> Int, _ keepsWords: Bool,
        _ marginOf: (Substring) -> String?
    ) -> [String] {
        guard line.utf8.count > columns, widthOf(String(line)) > columns, let margin = marginOf(line) else {
            return [String(line)]
        }
        var rows: [String] = []
        var row = ""
        var width = 0
        /// The last position at which the row may be broken, and the number of cells up to there.
        var blank: (end: String.Index, width: Int)?
        var hasWord = false
        for character in line {
            let cells = widthOf(String(character))
            if width + cells > columns {
                // Breaking at a blank in the first half of a row would leave the row nearly empty.
                if let found = blank, keepsWords || found.width > columns / 2 {
                    rows.append(String(row[..<found.end]))
                    row = margin + row[found.end...]
                    (width, blank, hasWord) = (widthOf(row), nil, row.count > margin.count)
                } else if !keepsWords {
                    rows.append(row)
                    row = margin
                    (width, blank) = (widthOf(row), nil)
                }
            }
            row.append(character)
            width += cells
            if character != " " { hasWord = true } else if hasWord || !keepsWords { blank = (row.endIndex, width) }
        }
        return rows + [row]
    }

    /// Returns the text in front of the rest of a line: the bar of a quoted text again, or blanks below a number or a
    /// mark. Only the first few characters of the line are looked at, so that the author of a script can't choose how
    /// wide the margin is.
    package static func margin(_ line: Substring) -> String {
        let indent = line.prefix(15).prefix { $0 == " " }
        let digits = line.dropFirst(indent.count).prefix(7).prefix { $0.isASCII && $0.isNumber }
        let rest = line.dropFirst(indent.count + digits.count)
        let blanks = String(repeating: " ", count: indent.count + digits.count)
        if !digits.isEmpty, rest.hasPrefix(" | ") { return blanks + " | " }
        if digits.isEmpty, rest.hasPrefix("| ") { return blanks + "| " }
        return blanks + "  "
    }
}
