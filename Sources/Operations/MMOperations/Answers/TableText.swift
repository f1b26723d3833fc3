import MMCore

/// Rows of text in aligned columns.
package struct TableText: Sendable {
    private let widths: [Int]
    /// The columns with right-aligned cells, as for numbers.
    private let rightAligned: Set<Int>
    /// Whether a cell that is wider than its column is cut; otherwise it shifts the rest of its line.
    private let cutsCells: Bool

    /// Creates columns wide enough for the given rows, but none wider than the limit.
    /// - Parameters:
    ///   - rows: the header and the rows known so far.
    ///   - limit: the maximum width of a column, in terminal cells.
    package init(fitting rows: [[String]], limit: Int = 60) {
        self.init(widths: Self.widths(of: rows).map { min($0, limit) })
    }

    /// Creates columns of the given widths.
    /// - Parameters:
    ///   - widths: the width of each column, in terminal cells.
    ///   - rightAligned: the columns with right-aligned cells.
    ///   - cutsCells: whether a cell that is wider than its column is cut.
    package init(widths: [Int], rightAligned: Set<Int> = [], cutsCells: Bool = true) {
        self.widths = widths
        self.rightAligned = rightAligned
        self.cutsCells = cutsCells
    }

    /// Returns the width that each column of the rows needs, in terminal cells.
    package static func widths(of rows: [[String]]) -> [Int] {
        var widths = [Int](repeating: 0, count: rows.map(\.count).max() ?? 0)
        for row in rows {
            for (column, cell) in row.enumerated() { widths[column] = max(widths[column], width(plain(cell))) }
        }
        return widths
    }

    /// The number of blanks between two columns.
    package static let gap = 2

    /// Returns widths that fit a line; the widest columns are narrowed first.
    /// - Parameters:
    ///   - widths: the widths that the columns need.
    ///   - width: the cells in a line.
    ///   - whole: the columns that are not narrowed.
    package static func narrowed(_ widths: [Int], to width: Int, keeping whole: Set<Int> = []) -> [Int] {
        let room = width - gap * (widths.count - 1)
        var widest = widths.max() ?? 0
        func given(_ index: Int) -> Int { whole.contains(index) ? widths[index] : min(widths[index], widest) }
        while widest > 1, widths.indices.reduce(0, { $0 + given($1) }) > room { widest -= 1 }
        return widths.indices.map(given)
    }

    /// Returns one line, with its cells cut or padded to the columns' widths.
    package func line(_ cells: [String]) -> String {
        var text = ""
        for (column, cell) in cells.enumerated() {
            let width = column < widths.count ? widths[column] : 0
            let fitted = cutsCells ? Self.cut(Self.plain(cell), to: width) : Self.plain(cell)
            let filling = max(0, width - Self.width(fitted))
            let isRight = rightAligned.contains(column)
            if isRight { text += Self.blanks(filling) }
            text += fitted
            // A wide table to a pipe has columns of thousands of cells, so nothing is filled up after the last one.
            if column < cells.count - 1 { text += Self.blanks((isRight ? 0 : filling) + Self.gap) }
        }
        let kept = text.utf8.reversed().drop { $0 == UInt8(ascii: " ") }.count
        text.unicodeScalars.removeLast(text.utf8.count - kept)
        return text
    }

    /// Fills bytes: `String(repeating:count:)` appends its text as often as it is repeated.
    private static func blanks(_ count: Int) -> String {
        String(unsafeUninitializedCapacity: count) { room in
            room.initialize(repeating: UInt8(ascii: " "))
            return count
        }
    }

    /// Returns a cell without control characters, which could redraw the terminal or break the line, and without
    /// direction marks, which could disguise its text.
    private static func plain(_ cell: String) -> String {
        // Nearly every cell is plain ASCII, which needs no further work.
        if cell.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) { return cell }
        return VisibleText.readable(
            String(
                String.UnicodeScalarView(cell.unicodeScalars.map { [0x09, 0x0A, 0x0D].contains($0.value) ? " " : $0 })))
    }

    /// Returns a text cut to a number of terminal cells, with an ellipsis if something was left out.
    package static func cut(_ cell: String, to limit: Int) -> String {
        guard width(cell) > limit, limit > 1 else { return cell }
        var text = ""
        var used = 1
        for character in cell {
            let next = width(String(character))
            if used + next > limit { break }
            text.append(character)
            used += next
        }
        return text + "…"
    }

    /// Returns the number of terminal cells that a text takes. East Asian wide characters and emoji take two (Unicode
    /// Standard Annex 11).
    package static func width(_ text: String) -> Int {
        if text.utf8.count == text.unicodeScalars.count { return text.utf8.count }
        return text.reduce(0) { sum, character in
            guard let scalar = character.unicodeScalars.first else { return sum }
            // A character followed by variation selector 16 is shown as an emoji.
            if character.unicodeScalars.contains("\u{FE0F}") { return sum + 2 }
            switch scalar.value {
            case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
                0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
                return sum + 2
            default: return sum + 1
            }
        }
    }
}
