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
    func fault(in filter: String) -> Fault? { comparison(in: filter) ?? list(in: filter) }

    /// Returns the first text without quotes beside a comparison.
    private func comparison(in filter: String) -> Fault? {
        let words = Self.words(of: filter)
        for (place, word) in words.enumerated() where Self.comparisons.contains(word.lowercased()) && place > 0 {
            // The value ends where the next condition begins.
            let value = words[(place + 1)...].prefix { !Self.ends.contains($0.lowercased()) && !$0.hasPrefix(")") }
            guard let first = value.first, Self.isBare(first) else { continue }
            var text = value.joined(separator: " ")
            while text.hasSuffix(")") || text.hasSuffix(",") { text.removeLast() }
            guard let quoted = Self.quoted(text) else { continue }
            let left = words[place - 1].drop { $0 == "(" }
            return Fault(written: "\(left) \(word) \(text)", right: "\(left) \(word) \(quoted)")
        }
        return nil
    }

    /// Returns the first text without quotes among the values of `in` and of functions that compare texts.
    private func list(in filter: String) -> Fault? {
        for (place, letter) in Self.plainLetters(of: filter[...]) where letter == "(" {
            let name = Self.lastWord(of: filter[..<place])
            let left = Self.lastWord(of: filter[..<name.startIndex])
            let isList = name.lowercased() == "in" && !left.isEmpty
            guard isList || Self.functions.contains(name.lowercased()),
                let values = Self.values(in: filter[filter.index(after: place)...])
            else { continue }
            // The first value of a function is the property.
            let right = values.enumerated().map { place, value in
                guard isList || place > 0, value.split(separator: " ").first.map({ Self.isBare(String($0)) }) ?? false
                else { return value }
                return Self.quoted(value) ?? value
            }
            guard right != values else { continue }
            let head = isList ? "\(left) \(name) (" : "\(name)("
            return Fault(
                written: head + values.joined(separator: ",") + ")", right: head + right.joined(separator: ",") + ")")
        }
        return nil
    }

    private static let functions: Set<String> = ["startswith", "endswith", "contains"]

    /// Returns the values up to the closing parenthesis; `nil` where it is missing.
    private static func values(in text: Substring) -> [String]? {
        var (values, start, depth) = ([String](), text.startIndex, 0)
        for (place, letter) in plainLetters(of: text) {
            switch letter {
            case "(": depth += 1
            case ")" where depth > 0: depth -= 1
            case ")" where depth == 0, "," where depth == 0:
                values.append(String(text[start..<place]).trimmed)
                if letter == ")" { return values }
                start = text.index(after: place)
            default: break
            }
        }
        return nil
    }

    /// Returns the letters outside quotes, with their places.
    private static func plainLetters(of text: Substring) -> [(String.Index, Character)] {
        var quote: Character?
        return text.indices.compactMap { place in
            let letter = text[place]
            if letter == quote {
                quote = nil
                return nil
            }
            if quote == nil, letter == "'" || letter == "\"" { quote = letter }
            return quote == nil ? (place, letter) : nil
        }
    }

    /// Returns the last word of a text, without blanks behind it.
    private static func lastWord(of text: Substring) -> Substring {
        var text = text
        while text.last == " " { text.removeLast() }
        let start = text.lastIndex { " (,".contains($0) }.map { text.index(after: $0) }
        return text[(start ?? text.startIndex)...]
    }

    /// Returns a text in single quotes; `nil` for an empty one.
    private static func quoted(_ text: String) -> String? {
        let plain = text.hasPrefix("\"") ? text.replacing("\"", with: "") : text
        return plain.isEmpty ? nil : "'" + plain.replacing("'", with: "''") + "'"
    }

    /// Returns whether a value can only be a text without single quotes: not a quoted text, number, date, id, function
    /// or path.
    private static func isBare(_ word: String) -> Bool {
        if word.hasPrefix("\"") { return true }
        var word = word[...]
        while word.last == ")" { word.removeLast() }
        guard let first = word.first, first.isLetter || (first == "@" && word.contains(".")),
            !plain.contains(word.lowercased())
        else { return false }
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
