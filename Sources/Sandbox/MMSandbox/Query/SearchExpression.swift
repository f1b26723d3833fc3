/// A parsed `$search`: clauses like `"displayName:ann"` or `"budget"`, joined by `AND`, `OR` and parentheses.
indirect enum SearchExpression: Sendable {
    /// A clause; without a property, it applies to the default ones of the entity.
    case clause(property: String?, text: String)
    case both(SearchExpression, SearchExpression)
    case either(SearchExpression, SearchExpression)
    case negated(SearchExpression)

    /// The maximum nesting depth of parentheses.
    static let depthLimit = 32

    /// Reads a text.
    /// - Throws: `QueryFault` if a clause lacks its quotes or an operator its clause.
    static func parse(_ text: String) throws(QueryFault) -> SearchExpression {
        var parser = Parser(text)
        let expression = try parser.disjunction()
        guard parser.isAtEnd else { throw parser.fault }
        return expression
    }

    /// Returns whether a record satisfies the search.
    func matches(_ found: (_ property: String?, _ text: String) -> Bool) -> Bool {
        switch self {
        case .clause(let property, let text): found(property, text)
        case .both(let left, let right): left.matches(found) && right.matches(found)
        case .either(let left, let right): left.matches(found) || right.matches(found)
        case .negated(let inner): !inner.matches(found)
        }
    }

    /// The properties that clauses name.
    var properties: [String] {
        switch self {
        case .clause(let property, _): property.map { [$0] } ?? []
        case .both(let left, let right), .either(let left, let right): left.properties + right.properties
        case .negated(let inner): inner.properties
        }
    }

    private struct Parser {
        let text: String
        let characters: [Character]
        var position = 0
        var depth = 0

        init(_ text: String) {
            self.text = text
            self.characters = Array(text)
        }

        var fault: QueryFault {
            QueryFault(message: "Syntax error: character '\(position)' is not valid in the $search clause '\(text)'.")
        }

        var isAtEnd: Bool {
            mutating get {
                skipBlanks()
                return position == characters.count
            }
        }

        mutating func skipBlanks() {
            while position < characters.count, characters[position] == " " { position += 1 }
        }

        mutating func take(_ word: String) -> Bool {
            skipBlanks()
            let wanted = Array(word)
            guard characters[position...].starts(with: wanted) else { return false }
            let after = position + wanted.count
            if word != "(", word != ")", after < characters.count, !" (\"".contains(characters[after]) { return false }
            position = after
            return true
        }

        mutating func disjunction() throws(QueryFault) -> SearchExpression {
            depth += 1
            defer { depth -= 1 }
            guard depth <= SearchExpression.depthLimit else { throw fault }
            var expression = try conjunction()
            while take("OR") { expression = .either(expression, try conjunction()) }
            return expression
        }

        mutating func conjunction() throws(QueryFault) -> SearchExpression {
            var expression = try primary()
            while true {
                if take("AND") {
                    expression = .both(expression, try primary())
                } else if startsClause {
                    // Two adjacent clauses must both match.
                    expression = .both(expression, try primary())
                } else {
                    return expression
                }
            }
        }

        var startsClause: Bool {
            mutating get {
                skipBlanks()
                return position < characters.count && (characters[position] == "\"" || characters[position] == "(")
            }
        }

        mutating func primary() throws(QueryFault) -> SearchExpression {
            if take("NOT") {
                depth += 1
                defer { depth -= 1 }
                guard depth <= SearchExpression.depthLimit else { throw fault }
                return .negated(try primary())
            }
            if take("(") {
                let inner = try disjunction()
                guard take(")") else { throw fault }
                return inner
            }
            skipBlanks()
            guard position < characters.count, characters[position] == "\"" else { throw fault }
            position += 1
            var content = ""
            while position < characters.count, characters[position] != "\"" {
                if characters[position] == "\\", position + 1 < characters.count { position += 1 }
                content.append(characters[position])
                position += 1
            }
            guard position < characters.count else { throw fault }
            position += 1
            guard let mark = content.firstIndex(of: ":") else { return .clause(property: nil, text: content) }
            return .clause(property: String(content[..<mark]), text: String(content[content.index(after: mark)...]))
        }
    }
}
