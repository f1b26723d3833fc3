internal import MMCore

/// Looks for a property in a body: dots descend, arrays are passed through, names are compared without case, and a name
/// may contain dots itself (`members@odata.bind`).
enum BodyProbe {
    /// Whether the property path (in lower case) occurs.
    static func contains(_ path: String, in value: JSONValue) -> Bool {
        search(path.utf8[...], value, depth: 0)
    }

    private static func search(_ path: Substring.UTF8View, _ value: JSONValue, depth: Int) -> Bool {
        guard depth < 64 else { return true }
        switch value {
        case .array(let items): return items.contains { search(path, $0, depth: depth + 1) }
        case .object(let members):
            for (key, member) in members {
                let name = key.asciiLowercased.utf8
                guard path.starts(with: name) else { continue }
                let rest = path.dropFirst(name.count)
                if rest.isEmpty { return true }
                if rest.first == UInt8(ascii: "."), search(rest.dropFirst(), member, depth: depth + 1) { return true }
            }
            return false
        default: return value == RequestBody.unknownValue
        }
    }
}
