package import MMCore

/// Finds texts in `$filter` that stand without quotes: the service answers them with a syntax error that names a position, or takes
/// them for the names of properties.
package struct FilterTexts: Sendable {
    /// A text without its quotes.
    package struct Fault: Sendable, Hashable {
        /// The comparison as written: `department eq Sales`.
        package let written: String
        /// As it is right: `department eq 'Sales'`.
        package let right: String
    }

    private static let comparisons: Set<String> = ["eq", "ne", "gt", "ge", "lt", "le"]
    private static let ends: Set<String> = ["and", "or"]
    private static let plain: Set<String> = ["true", "false", "null", "inf", "-inf", "nan"]

    /// A check.
    package init() {}

    /// The first text without quotes in the filter of a request; `nil` where there is none.
    package func fault(in target: RequestTarget) -> Fault? {
        guard target.service == .graph, let filter = target.queryValue("$filter") else { return nil }
        return fault(in: filter)
    }

    /// The first text without quotes in a filter.
    func fault(in filter: String) -> Fault? {
        let words = Self.words(of: filter)
        for (place, word) in words.enumerated() where Self.comparisons.contains(word.lowercased()) && place > 0 {
            // What belongs to the value ends with the next condition.
            let value = words[(place + 1)...].prefix { !Self.ends.contains($0.lowercased()) && !$0.hasPrefix(")") }
            guard let first = value.first, Self.isBare(first) else { continue }
            var text = value.joined(separator: " ")
            while text.hasSuffix(")") || text.hasSuffix(",") { text.removeLast() }
            guard !text.isEmpty else { continue }
            let left = words[place - 1].drop { $0 == "(" }
            let quoted = text.replacing("'", with: "''")
            return Fault(written: "\(left) \(word) \(text)", right: "\(left) \(word) '\(quoted)'")
        }
        return nil
    }

    /// Whether a value begins as a text would and nothing else: neither quoted, nor a number, a date, an id, a function, a path.
    private static func isBare(_ word: String) -> Bool {
        var word = word[...]
        while word.last == ")" { word.removeLast() }
        guard let first = word.first, first.isLetter, !plain.contains(word.lowercased()) else { return false }
        if word.contains("'") || word.contains("(") || word.contains("/") || word.contains("$") { return false }
        return !isID(word)
    }

    /// Whether a word is an id, which stands without quotes where the property is one.
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

    /// The words of a filter; a text in quotes is one, with its quotes.
    private static func words(of filter: String) -> [String] {
        var words: [String] = []
        var word = ""
        var isQuoted = false
        for letter in filter {
            if letter == "'" { isQuoted.toggle() }
            if letter == " ", !isQuoted {
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
