package import MMCore

/// Finds texts without single quotes in `$filter`. The service answers them with a syntax error that only names a
/// position, or takes them for names of properties.
package struct FilterTexts: Sendable {
    /// A text that lacks its quotes.
    package struct Fault: Sendable, Hashable {
        /// The comparison as written: `department eq Sales`.
        package let written: String
        /// The corrected comparison: `department eq 'Sales'`.
        package let right: String
    }

    private static let comparisons: Set<String> = ["eq", "ne", "gt", "ge", "lt", "le"]
    private static let ends: Set<String> = ["and", "or"]
    private static let plain: Set<String> = ["true", "false", "null", "inf", "-inf", "nan"]

    /// Creates a check.
    package init() {}

    /// Returns the first text without quotes in the filter of a request; `nil` if there is none.
    package func fault(in target: RequestTarget) -> Fault? {
        guard target.service == .graph, let filter = target.queryValue("$filter") else { return nil }
        return fault(in: filter)
    }

    /// Returns the first text without quotes in a filter.
    func fault(in filter: String) -> Fault? {
        let words = Self.words(of: filter)
        for (place, word) in words.enumerated() where Self.comparisons.contains(word.lowercased()) && place > 0 {
            // The value ends where the next condition begins.
            let value = words[(place + 1)...].prefix { !Self.ends.contains($0.lowercased()) && !$0.hasPrefix(")") }
            guard let first = value.first, Self.isBare(first) else { continue }
            var text = value.joined(separator: " ")
            while text.hasSuffix(")") || text.hasSuffix(",") { text.removeLast() }
            let written = text
            if text.hasPrefix("\"") { text = text.replacing("\"", with: "") }
            guard !text.isEmpty else { continue }
            let left = words[place - 1].drop { $0 == "(" }
            let quoted = text.replacing("'", with: "''")
            return Fault(written: "\(left) \(word) \(written)", right: "\(left) \(word) '\(quoted)'")
        }
        return nil
    }

    /// Returns whether a value can only be a text without single quotes: not a quoted text, number, date, id, function
    /// or path.
    private static func isBare(_ word: String) -> Bool {
        if word.hasPrefix("\"") { return true }
        var word = word[...]
        while word.last == ")" { word.removeLast() }
        guard let first = word.first, first.isLetter, !plain.contains(word.lowercased()) else { return false }
        if word.contains("'") || word.contains("(") || word.contains("/") || word.contains("$") { return false }
        return !isID(word)
    }

    /// Returns whether a word is an id, which needs no quotes if the property is an id.
    private static func isID(_ word: Substring) -> Bool {
        word.utf8.count == 36
            && word.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
                    UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    /// Returns the words of a filter; a text in quotes is one word, with its quotes.
    private static func words(of filter: String) -> [String] {
        var words: [String] = []
        var word = ""
        var quote: Character?
        for letter in filter {
            if letter == quote {
                quote = nil
            } else if quote == nil, letter == "'" || letter == "\"" {
                quote = letter
            }
            if letter == " ", quote == nil {
                if !word.isEmpty { words.append(word) }
                word = ""
            } else {
                word.append(letter)
            }
        }
        if !word.isEmpty { words.append(word) }
        return words
    }
}
