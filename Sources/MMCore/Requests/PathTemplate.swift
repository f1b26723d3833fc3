/// Replaces the parts of a path that identify a person or an object, for records.
package enum PathTemplate {
    private static let longest = 300

    /// Returns the template of a target, such as `/v1.0/users/{name}/messages/{id}`. The query is left out.
    package static func of(_ target: String) -> String {
        let path = target.prefix { $0 != "?" }
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).map(segment)
        return String(segments.joined(separator: "/").prefix(longest))
    }

    private static func segment(_ text: Substring) -> String {
        // OData keys stand in parentheses: users('anna@contoso.com').
        if let open = text.firstIndex(of: "(") {
            let end = text.lastIndex(of: ")") ?? text.endIndex
            let inner = text[text.index(after: open)..<max(end, text.index(after: open))]
            let tail = end < text.endIndex ? text[text.index(after: end)...] : ""
            return plain(text[..<open]) + (inner.isEmpty ? "()" : "({key})") + plain(tail)
        }
        return plain(text)
    }

    private static func plain(_ text: Substring) -> String {
        if text.isEmpty || isVersion(text) { return String(text) }
        if GUID.isValid(text) { return "{id}" }
        if text.contains("@") || text.contains("%40") { return "{name}" }
        let digits = text.utf8.filter { $0 >= 0x30 && $0 <= 0x39 }.count
        // Words are short and hold few digits; ids are long or full of digits.
        if text.utf8.count > 40 || digits > 2 || text.contains("%") || !text.utf8.allSatisfy(isWordByte) {
            return "{id}"
        }
        return String(text)
    }

    private static func isVersion(_ text: Substring) -> Bool {
        guard let first = text.first, first == "v" || first.isNumber else { return false }
        return text.utf8.count <= 10 && text.dropFirst(first == "v" ? 1 : 0).allSatisfy { $0.isNumber || $0 == "." }
            && (first == "v" || text.contains("."))
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "$"), UInt8(ascii: ":"):
            true
        default: false
        }
    }
}
