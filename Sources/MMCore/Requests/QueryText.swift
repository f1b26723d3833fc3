/// The text of a query, as it is written in an address.
package enum QueryText {
    /// The options whose values are expressions, in which texts stand in quotes.
    private static let expressions: Set<String> = ["filter", "search", "expand", "orderby", "apply", "compute"]

    /// Returns the options of a query, each with its name and value. An `&` within the quotes of an expression begins
    /// no option unless a name follows: `$filter=department eq 'R&D'`.
    package static func options(of text: Substring) -> [Substring] {
        var options: [Substring] = []
        for part in text.split(separator: "&") {
            if !part.contains("="), let last = options.last, endsWithinQuotes(last) {
                options[options.count - 1] = text[last.startIndex..<part.endIndex]
            } else {
                options.append(part)
            }
        }
        return options
    }

    /// Returns the value of an option with a space for each `+` between the words of an expression, as links and
    /// documentation write it (`accountEnabled+eq+false`) and services read it. Within quotes (`'a+b'`) and between
    /// digits (`T00:00:00+02:00`) it is a plus.
    package static func value(of option: Substring) -> Substring? {
        guard let equals = option.firstIndex(of: "=") else { return nil }
        let written = option[option.index(after: equals)...]
        guard written.contains("+"), let value = expression(option) else { return written }
        var text = ""
        var quote: Character?
        var rest = value[...]
        while let character = rest.popFirst() {
            if character == quote {
                quote = nil
            } else if quote == nil, character == "'" || character == "\"" {
                quote = character
            }
            let isSign = text.last?.isNumber == true && rest.first?.isNumber == true
            text.append(character == "+" && quote == nil && !isSign ? " " : character)
        }
        return text[...]
    }

    private static func endsWithinQuotes(_ option: Substring) -> Bool {
        guard let value = expression(option) else { return false }
        let quote: Character = value.first == "\"" ? "\"" : "'"
        return value.count(where: { $0 == quote }) % 2 == 1
    }

    /// Returns the value of an option that is an expression, with plain quotes.
    private static func expression(_ option: Substring) -> String? {
        let halves = option.split(separator: "=", maxSplits: 1).map(String.init)
        guard halves.count == 2 else { return nil }
        let name = halves[0].replacing("%24", with: "$").drop { $0 == "$" }.lowercased()
        guard expressions.contains(name) else { return nil }
        return halves[1].replacing("%27", with: "'").replacing("%22", with: "\"")
    }
}
