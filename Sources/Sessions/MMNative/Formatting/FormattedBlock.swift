/// The output of Format-Table and Format-List: cells as text, not yet laid out, because the width is up to the reader.
package struct FormattedBlock: Sendable {
    /// A column of a table.
    struct Column: Sendable {
        let label: String
        /// Whether the column aligns right, as numbers and Booleans do.
        var isRight = false
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
    }

    let isTable: Bool
    var groups: [Group]

    private static let type = "Microsoft.PowerShell.Commands.Internal.Format.FormatStartData"

    /// The block as an object that can pass through a pipeline.
    var value: PSValue? {
        let groups = groups.map { group -> PSValue in
            .array([
                group.title.map { .string($0) } ?? .null,
                .array(group.columns.map { .array([.string($0.label), .bool($0.isRight), .int(Int32($0.width))]) }),
                .array(group.rows.map { .array($0.map { .string($0) }) }),
                .array(group.labels.map { .array($0.map { .string($0) }) }), .bool(group.hasHead),
            ])
        }
        let object = PSObject(
            [("Shape", .bool(isTable)), ("Groups", .array(groups))], typeName: FormattedBlock.type, isCustom: false)
        return object.map { .object($0) }
    }

    init(isTable: Bool, groups: [Group]) {
        self.isTable = isTable
        self.groups = groups
    }

    /// Reads a block from a value; `nil` when the value is something else.
    package init?(_ value: PSValue) {
        guard case .object(let object) = value, object.typeName == FormattedBlock.type,
            case .bool(let isTable)? = object["Shape"], case .array(let parts)? = object["Groups"]
        else { return nil }
        func texts(_ value: PSValue) -> [String] {
            guard case .array(let items) = value else { return [] }
            return items.map { if case .string(let text) = $0 { text } else { "" } }
        }
        self.isTable = isTable
        groups = parts.compactMap { part in
            guard case .array(let pieces) = part, pieces.count == 5, case .array(let columns) = pieces[1],
                case .array(let rows) = pieces[2], case .array(let labels) = pieces[3],
                case .bool(let hasHead) = pieces[4]
            else { return nil }
            var title: String?
            if case .string(let text) = pieces[0] { title = text }
            return Group(
                title: title,
                columns: columns.compactMap { column in
                    guard case .array(let parts) = column, parts.count == 3, case .string(let label) = parts[0],
                        case .bool(let isRight) = parts[1], case .int(let width) = parts[2]
                    else { return nil }
                    return Column(label: label, isRight: isRight, width: Int(width))
                }, rows: rows.map(texts), labels: labels.map(texts), hasHead: hasHead)
        }
    }

    /// Returns the lines as PowerShell writes them at a width; `nil` where its layout isn't certain.
    /// - Parameters:
    ///   - width: the columns that a line may take.
    ///   - isScreen: whether `width` is that of a screen, on which every line of a table has to fit.
    package func lines(width: Int, isScreen: Bool = false) -> [String]? {
        var lines: [String] = []
        for group in groups {
            if let title = group.title { lines += ["", "   " + title] }
            guard
                let body =
                    isTable
                    ? TableLayout(group, width: width, isScreen: isScreen)?.lines
                    : FormattedBlock.list(group, width: width)
            else { return nil }
            lines += body
        }
        return lines + [""]
    }

    private static func list(_ group: Group, width: Int) -> [String]? {
        var lines: [String] = []
        for (row, labels) in zip(group.rows, group.labels) {
            lines.append("")
            let widest = labels.map(DisplayCells.count).max() ?? 0
            for (label, value) in zip(labels, row) {
                guard DisplayCells.isSimple(label), let parts = DisplayCells.lines(value) else { return nil }
                // Text that doesn't fit would be wrapped.
                guard parts.allSatisfy({ widest + 3 + DisplayCells.count($0) <= width }) else { return nil }
                let margin = String(repeating: " ", count: widest - DisplayCells.count(label)) + " : "
                lines.append(label + margin + parts[0])
                lines += parts.dropFirst().map { String(repeating: " ", count: widest + 3) + $0 }
            }
        }
        return lines
    }
}

/// The text layout of a table, whose widths follow from the contents. As in PowerShell, the last column is truncated and
/// columns that don't fit are dropped; on a screen, the widest columns are narrowed and all stay.
struct TableLayout {
    private let columns: [FormattedBlock.Column]
    private let rows: [[String]]
    private var widths: [Int]
    private let width: Int
    private let hasHead: Bool

    /// Lays out a group of rows; `nil` if PowerShell would break a line.
    /// - Parameters:
    ///   - group: the rows.
    ///   - width: the columns that a line may take.
    ///   - isScreen: whether `width` is that of a screen, on which every line has to fit.
    init?(_ group: FormattedBlock.Group, width: Int, isScreen: Bool = false) {
        guard width >= 5, !group.columns.isEmpty else { return nil }
        columns = group.columns
        rows = group.rows
        hasHead = group.hasHead
        self.width = width
        widths = columns.map(\.width)
        guard columns.allSatisfy({ DisplayCells.isSimple($0.label) && !$0.label.isEmpty }),
            rows.allSatisfy({ $0.allSatisfy(DisplayCells.isOneLine) })
        else { return nil }
        if widths[0] == 0 {
            // If the first column has no fixed width, every column is as wide as its contents.
            for (place, column) in columns.enumerated() {
                widths[place] = rows.reduce(column.label.utf16.count) { max($0, DisplayCells.count($1[place])) }
            }
        }
        if isScreen, widths.allSatisfy({ $0 > 0 }) {
            narrow()
            return
        }
        assign()
        // A truncated heading would be broken into lines.
        for (place, column) in columns.enumerated() where widths[place] > 0 && widths[place] < column.label.utf16.count
        {
            return nil
        }
        guard widths.contains(where: { $0 > 0 }) else { return nil }
        for row in rows {
            for (cell, width) in zip(row, widths) where width > 0 && DisplayCells.count(cell) > width {
                guard DisplayCells.isSimple(cell) else { return nil }
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

    /// The lines of the table: an empty one, the heading, its dashes, and the rows.
    var lines: [String] {
        let labels = columns.map(\.label)
        let head = row(labels, padsLast: false, isHead: true)
        let dashes = row(
            labels.enumerated().map { String(repeating: "-", count: min($1.utf16.count, max(widths[$0], 0))) },
            padsLast: true, isHead: false)
        return (hasHead ? ["", head, dashes] : [""]) + rows.map { row($0, padsLast: true, isHead: false) }
    }

    private func row(_ cells: [String], padsLast: Bool, isHead: Bool) -> String {
        let lastShown = widths.lastIndex { $0 > 0 } ?? 0
        var text = ""
        for (place, cell) in cells.enumerated() where widths[place] > 0 {
            if place > 0 { text += " " }
            // The table's last column isn't padded; a column that became the last one is.
            let isLast = isHead ? place == lastShown : place == cells.count - 1
            text += field(cell, widths[place], columns[place].isRight, isPadded: !isLast)
        }
        return text
    }

    private func field(_ cell: String, _ width: Int, _ isRight: Bool, isPadded: Bool) -> String {
        let count = DisplayCells.count(cell)
        if count > width {
            let kept = DisplayCells.cut(cell, to: width == 1 ? 1 : width - 1, fromEnd: isRight)
            let blanks = String(repeating: " ", count: max(0, width - 1 - DisplayCells.count(kept)))
            if width == 1 { return kept }
            return isRight ? blanks + "\u{2026}" + kept : kept + "\u{2026}" + (isPadded ? blanks : "")
        }
        let blanks = String(repeating: " ", count: width - count)
        return isRight ? blanks + cell : isPadded ? cell + blanks : cell
    }
}

/// The width of text in terminal cells, as PowerShell counts them.
enum DisplayCells {
    /// Returns the width of a text: two cells for each wide East Asian unit, one for any other.
    static func count(_ text: String) -> Int {
        text.utf16.reduce(0) { $0 + (isWide($1) ? 2 : 1) }
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

    /// Returns whether a text stays on one line: it contains no line breaks and no escape sequences.
    static func isOneLine(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 != 0x0A && $0 != 0x0D && $0 != 0x1B }
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
