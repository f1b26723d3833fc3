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
                .array(group.labels.map { .array($0.map { .string($0) }) }),
            ])
        }
        let object = PSObject(
            [("Shape", .bool(isTable)), ("Groups", .array(groups))], typeName: FormattedBlock.type, isCustom: false,
            isListable: false)
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
            guard case .array(let pieces) = part, pieces.count == 4, case .array(let columns) = pieces[1],
                case .array(let rows) = pieces[2], case .array(let labels) = pieces[3]
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
                }, rows: rows.map(texts), labels: labels.map(texts))
        }
    }

    /// Returns the lines as PowerShell writes them at a width; `nil` where its layout isn't certain.
    /// - Parameters:
    ///   - width: the columns that a line may take.
    ///   - isScreen: whether these are the columns of a screen, where every line of a table has to fit.
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
