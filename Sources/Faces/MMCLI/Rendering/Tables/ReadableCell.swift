import MMCore
import MMOperations

/// The text of a value in a table, as people read it: local time, "yes" and "no", sizes with a unit.
enum ReadableCell {
    /// The text of a value.
    /// - Parameters:
    ///   - value: the value; `nil` where a row lacks it.
    ///   - column: its column, whose name tells a size in bytes.
    static func text(_ value: JSONValue?, in column: String) -> String {
        switch value {
        case nil, .null?: return ""
        case .bool(let isTrue)?: return isTrue ? "yes" : "no"
        case .string(let text)?: return localTime(text) ?? text
        case .array(let items)?:
            return items.map { item in name(of: item) ?? text(item, in: column) }.joined(separator: ", ")
        case .object?: return value.flatMap(name) ?? value?.cellText ?? ""
        case let number?:
            guard countsBytes(column), let bytes = number.int, bytes >= 0 else { return number.cellText }
            return SizeText.text(bytes)
        }
    }

    /// What a person calls an object, where one of its members says it.
    private static func name(of value: JSONValue) -> String? {
        guard let object = value.object else { return nil }
        for member in ["displayName", "userPrincipalName", "address", "name", "skuPartNumber"] {
            if let name = object[member]?.string, !name.isEmpty { return name }
        }
        return nil
    }

    /// Whether a value is shown as a date and time.
    static func isTime(_ value: JSONValue) -> Bool { value.string.flatMap(localTime) != nil }

    /// A date and time of a service, in local time to the minute.
    private static func localTime(_ text: String) -> String? {
        let bytes = text.utf8
        // Nearly every text is none: no look at its digits.
        guard (16...40).contains(bytes.count), bytes.dropFirst(4).first == UInt8(ascii: "-"),
            bytes.dropFirst(10).first == UInt8(ascii: "T"), let moment = Timestamp(iso8601: text)
        else { return nil }
        return String(moment.localLog.dropLast(3))
    }

    /// Whether numbers of a column are bytes: `size`, `memory`, `quota.used`, `sizeInBytes`, `storageUsedInBytes`.
    private static func countsBytes(_ column: String) -> Bool {
        let name = column.lowercased()
        return ["size", "memory"].contains(name) || name.hasSuffix(".size") || name.hasSuffix("bytes")
            || name.hasPrefix("quota.")
    }
}
