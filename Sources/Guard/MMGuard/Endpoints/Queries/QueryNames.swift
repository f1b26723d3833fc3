internal import MMCore

/// The names of properties that a query option speaks of, each as the steps of its path.
enum QueryNames {
    /// Those of `$select`: `id,manager/id`.
    static func selected(_ text: String) -> [[String]] {
        text.split(separator: ",").compactMap { path($0) }
    }

    /// Those of `$orderby`: `name desc,size`.
    static func sorted(_ text: String) -> [[String]] {
        text.split(separator: ",").compactMap { part in
            part.split(separator: " ").first.flatMap { path($0) }
        }
    }

    /// Those of `$expand`: `manager($select=id),members`; what stands within parentheses is another type's.
    static func expanded(_ text: String) -> [[String]] {
        var depth = 0
        var outer = ""
        for letter in text {
            if letter == "(" { depth += 1 }
            if depth == 0 { outer.append(letter) }
            if letter == ")" { depth -= 1 }
        }
        return outer.split(separator: ",").compactMap { part in path(part).map { [$0[0]] } }
    }

    /// Those of `$filter`, without the words of the language, texts, numbers and the variables of `any` and `all`.
    static func filtered(_ text: String) -> [[String]] {
        var names: [[String]] = []
        var variables: Set<String> = []
        let letters = Array(text)
        var place = 0
        while place < letters.count {
            let letter = letters[place]
            if letter == "'" {
                place += 1
                while place < letters.count, letters[place] != "'" { place += 1 }
                place += 1
                continue
            }
            guard letter.isLetter || letter.isNumber || letter == "_" || letter == "@" || letter == "$" else {
                place += 1
                continue
            }
            var word = ""
            while place < letters.count, isPartOfName(letters[place]) {
                word.append(letters[place])
                place += 1
            }
            let next = letters[place...].first { $0 != " " }
            if next == ":" {
                variables.insert(word)
                continue
            }
            // A function, a literal such as duration'PT1H', an unquoted date or id.
            if place < letters.count, letters[place] == "'" { continue }
            if next == "(", !word.contains("/") { continue }
            guard letter.isLetter, !word.contains("-"), !keywords.contains(word.lowercased()) else { continue }
            var steps = word.split(separator: "/").map(String.init)
            if let first = steps.first, variables.contains(first) { continue }
            if let last = steps.last, ["any", "all", "$count"].contains(last.lowercased()) { steps.removeLast() }
            if let last = steps.first, !last.contains(".") { names.append(steps) }
        }
        return names
    }

    private static let keywords: Set<String> = [
        "eq", "ne", "gt", "ge", "lt", "le", "and", "or", "not", "in", "has", "true", "false", "null", "any", "all",
        "add", "sub", "mul", "div", "mod", "asc", "desc",
    ]

    private static func isPartOfName(_ letter: Character) -> Bool {
        letter.isLetter || letter.isNumber || "_-/.$@".contains(letter)
    }

    /// A path of names; `nil` for what is no name: `*`, casts, annotations.
    private static func path(_ text: Substring) -> [String]? {
        let steps = text.filter { $0 != " " }.split(separator: "/").map(String.init)
        guard let first = steps.first, first.first?.isLetter ?? false,
            !steps.contains(where: { $0.contains(".") || $0.contains("@") || $0.contains("(") })
        else { return nil }
        return steps
    }
}
