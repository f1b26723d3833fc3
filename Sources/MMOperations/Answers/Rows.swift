public import MMCore

/// The rows of a JSON answer, where it is a list: for tables, CSV and counts.
public struct Rows: Sendable {
    /// The rows, each usually an object.
    public let items: [JSONValue]
    /// The columns in order.
    public let columns: [String]

    /// The rows of a value: of a list, or of the one list member of an object (`value` in OData answers). Where an
    /// operation names columns, they are those of the first list. `nil` when it holds no list.
    /// - Parameters:
    ///   - value: the answer.
    ///   - columns: the columns to show; empty: those of the first rows that hold simple values.
    public init?(of value: JSONValue, columns: [String] = []) {
        guard let items = Self.list(in: value, isFirstMeant: !columns.isEmpty) else { return nil }
        self.init(items: items, columns: columns)
    }

    /// These rows.
    /// - Parameters:
    ///   - items: the rows.
    ///   - columns: the columns to show; empty: those of the first rows that hold simple values.
    public init(items: [JSONValue], columns: [String] = []) {
        self.items = items
        self.columns = columns.isEmpty ? Self.columns(of: items) : columns
    }

    private static func list(in value: JSONValue, isFirstMeant: Bool) -> [JSONValue]? {
        switch value {
        case .array(let items): return items
        case .object(let object):
            if let items = object["value"]?.array { return items }
            let lists = object.values.compactMap(\.array)
            return lists.count == 1 || isFirstMeant && !lists.isEmpty ? lists[0] : nil
        default: return nil
        }
    }

    private static func columns(of items: [JSONValue]) -> [String] {
        var names: [String] = []
        var seen: Set<String> = []
        for item in items.prefix(50) {
            guard let object = item.object else { continue }
            for (key, value) in object where !key.hasPrefix("@odata.") && value.isSimple && seen.insert(key).inserted {
                names.append(key)
            }
        }
        return names.isEmpty && !items.isEmpty ? ["value"] : names
    }

    /// The cells of a row, in the order of the columns.
    public func cells(of item: JSONValue) -> [String] {
        guard let object = item.object else { return [item.cellText] }
        return columns.map { object[$0]?.cellText ?? "" }
    }
}

extension JSONValue {
    fileprivate var isSimple: Bool {
        switch self {
        case .array, .object: false
        default: true
        }
    }

    /// The text of a value in a table or a CSV file.
    fileprivate var cellText: String {
        switch self {
        case .null: ""
        case .string(let text): text
        case .array(let items) where items.allSatisfy(\.isSimple): items.map(\.cellText).joined(separator: ", ")
        default: description
        }
    }
}
