import MMNative

/// Objects as a terminal shows them: in the columns of their cmdlet where it has some, up to four properties in columns,
/// more one below the other. Values stay whole, but for those of a
/// table that is wider than the screen.
enum NativeText {
    /// The text of a script's output.
    /// - Parameter width: the columns that a table may take; `nil` where nothing limits them.
    static func shown(_ objects: [PSValue], width: Int? = nil) -> String {
        var lines: [String] = []
        var group: [(names: [String], cells: [String])] = []
        func close() {
            guard let first = group.first else { return }
            if !lines.isEmpty { lines.append("") }
            let rows = [first.names, first.names.map { String(repeating: "-", count: $0.count) }] + group.map(\.cells)
            let table =
                width.map { TableText(widths: TableText.narrowed(TableText.widths(of: rows), to: $0)) }
                ?? TableText(fitting: rows)
            lines += rows.map { table.line($0) }
            group = []
        }
        for value in objects {
            guard case .object(let object) = value else {
                close()
                if !value.isNull { lines.append(value.text) }
                continue
            }
            let names = object.view?.columns.map(\.name) ?? object.shape.names
            let cells = names.map { object[$0].map(cell) ?? "" }
            if object.view != nil || names.count <= 4, !names.isEmpty {
                if let first = group.first, first.names != names { close() }
                group.append((names, cells))
                continue
            }
            close()
            if !lines.isEmpty { lines.append("") }
            let widest = names.map(\.count).max() ?? 0
            for (name, cell) in zip(names, cells) {
                lines.append(name + String(repeating: " ", count: widest - name.count) + " : " + cell)
            }
        }
        close()
        return lines.joined(separator: "\n")
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
