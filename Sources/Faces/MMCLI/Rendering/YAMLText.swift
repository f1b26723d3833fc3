import MMCore

/// JSON values as YAML in its block form. Every text that YAML could take for anything else is quoted as JSON quotes it, which
/// YAML reads the same.
enum YAMLText {
    /// The lines of a value.
    static func lines(of value: JSONValue) -> [String] {
        switch value {
        case .object(let members) where !members.isEmpty:
            members.flatMap { name, value in entry(scalar(.string(name)) + ":", value) }
        case .array(let items) where !items.isEmpty:
            items.flatMap { item in
                let lines = lines(of: item)
                return ["- " + lines[0]] + lines.dropFirst().map { "  " + $0 }
            }
        default: [scalar(value)]
        }
    }

    private static func entry(_ name: String, _ value: JSONValue) -> [String] {
        switch value {
        case .object(let members) where !members.isEmpty: [name] + lines(of: value).map { "  " + $0 }
        case .array(let items) where !items.isEmpty: [name] + lines(of: value)
        default: ["\(name) \(scalar(value))"]
        }
    }

    private static func scalar(_ value: JSONValue) -> String {
        guard case .string(let text) = value, isPlain(text) else { return JSONWriter.string(value) }
        return text
    }

    /// Whether YAML reads a text as the text that it is, without quotes.
    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, text.utf8.count <= 200 else { return false }
        let isWord = text.unicodeScalars.allSatisfy { scalar in
            scalar.isASCII && (scalar.properties.isAlphabetic || "0123456789_-./@ ".unicodeScalars.contains(scalar))
        }
        let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        return isWord && first.properties.isAlphabetic && !text.hasSuffix(" ") && !words.contains(text.lowercased())
    }
}
