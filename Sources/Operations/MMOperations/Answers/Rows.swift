package import MMCore

/// The rows of a JSON answer that is a list, for tables, CSV and counts.
package struct Rows: Sendable {
    /// The rows, each usually an object.
    package let items: [JSONValue]
    /// The columns in order.
    package let columns: [String]

    /// Finds the rows of a value: a list, the `value` of an OData answer, or the list of an object with no other
    /// member. If columns are given, the first list among an object's members is used, unless the object itself has the
    /// first column and so is a row. `nil` if there is no list.
    /// - Parameters:
    ///   - value: the answer.
    ///   - columns: the columns to show; empty for all members of the rows.
    package init?(of value: JSONValue, columns: [String] = []) {
        guard let items = Self.list(in: value, of: columns) else { return nil }
        self.init(items: items, columns: columns)
    }

    /// Creates rows from items.
    /// - Parameters:
    ///   - items: the rows.
    ///   - columns: the columns to show; empty for all members of the rows.
    package init(items: [JSONValue], columns: [String] = []) {
        self.items = items
        self.columns = columns.isEmpty ? Self.columns(of: items) : columns
    }

    private static func list(in value: JSONValue, of columns: [String]) -> [JSONValue]? {
        switch value {
        case .array(let items): return items
        case .object(let object):
            if let items = object["value"]?.array { return items }
            // An object that merely has a list among its members, such as a user with telephone numbers, is not a list
            // of rows.
            guard !columns.isEmpty || object.count == 1 else { return nil }
            if let first = columns.first, let cell = object[first], cell.array == nil { return nil }
            return object.values.lazy.compactMap(\.array).first
        default: return nil
        }
    }

    /// Returns all members of the rows, in the order of their first occurrence.
    private static func columns(of items: [JSONValue]) -> [String] {
        var names: [String] = []
        var seen: Set<String> = []
        for item in items {
            guard let object = item.object else { continue }
            for key in object.keys where !key.hasPrefix("@odata.") && seen.insert(key).inserted { names.append(key) }
        }
        return names.isEmpty && !items.isEmpty ? ["value"] : names
    }

    /// Returns whether a row has members that no column shows.
    package func isCut(_ item: JSONValue) -> Bool {
        item.object?.keys.contains { !$0.hasPrefix("@odata.") && !columns.contains($0) } ?? false
    }

    /// Returns the cells of a row, in the order of the columns.
    package func cells(of item: JSONValue) -> [String] {
        guard let object = item.object else { return [item.cellText] }
        return columns.map { object.value(of: $0)?.cellText ?? "" }
    }
}

extension JSONObject {
    /// Returns the value in a column: that of the member with the column's name, otherwise that of the nested member at
    /// a dotted path such as `manager.displayName`.
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

    /// The full text of a value for a CSV file.
    package var cellText: String {
        switch self {
        case .null: ""
        case .string(let text): text
        case .array(let items) where items.allSatisfy(\.isSimple): items.map(\.cellText).joined(separator: ", ")
        default: description
        }
    }
}
