/// Where a text stands in its column, by the name that a script gives it.
enum CellAlignment: String, CaseIterable, Sendable { case left, center, right }

/// The output of Format-Table and Format-List: cells as text, not yet laid out, because the width is up to the reader.
package struct FormattedBlock: Sendable {
    /// A column of a table.
    struct Column: Sendable {
        let label: String
        /// Where its texts stand: numbers and Booleans on the right.
        var alignment = CellAlignment.left
        /// The requested width; 0 leaves it to the layout.
        var width = 0
    }

    /// Rows under a common heading.
    struct Group: Sendable {
        var title: String?
        /// The columns of a table; in a list, each row has its own labels instead.
        var columns: [Column]
        var rows: [[String]]
        /// The labels of a list's rows.
        var labels: [[String]] = []
        /// Whether a table shows its heading.
        var hasHead = true
        /// Whether a table breaks long text into lines, instead of cutting it off.
        var wraps = false
        /// Lines of text that came between the objects: each stands before the row with this number.
        var remarks: [(row: Int, line: String)] = []

        /// Returns the lines of the rows with the remarks between them.
        func withRemarks(_ lines: (Int) -> [String]) -> [String] {
            var rest = remarks[...]
            var all: [String] = []
            for row in 0...rows.count {
                while let remark = rest.first, remark.row == row {
                    all.append(remark.line)
                    rest.removeFirst()
                }
                if row < rows.count { all += lines(row) }
            }
            return all
        }
    }

    /// The columns for which PowerShell lays out text without a screen.
    static let usualWidth = 120

    /// How rows are arranged.
    enum Arrangement: Sendable {
        case table
        case list
        /// One value of each object, in as many columns; `nil` for as many as fit.
        case wide(columns: Int?)
    }

    let arrangement: Arrangement
    var groups: [Group]
    /// Whether its columns were to be as wide as their content.
    var isSized = false

    private static let type = "Microsoft.PowerShell.Commands.Internal.Format.FormatStartData"

    /// Returns whether the objects that PowerShell makes of a layout have a member. They have none of the properties
    /// that they lay out.
    static func hasMember(_ name: String) -> Bool {
        [
            "classid2e4f51ef21dd47e99d3c952918aff9cd", "shapeinfo", "pageheaderentry", "pagefooterentry",
            "autosizeinfo", "groupingentry", "formatentryinfo", "outofband", "writestream", "ishelpobject",
        ].contains(name.lowercased())
    }

    /// The block as an object that can pass through a pipeline.
    var value: PSValue? {
        guard let object = PSObject([], typeName: FormattedBlock.type, isCustom: false) else { return nil }
        object.formatted = self
        return .object(object)
    }

    init(_ arrangement: Arrangement, groups: [Group]) {
        self.arrangement = arrangement
        self.groups = groups
    }

    /// Takes a block from a value; `nil` when the value is something else.
    package init?(_ value: PSValue) {
        guard case .object(let object) = value, let block = object.formatted else { return nil }
        self = block
    }

    /// Returns the lines as PowerShell writes them at a width; `nil` where its layout isn't certain.
    /// - Parameters:
    ///   - width: the columns that a line may take.
    ///   - isScreen: whether `width` is that of a screen, on which every line of a table has to fit.
    ///   - breaksLines: whether what doesn't fit is broken into lines, as it is in a file; otherwise it stays whole,
    ///     and its reader breaks it.
    package func lines(width: Int, isScreen: Bool = false, breaksLines: Bool = true) -> [String]? {
        var lines: [String] = []
        for group in groups {
            if let title = group.title { lines += ["", "   " + title] }
            let body: [String]? =
                switch arrangement {
                case .table: Self.table(group, width: width, isScreen: isScreen, breaksLines: breaksLines)
                case .list: Self.list(group, width: breaksLines ? width : .max)
                case .wide(let columns): Self.wide(group, columns: columns, width: width)
                }
            guard let body else { return nil }
            lines += body
        }
        return lines + [""]
    }

    private static func table(_ group: Group, width: Int, isScreen: Bool, breaksLines: Bool) -> [String]? {
        guard let layout = TableLayout(group, width: width, isScreen: isScreen) else { return nil }
        guard !breaksLines, !isScreen, group.wraps || layout.breaksHeading else { return layout.lines }
        var whole = group
        whole.wraps = false
        return TableLayout(whole, width: 65_536)?.lines
    }

    /// Fills rows of columns that share the width evenly.
    private static func wide(_ group: Group, columns: Int?, width: Int) -> [String]? {
        let cells = group.rows.flatMap(\.self)
        let widest = cells.map(DisplayCells.count).max() ?? 0
        let count = columns ?? max(1, width / (widest + 1))
        let (each, rest) = (width - count + 1).quotientAndRemainder(dividingBy: count)
        guard each > 0 else { return nil }
        let rows = stride(from: 0, to: cells.count, by: count).map { start in
            (start..<start + count).map { cells.indices.contains($0) ? cells[$0] : "" }
        }
        let even = (0..<count).map { Column(label: "", width: $0 < rest ? each + 1 : each) }
        return TableLayout(Group(columns: even, rows: rows, hasHead: false), width: width)?.lines
    }

    private static func list(_ group: Group, width: Int) -> [String]? {
        var items: [[String]] = []
        for (row, labels) in zip(group.rows, group.labels) {
            var lines = [""]
            let widest = labels.map(DisplayCells.count).max() ?? 0
            guard width - widest - 3 > 1 else { return nil }
            for (label, value) in zip(labels, row) {
                guard DisplayCells.isSimple(label), let parts = DisplayCells.lines(value) else { return nil }
                let margin = String(repeating: " ", count: widest - DisplayCells.count(label)) + " : "
                let broken = parts.flatMap { DisplayCells.broken($0, width: width - widest - 3) }
                lines.append(label + margin + broken[0])
                lines += broken.dropFirst().map { String(repeating: " ", count: widest + 3) + $0 }
            }
            items.append(lines)
        }
        return group.withRemarks { items[$0] }
    }
}

/// The text layout of a table, whose widths follow from the contents. As in PowerShell, the last column is truncated
/// and columns that don't fit are dropped; on a screen, the widest columns are narrowed and all stay.
struct TableLayout {
    private let group: FormattedBlock.Group
    private let columns: [FormattedBlock.Column]
    private var widths: [Int]
    private let width: Int

    /// Lays out a group of rows; `nil` for characters whose width isn't certain.
    /// - Parameters:
    ///   - group: the rows.
    ///   - width: the columns that a line may take.
    ///   - isScreen: whether `width` is that of a screen, on which every line has to fit.
    init?(_ group: FormattedBlock.Group, width: Int, isScreen: Bool = false) {
        guard width >= 5, !group.columns.isEmpty else { return nil }
        self.group = group
        columns = group.columns
        self.width = width
        widths = columns.map(\.width)
        guard !group.hasHead || columns.allSatisfy({ DisplayCells.isSimple($0.label) && !$0.label.isEmpty }),
            group.rows.allSatisfy({ $0.allSatisfy { !$0.utf8.contains(0x1B) } })
        else { return nil }
        if widths[0] == 0 {
            // If the first column has no fixed width, every column is as wide as its contents.
            for (place, column) in columns.enumerated() {
                widths[place] = group.rows.reduce(column.label.utf16.count) { max($0, DisplayCells.count($1[place])) }
            }
        }
        if isScreen, widths.allSatisfy({ $0 > 0 }) {
            narrow()
            return
        }
        assign()
        guard widths.contains(where: { $0 > 0 }) else { return nil }
        for row in group.rows {
            for (cell, width) in zip(row, widths) where width > 0 {
                let shown = group.wraps ? cell : Self.firstLine(cell)
                guard DisplayCells.count(shown) <= width || DisplayCells.isSimple(shown) else { return nil }
            }
        }
    }

    private func total() -> Int {
        let shown = widths.filter { $0 > 0 }
        return shown.reduce(0, +) + shown.count - 1
    }

    /// Narrows the widest columns until a line fits.
    private mutating func narrow() {
        var widest = widths.max() ?? 0
        let needed = widths
        while widest > 1, total() > width {
            widest -= 1
            widths = needed.map { min($0, widest) }
        }
    }

    private mutating func assign() {
        if widths.allSatisfy({ $0 > 0 }) {
            if total() <= width { return }
        } else {
            let isFixed = widths.map { $0 > 0 }
            for place in widths.indices where widths[place] == 0 { widths[place] = 1 }
            var free = width - total()
            if free >= 0 {
                while free > 0 {
                    for place in widths.indices where !isFixed[place] && free > 0 {
                        widths[place] += 1
                        free -= 1
                    }
                }
                return
            }
        }
        while total() > width {
            let last = (widths.firstIndex { $0 < 0 } ?? widths.count) - 1
            guard last >= 0 else { return }
            let left = widths[last] - (total() - width)
            widths[last] = left < 1 ? -1 : left
        }
    }

    /// Whether a heading is broken, because its column is narrower.
    var breaksHeading: Bool {
        zip(columns, widths).contains { $1 > 0 && $1 < $0.label.utf16.count }
    }

    /// The lines of the table: an empty one, the heading, its dashes, and the rows.
    var lines: [String] {
        let labels = columns.map(\.label)
        var lines = [""]
        if group.hasHead {
            lines += broken(labels, isHead: true)
            lines.append(
                row(
                    labels.enumerated().map {
                        String(repeating: "-", count: min($1.utf16.count, max(widths[$0], 0)))
                    }, last: columns.count - 1))
        }
        return lines
            + group.withRemarks { place in
                let cells = group.rows[place]
                return group.wraps
                    ? broken(cells, isHead: false) : [row(cells.map(Self.firstLine), last: cells.count - 1)]
            }
    }

    /// Returns the first line of a cell, with a sign that there are more.
    private static func firstLine(_ cell: String) -> String {
        guard cell.utf8.contains(where: { (0x0A...0x0D).contains($0) || $0 >= 0x80 }) else { return cell }
        return cell.firstIndex { $0.isNewline }.map { cell[..<$0] + "\u{2026}" } ?? cell
    }

    /// Returns the lines of a row whose cells are broken where their column ends. No line ends in blank cells.
    private func broken(_ cells: [String], isHead: Bool) -> [String] {
        let parts = cells.enumerated().map { place, cell in
            widths[place] > 0
                ? (DisplayCells.lines(cell) ?? [cell]).flatMap { DisplayCells.broken($0, width: widths[place]) } : []
        }
        let count = parts.map(\.count).max() ?? 0
        return (0..<count).map { line in
            let lastFilled = parts.lastIndex { $0.count > line } ?? 0
            let here = parts[...lastFilled].map { $0.count > line ? $0[line] : "" }
            // The heading's last column isn't padded, even if it became the last one because others were dropped.
            return row(here, last: isHead ? lastFilled : cells.count - 1)
        }
    }

    /// Returns the line of cells that fit, or are cut off.
    /// - Parameter last: the column that isn't padded.
    private func row(_ cells: [String], last: Int) -> String {
        var text = ""
        for (place, cell) in cells.enumerated() where widths[place] > 0 {
            if place > 0 { text += " " }
            text += field(cell, widths[place], columns[place].alignment, isPadded: place != last)
        }
        return text
    }

    private func field(_ cell: String, _ width: Int, _ alignment: CellAlignment, isPadded: Bool) -> String {
        let isRight = alignment == .right
        let count = DisplayCells.count(cell)
        if count > width {
            let kept = DisplayCells.cut(cell, to: width == 1 ? 1 : width - 1, fromEnd: isRight)
            let blanks = String(repeating: " ", count: max(0, width - 1 - DisplayCells.count(kept)))
            if width == 1 { return kept }
            return isRight ? blanks + "\u{2026}" + kept : kept + "\u{2026}" + (isPadded ? blanks : "")
        }
        let free = width - count
        let before =
            switch alignment {
            case .left: 0
            case .center: free / 2
            case .right: free
            }
        func blanks(_ count: Int) -> String { String(repeating: " ", count: count) }
        return blanks(before) + cell + (isPadded ? blanks(free - before) : "")
    }
}

/// The width of text in terminal cells, as PowerShell counts them.
enum DisplayCells {
    /// Returns the width of a text: two cells for each wide East Asian unit, one for any other.
    static func count(_ text: String) -> Int {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
        return text.utf16.reduce(0) { $0 + (isWide($1) ? 2 : 1) }
    }

    /// Returns the beginning or the end of a text, up to a number of cells.
    static func cut(_ text: String, to cells: Int, fromEnd: Bool) -> String {
        var kept: [Character] = []
        var used = 0
        for character in fromEnd ? Array(text.reversed()) : Array(text) {
            used += count(String(character))
            if used > cells { break }
            kept.append(character)
        }
        return String(fromEnd ? kept.reversed() : kept)
    }

    /// Returns a line in pieces of at most so many cells.
    static func broken(_ line: String, width: Int) -> [String] {
        if count(line) <= width { return [line] }
        var pieces: [String] = []
        var piece = ""
        var used = 0
        for character in line {
            let cells = count(String(character))
            if used + cells > width, used > 0 {
                pieces.append(piece)
                (piece, used) = ("", 0)
            }
            piece.append(character)
            used += cells
        }
        return pieces + [piece]
    }

    /// Returns whether each character is one unit and one cell wide, so that the text can be cut anywhere.
    static func isSimple(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy {
            ($0.value >= 0x20 && $0.value < 0x7F) || (0xA1...0x17F).contains($0.value) && $0.value != 0xAD
        }
    }

    /// Returns the lines of a text; `nil` where it contains escape sequences.
    static func lines(_ text: String) -> [String]? {
        guard !text.utf8.contains(0x1B) else { return nil }
        guard text.utf8.contains(where: { $0 == 0x0A || $0 == 0x0D }) else { return [text] }
        let units = text.utf8.filter { $0 != 0x0D }
        let lines = units.split(separator: 0x0A, omittingEmptySubsequences: false)
        return lines.map { String(decoding: $0, as: UTF8.self) }
    }

    private static func isWide(_ unit: UInt16) -> Bool {
        guard unit >= 0x1100 else { return false }
        switch unit {
        case ...0x115F, 0x2329, 0x232A, 0x2E80...0x303E, 0x3040...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF,
            0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6:
            return true
        default: return false
        }
    }
}
