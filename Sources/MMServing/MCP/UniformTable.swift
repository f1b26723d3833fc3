import MMCore
import MMOperations

/// Rows that all have the same simple members, as comma-separated values: the members' names stand once and not in every
/// row, which a model reads for less.
struct UniformTable {
    /// The table, its header first; what stood beside the rows stands above it.
    let text: String

    /// The table of an answer.
    ///
    /// `nil` for what is no list of at least three such rows, and where JSON is as short: nothing may be lost or guessed.
    /// - Parameters:
    ///   - value: the answer.
    ///   - length: how many bytes it has as JSON.
    init?(of value: JSONValue, insteadOf length: Int) {
        guard let (rows, above) = Self.rows(of: value), rows.count >= 3, let columns = rows[0].object?.keys else {
            return nil
        }
        let names = Array(columns)
        guard !names.isEmpty else { return nil }
        var lines = above + [CSVText.line(names, isForSheets: false)]
        for row in rows {
            guard let object = row.object, object.count == names.count else { return nil }
            var cells: [String] = []
            for name in names {
                guard let cell = object[name], let text = Self.text(of: cell) else { return nil }
                cells.append(text)
            }
            lines.append(CSVText.line(cells, isForSheets: false))
        }
        let text = lines.joined(separator: "\n")
        guard text.utf8.count < length else { return nil }
        self.text = text
    }

    /// The rows of a list, or of an OData answer with the annotations beside them; not of anything else, whose other
    /// members would be lost.
    private static func rows(of value: JSONValue) -> (rows: [JSONValue], above: [String])? {
        if let items = value.array { return (items, []) }
        guard let object = value.object, let items = object["value"]?.array else { return nil }
        var above: [String] = []
        for (key, member) in object where key != "value" {
            guard key.hasPrefix("@odata."), let text = text(of: member) else { return nil }
            above.append("\(key): \(text)")
        }
        return (items, above)
    }

    private static func text(of value: JSONValue) -> String? {
        switch value {
        case .null: ""
        case .string(let text): text
        case .array, .object: nil
        default: value.description
        }
    }
}
