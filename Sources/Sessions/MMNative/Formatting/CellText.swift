/// The text of values in the cells of tables and lists.
enum CellText {
    /// Returns the text of a value; tables show fractions with two decimal places.
    static func text(_ value: PSValue, isTable: Bool) throws(Interrupt) -> String {
        switch value {
        case .double, .decimal:
            return isTable ? try NumberFormat.text(value, "F") : try PSText.string(value)
        case .array(let items):
            var texts: [String] = []
            for item in items.prefix(4) {
                switch item {
                case .null, .nothing: texts.append("$null")
                case .string, .int, .long, .bool, .double, .decimal, .date, .guid, .object:
                    texts.append(try PSText.string(item))
                default: throw .handOver("a list of objects in a table")
                }
            }
            return "{" + texts.joined(separator: ", ") + (items.count > 4 ? "\u{2026}" : "") + "}"
        case .table, .block, .type: throw .handOver("\(value.typeName) in a table")
        default: return try PSText.string(value)
        }
    }

    /// Whether a column whose first value this is aligns right.
    static func isRight(_ value: PSValue?) -> Bool {
        switch value {
        case .int?, .long?, .double?, .decimal?, .bool?, .char?, .enumeration?: true
        default: false
        }
    }
}
