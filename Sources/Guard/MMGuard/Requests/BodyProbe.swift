internal import MMCore

/// Looks for a property in a body: dots descend, arrays are passed through, names are compared without case, and a name
/// may contain dots itself (`members@odata.bind`). Behind `=` stand the values that count, with `|` between them and compared
/// without case: `scope=everyone`, `destinationId=purges*`; a field that modules always send says nothing by being there.
enum BodyProbe {
    /// Whether the property (in lower case) occurs with a value that counts.
    /// - Parameter isNew: whether the body makes something new: what is empty, null or off is then as good as left out. A
    ///   change to empty takes something away.
    static func contains(_ condition: String, in body: JSONValue, isNew: Bool = false) -> Bool {
        let parts = condition.split(separator: "=", maxSplits: 1)
        guard let path = parts.first else { return false }
        let wanted = parts.count == 2 ? parts[1].split(separator: "|").map(String.init) : nil
        return search(path.utf8, body, depth: 0) { found in
            if let wanted { return holds(found, wanted) }
            return !isNew || !saysNothing(found)
        }
    }

    private static func search(
        _ path: Substring.UTF8View, _ body: JSONValue, depth: Int, counts: (JSONValue) -> Bool
    ) -> Bool {
        guard depth < 64 else { return true }
        switch body {
        case .array(let items): return items.contains { search(path, $0, depth: depth + 1, counts: counts) }
        case .object(let members):
            for (key, member) in members {
                let name = key.asciiLowercased.utf8
                guard path.starts(with: name) else { continue }
                let rest = path.dropFirst(name.count)
                if rest.isEmpty, counts(member) { return true }
                if rest.first == UInt8(ascii: "."),
                    search(rest.dropFirst(), member, depth: depth + 1, counts: counts)
                {
                    return true
                }
            }
            return false
        default: return body == RequestBody.unknownValue
        }
    }

    /// Whether a value is one of these, `*` standing for any rest. What isn't known may be any.
    private static func holds(_ found: JSONValue, _ wanted: [String]) -> Bool {
        guard found != RequestBody.unknownValue else { return true }
        switch found {
        case .array(let items): return items.contains { holds($0, wanted) }
        case .bool(let flag): return wanted.contains(flag ? "true" : "false")
        case .string(let text):
            let text = text.asciiLowercased
            return wanted.contains { $0.hasSuffix("*") ? text.hasPrefix($0.dropLast()) : text == $0 }
        case .null: return false
        case .object, .int, .double, .number: return true
        }
    }

    private static func saysNothing(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .bool(false): true
        case .array(let items): items.isEmpty
        case .object(let members): members.isEmpty
        default: false
        }
    }
}
