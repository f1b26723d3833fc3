package import MMCore

/// The rows of a JSON answer, where it is a list: for tables, CSV and counts.
package struct Rows: Sendable {
    /// The rows, each usually an object.
    package let items: [JSONValue]
    /// The columns in order.
    package let columns: [String]

    /// The rows of a value: of a list, of an OData answer (`value`), or of an object that is nothing but a list. Where an
    /// operation names columns, they are those of the first list among its members. `nil` when it holds no list.
    /// - Parameters:
    ///   - value: the answer.
    ///   - columns: the columns to show; empty: all that the rows have.
    package init?(of value: JSONValue, columns: [String] = []) {
        guard let items = Self.list(in: value, isFirstMeant: !columns.isEmpty) else { return nil }
        self.init(items: items, columns: columns)
    }

    /// These rows.
    /// - Parameters:
    ///   - items: the rows.
    ///   - columns: the columns to show; empty: all that the rows have.
    package init(items: [JSONValue], columns: [String] = []) {
        self.items = items
        self.columns = columns.isEmpty ? Self.columns(of: items) : columns
    }

    private static func list(in value: JSONValue, isFirstMeant: Bool) -> [JSONValue]? {
        switch value {
        case .array(let items): return items
        case .object(let object):
            if let items = object["value"]?.array { return items }
            // An object with a list among its members, as a user with telephone numbers, is no list.
            guard isFirstMeant || object.count == 1 else { return nil }
            return object.values.lazy.compactMap(\.array).first
        default: return nil
        }
    }

    /// Every member that the rows have, in the order in which they first come.
    private static func columns(of items: [JSONValue]) -> [String] {
        var names: [String] = []
        var seen: Set<String> = []
        for item in items {
            guard let object = item.object else { continue }
            for key in object.keys where !key.hasPrefix("@odata.") && seen.insert(key).inserted { names.append(key) }
        }
        return names.isEmpty && !items.isEmpty ? ["value"] : names
    }

    /// Whether a row has members that no column shows.
    package func isCut(_ item: JSONValue) -> Bool {
        item.object?.keys.contains { !$0.hasPrefix("@odata.") && !columns.contains($0) } ?? false
    }

    /// The cells of a row, in the order of the columns.
    package func cells(of item: JSONValue) -> [String] {
        guard let object = item.object else { return [item.cellText] }
        return columns.map { object.value(of: $0)?.cellText ?? "" }
    }
}

extension JSONObject {
    /// The value in a column: of the member with the column's name, otherwise of the members inside one another that a
    /// name with dots lists, such as `manager.displayName`.
    package func value(of column: String) -> JSONValue? {
        if let value = self[column] { return value }
        guard let dot = column.firstIndex(of: ".") else { return nil }
        return self[String(column[..<dot])]?.object?.value(of: String(column[column.index(after: dot)...]))
    }
}

extension JSONValue {
    /// Whether this is neither a list nor an object.
    package var isSimple: Bool {
        switch self {
        case .array, .object: false
        default: true
        }
    }

    /// The text of a value in a CSV file: every part of it.
    package var cellText: String {
        switch self {
        case .null: ""
        case .string(let text): text
        case .array(let items) where items.allSatisfy(\.isSimple): items.map(\.cellText).joined(separator: ", ")
        default: description
        }
    }
}
