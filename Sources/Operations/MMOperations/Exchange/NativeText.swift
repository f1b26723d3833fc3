import MMNative

/// Objects as a terminal shows them: as PowerShell lays them out, up to four properties in columns, more one below the other;
/// those of a cmdlet that has columns of its own in these. Values stay whole, but for those of a table that is wider than the
/// screen.
enum NativeText {
    /// Wider than any table.
    private static let unlimited = 65_536

    /// The text of a script's output.
    /// - Parameter width: the columns that a table may take; `nil` where nothing limits them.
    static func shown(_ objects: [PSValue], width: Int? = nil) -> String {
        var text = NativeLines()
        var group: [PSObject] = []
        func close() {
            guard let first = group.first else { return }
            text.add(block: lines(of: group, first, width))
            group = []
        }
        func add(_ value: PSValue) {
            switch value {
            case .object(let object):
                let isAlone = object.shape.names.isEmpty
                if let first = group.first, isAlone || first.shape.names != object.shape.names { close() }
                if isAlone { text.add(line: value.text) } else { group.append(object) }
            case .array(let items): for item in items { add(item) }
            case .table(let table):
                close()
                text.add(block: lines(of: table))
            case .date(let date):
                close()
                text.add(line: date.formatted("F") ?? value.text)
            case .null, .nothing: close()
            default:
                close()
                text.add(line: value.text)
            }
        }
        for value in objects { add(value) }
        close()
        return text.lines.joined(separator: "\n")
    }

    /// The lines of objects with the same properties.
    private static func lines(of group: [PSObject], _ first: PSObject, _ width: Int?) -> [String] {
        let names = first.view?.columns.map(\.name) ?? first.shape.names
        if first.view == nil,
            let lines = PSValue.lines(
                of: group.map { .object($0) }, width: width ?? unlimited, isScreen: width != nil)
        {
            return lines
        }
        let rows = group.map { object in names.map { object[$0].map(cell) ?? "" } }
        guard first.view != nil || names.count <= 4 else { return list(names, rows) }
        let all = [names, names.map { String(repeating: "-", count: $0.count) }] + rows
        let table =
            width.map { TableText(widths: TableText.narrowed(TableText.widths(of: all), to: $0)) }
            ?? TableText(fitting: all, limit: .max)
        return all.map { table.line($0) }
    }

    private static func list(_ names: [String], _ rows: [[String]]) -> [String] {
        let widest = names.map(\.count).max() ?? 0
        return rows.flatMap { row in
            [""]
                + zip(names, row).map { name, cell in
                    name + String(repeating: " ", count: widest - name.count) + " : " + cell
                }
        }
    }

    /// A hashtable, whose names have a column of thirty cells in PowerShell.
    private static func lines(of table: PSTable) -> [String] {
        func line(_ name: String, _ value: String) -> String {
            let text = name.padded(to: 30) + " " + value
            return String(text.reversed().drop { $0 == " " }.reversed())
        }
        return [line("Name", "Value"), line("----", "-----")] + table.pairs.map { line($0.key, cell($0.value)) }
    }

    /// What a reader should know of properties that are not shown.
    static func note(on objects: [PSValue]) -> String? {
        for case .object(let object) in objects {
            guard let view = object.view, view.columns.count < object.shape.names.count else { continue }
            return
                "\(view.columns.count) of \(object.shape.names.count) properties are shown, as PowerShell shows them: "
                + "Select-Object, Format-List or JSON output give the others."
        }
        return nil
    }

    private static func cell(_ value: PSValue) -> String {
        switch value {
        case .array(let items): "{\(items.prefix(4).map(cell).joined(separator: ", "))\(items.count > 4 ? "…" : "")}"
        case .null, .nothing: ""
        default: value.text
        }
    }
}

/// Lines in blocks: a table or a list stands apart from what is around it.
private struct NativeLines {
    private(set) var lines: [String] = []
    private var endsBlock = false

    mutating func add(line: String) {
        if endsBlock { lines.append("") }
        endsBlock = false
        lines.append(line)
    }

    mutating func add(block: [String]) {
        var block = block[...]
        while block.first?.isEmpty == true { block.removeFirst() }
        while block.last?.isEmpty == true { block.removeLast() }
        if !lines.isEmpty { lines.append("") }
        lines += block
        endsBlock = true
    }
}

extension String {
    /// The text, filled with blanks.
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: Swift.max(0, width - count))
    }
}
