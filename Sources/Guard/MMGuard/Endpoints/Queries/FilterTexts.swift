package import MMCore

/// Finds texts without single quotes and operators of other languages in `$filter`. The service answers them with a
/// syntax error that only names a position, or takes them for names of properties.
package struct FilterTexts: Sendable {
    /// What no service could read.
    package struct Fault: Sendable, Hashable {
        /// What is wrong, as written: the comparison `department eq Sales`, or the operator `==`.
        package let written: String
        /// What mends it.
        package let remedy: Remedy
    }

    /// What mends a fault.
    package enum Remedy: Sendable, Hashable {
        /// The comparison with quotes: `department eq 'Sales'`.
        case quotes(String)
        /// The operator that is meant: `eq`; `nil` if `$filter` has none like it.
        case `operator`(String?)
    }

    /// What other languages call the operators (OData 4.01 URL Conventions, section 5.1.1.1).
    private static let foreign = [
        "=": "eq", "==": "eq", "===": "eq", "!=": "ne", "<>": "ne", ">": "gt", ">=": "ge", "<": "lt", "<=": "le",
        "&&": "and", "||": "or", "!": "not", "-eq": "eq", "-ne": "ne", "-gt": "gt", "-ge": "ge", "-lt": "lt",
        "-le": "le", "-in": "in", "-and": "and", "-or": "or", "-not": "not", "is": "eq", "equals": "eq",
    ]
    private static let operators = comparisons.union(ends).union([
        "in", "has", "not", "add", "sub", "mul", "div", "mod",
    ])
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
    func fault(in filter: String) -> Fault? { symbol(in: filter) ?? comparison(in: filter) ?? list(in: filter) }

    /// Returns the first operator of another language.
    private func symbol(in filter: String) -> Fault? {
        // No name, number or function has one of these letters.
        let signs = Self.plainLetters(of: filter[...]).filter { "=<>!&|".contains($0.1) }
        if let first = signs.first {
            let run = filter[first.0...].prefix { "=<>!&|".contains($0) }
            return Fault(written: String(run), remedy: .operator(Self.foreign[String(run)]))
        }
        let words = Self.words(of: filter)
        for (place, word) in words.enumerated().dropFirst() where !word.hasPrefix("'") {
            // Between a name and a text stands an operator.
            let isBetween =
                place + 1 < words.count && words[place + 1].hasPrefix("'") && Self.isName(words[place - 1])
                && !Self.operators.contains(word.lowercased()) && word.allSatisfy(\.isLetter)
            let meant = Self.foreign[word.lowercased()]
            if isBetween || meant != nil { return Fault(written: word, remedy: .operator(meant)) }
        }
        return nil
    }

    /// Returns whether a word can be the path of a property.
    private static func isName(_ word: String) -> Bool {
        let name = word.drop { $0 == "(" }
        return name.first?.isLetter == true && name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "/" || $0 == "_" }
    }

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
            return Fault(written: "\(left) \(word) \(text)", remedy: .quotes("\(left) \(word) \(quoted)"))
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
                written: head + values.joined(separator: ",") + ")",
                remedy: .quotes(head + right.joined(separator: ",") + ")"))
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
