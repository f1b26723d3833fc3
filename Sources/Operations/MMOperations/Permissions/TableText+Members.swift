import MMCore

extension TableText {
    /// Returns members of objects as a table with a header.
    static func text(of rows: [JSONObject], columns: [String]) -> String {
        let cells = [columns] + rows.map { row in columns.map { row[$0].map(cell) ?? "" } }
        let table = TableText(fitting: cells)
        return cells.map(table.line).joined(separator: "\n")
    }

    private static func cell(_ value: JSONValue) -> String {
        if case .null = value { return "" }
        return value.string ?? value.description
    }
}
