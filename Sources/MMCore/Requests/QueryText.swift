/// The text of a query, as it is written in an address.
package enum QueryText {
    /// The options whose values are expressions, in which texts stand in quotes.
    private static let expressions: Set<String> = ["filter", "search", "expand", "apply", "compute"]

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

    private static func endsWithinQuotes(_ option: Substring) -> Bool {
        let halves = option.split(separator: "=", maxSplits: 1).map(String.init)
        guard halves.count == 2 else { return false }
        let name = halves[0].replacing("%24", with: "$").drop { $0 == "$" }.lowercased()
        guard expressions.contains(name) else { return false }
        let value = halves[1].replacing("%27", with: "'").replacing("%22", with: "\"")
        let quote: Character = value.first == "\"" ? "\"" : "'"
        return value.count(where: { $0 == quote }) % 2 == 1
    }
}
