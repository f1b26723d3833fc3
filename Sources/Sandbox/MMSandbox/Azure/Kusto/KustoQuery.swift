internal import MMCore

/// Runs a query of the Kusto Query Language: the operators and functions of everyday queries over resources and logs.
/// What it leaves out is refused by name.
struct KustoQuery {
    private let words: [KustoWord]
    private var at = 0
    private let now: Int64
    /// Returns the table with a name; nil for none.
    private let source: (String) -> KustoTable?
    /// The tables that were read, and those that statements of the query name.
    private var tables: [String: KustoTable] = [:]
    /// The expressions that statements of the query name.
    private var expressions: [String: KustoExpression] = [:]
    /// Whether the query itself limits the number of rows.
    private var isLimited = false
    /// The number of expressions and queries around the current word.
    private var depth = 0

    /// Runs a query.
    /// - Parameters:
    ///   - table: the name of the table of a query that begins with an operator.
    ///   - source: returns the table with a name; nil for none.
    /// - Returns: the table, and whether the query itself limits the number of rows.
    static func run(
        _ text: String, now: Int64, table: String, source: @escaping (String) -> KustoTable?
    ) throws(KustoFailure) -> (table: KustoTable, isLimited: Bool) {
        let words = try KustoLexer.words(of: text)
        // An expression is evaluated by recursion, a long chain of `or` as well.
        guard words.count <= 4000 else { throw .notServed("queries of more than 4,000 words") }
        var query = KustoQuery(words: words, now: now, source: source)
        while query.takeName("let") != nil { try query.define() }
        let made = try query.pipeline(default: table)
        _ = query.take(";")
        if query.word.token != .end { throw .syntax(query.word) }
        return (made, query.isLimited)
    }

    private init(words: [KustoWord], now: Int64, source: @escaping (String) -> KustoTable?) {
        (self.words, self.now, self.source) = (words, now, source)
    }

    // MARK: Words

    private var word: KustoWord { words[min(at, words.count - 1)] }

    private mutating func take(_ symbol: String) -> Bool {
        guard word.token == .symbol(symbol) else { return false }
        at += 1
        return true
    }

    private mutating func takeName(_ names: String...) -> String? {
        guard case .name(let name) = word.token, names.isEmpty || names.contains(name) else { return nil }
        at += 1
        return name
    }

    private mutating func expect(_ symbol: String) throws(KustoFailure) {
        guard take(symbol) else { throw .syntax(word) }
    }

    private mutating func expectName() throws(KustoFailure) -> String {
        guard let name = takeName() else { throw .syntax(word) }
        return name
    }

    /// Reads a number of rows, or the name that a statement has given it.
    private mutating func count() throws(KustoFailure) -> Int {
        let value: JSONValue? =
            switch word.token {
            case .literal(let value): value
            case .name(let name): expressions[name]?.value([:], now: now)
            default: nil
            }
        guard let number = value?.int, number >= 0 else { throw .syntax(word) }
        at += 1
        return number
    }

    private mutating func list<Item>(
        _ item: (inout KustoQuery) throws(KustoFailure) -> Item
    ) throws(KustoFailure) -> [Item] {
        var items = [try item(&self)]
        while take(",") { items.append(try item(&self)) }
        return items
    }

    /// Counts a nested expression or query.
    private mutating func deepen() throws(KustoFailure) {
        guard depth < 100 else { throw .notServed("expressions that are nested so deeply") }
        depth += 1
    }

    // MARK: Operators

    private static let operators: Set<String> = [
        "where", "filter", "project", "extend", "summarize", "order", "sort", "take", "limit", "top", "distinct",
        "count", "join", "mv", "mvexpand", "union", "render",
    ]

    /// The operators that an expression follows.
    private static let followed: Set<String> = ["where", "filter", "extend", "summarize", "order", "sort", "distinct"]

    /// Gives a name to an expression, or to the rows of a query, for the rest of the text.
    private mutating func define() throws(KustoFailure) {
        let name = try expectName()
        try expect("=")
        if namesTable() {
            tables[name] = try pipeline(default: "")
        } else {
            expressions[name] = try expression()
        }
        try expect(";")
    }

    private var following: KustoWord.Token { words[min(at + 1, words.count - 1)].token }

    /// Returns whether a query begins here, not an expression: with the name of a table, after any parentheses.
    private mutating func namesTable() -> Bool {
        guard let first = words[at...].first(where: { $0.token != .symbol("(") }), case .name(let name) = first.token
        else { return false }
        return name == "union" || table(name) != nil
    }

    /// Returns the table with a name, which is made only once; nil for none.
    private mutating func table(_ name: String) -> KustoTable? {
        let found = tables[name] ?? source(name)
        tables[name] = found
        return found
    }

    private mutating func pipeline(default name: String) throws(KustoFailure) -> KustoTable {
        try deepen()
        defer { depth -= 1 }
        var table: KustoTable
        switch word.token {
        case .symbol("(") where namesTable():
            at += 1
            table = try pipeline(default: name)
            try expect(")")
        case .name("union"):
            table = KustoTable(columns: [], rows: [])
            try step(&table)
        case .name(let first) where !Self.operators.contains(first):
            if following == .symbol("(") { throw .notServed("\(first) here") }
            if ["print", "search", "let", "find", "externaldata"].contains(first) {
                throw .notServed("the statement \(first)")
            }
            at += 1
            guard let named = self.table(first) else { throw .unknownTable(first) }
            table = named
        default:
            guard let named = self.table(name) else { throw .unknownTable(name) }
            table = named
            try step(&table)
        }
        while take("|") { try step(&table) }
        return table
    }

    private mutating func step(_ table: inout KustoTable) throws(KustoFailure) {
        let first = word
        var name = try expectName()
        // `project-away` and `mv-expand` are one operator each, but `where -a < b` compares.
        while !Self.followed.contains(name), take("-") { name += "-\(try expectName())" }
        switch name {
        case "where", "filter":
            let condition = try expression()
            try condition.check(table.columns)
            table.rows = table.rows.filter { condition.value($0, now: now) == true }
        case "project": try table.set(try columns(), keepsOthers: false, now: now)
        case "extend": try table.set(try columns(), keepsOthers: true, now: now)
        case "project-away": try table.remove(try list { (query) throws(KustoFailure) in try query.expectName() })
        case "project-rename": try rename(&table)
        case "distinct":
            if !take("*") { try table.set(try columns(), keepsOthers: false, now: now) }
            table.makeDistinct()
        case "count": table = KustoTable(columns: ["Count"], rows: [["Count": .int(Int64(table.rows.count))]])
        case "take", "limit":
            table.rows = Array(table.rows.prefix(try count()))
            isLimited = true
        case "order", "sort":
            guard takeName("by") != nil else { throw .syntax(word) }
            try table.sort(by: try sortKeys(), now: now)
        case "top":
            let size = try count()
            guard takeName("by") != nil else { throw .syntax(word) }
            try table.sort(by: try sortKeys(), now: now)
            table.rows = Array(table.rows.prefix(size))
            isLimited = true
        case "summarize":
            let isGrouped: Bool = if case .name("by") = word.token { true } else { false }
            let sums = isGrouped ? [] : try columns()
            try table.summarize(sums, by: takeName("by") == nil ? [] : try columns(), now: now)
        case "join": try join(&table)
        case "mv-expand", "mvexpand":
            try table.expand(try column(), now: now)
            if takeName("to") != nil {
                _ = try expectName()
                try expect("(")
                _ = try expectName()
                try expect(")")
            }
        case "union": try union(&table)
        case "project-keep", "project-reorder":
            let names = try list { (query) throws(KustoFailure) in try query.expectName() }
            for name in names where !table.columns.contains(name) { throw .unknownColumn(name) }
            let others = table.columns.filter { !names.contains($0) }
            if name == "project-keep" { try table.remove(others) } else { table.columns = names + others }
        // A chart is drawn by those who get the rows.
        case "render": while word.token != .end, word.token != .symbol(";") { at += 1 }
        case "parse", "parse-where", "evaluate", "mv-apply", "lookup", "sample", "make-series", "getschema", "invoke":
            throw .notServed("the operator \(name)")
        default: throw .syntax(first)
        }
    }

    private mutating func rename(_ table: inout KustoTable) throws(KustoFailure) {
        for column in try columns() {
            guard case .column(let old) = column.expression, let new = column.given else { throw .syntax(word) }
            guard let place = table.columns.firstIndex(of: old) else { throw .unknownColumn(old) }
            table.columns[place] = new
            table.rows = table.rows.map { row in JSONObject(row.map { ($0.key == old ? new : $0.key, $0.value) }) }
        }
    }

    private mutating func sortKeys() throws(KustoFailure) -> [(expression: KustoExpression, isRising: Bool)] {
        try list { (query) throws(KustoFailure) in
            let expression = try query.expression()
            let isRising = query.takeName("asc", "desc") == "asc"
            if query.takeName("nulls") != nil { _ = query.takeName("first", "last") }
            return (expression, isRising)
        }
    }

    /// Adds the rows of other tables; with `isfuzzy`, of those that there are.
    private mutating func union(_ table: inout KustoTable) throws(KustoFailure) {
        var isFuzzy = false
        while case .name(let option) = word.token, following == .symbol("=") {
            at += 2
            switch (option, word.token) {
            case ("isfuzzy", .literal(let given)): isFuzzy = given == true
            case ("kind", .name("outer")): break
            case (_, .symbol), (_, .end): throw .syntax(word)
            case ("kind", _): throw .notServed("this kind of union")
            default: throw .notServed("the option \(option) of union")
            }
            at += 1
        }
        let others = try list { (query) throws(KustoFailure) -> Result<KustoTable, KustoFailure> in
            if query.take("(") {
                let start = query.at
                do throws(KustoFailure) {
                    let made = try query.pipeline(default: "")
                    try query.expect(")")
                    return .success(made)
                } catch {
                    guard isFuzzy, error.table != nil else { throw error }
                    query.at = start
                    try query.leaveParentheses()
                    return .failure(error)
                }
            }
            let name = try query.expectName()
            return query.table(name).map { .success($0) } ?? .failure(.unknownTable(name))
        }
        let found = others.compactMap { try? $0.get() }
        if !isFuzzy || found.isEmpty && table.columns.isEmpty {
            for other in others { _ = try other.get() }
        }
        for other in found {
            table.columns += other.columns.filter { !table.columns.contains($0) }
            table.rows += other.rows
        }
    }

    /// Moves behind the end of the parentheses that are open.
    private mutating func leaveParentheses() throws(KustoFailure) {
        var open = 1
        while open > 0 {
            switch word.token {
            case .symbol("("): open += 1
            case .symbol(")"): open -= 1
            case .end: throw .syntax(word)
            default: break
            }
            at += 1
        }
    }

    private mutating func join(_ table: inout KustoTable) throws(KustoFailure) {
        var kind = "innerunique"
        if takeName("kind") != nil {
            try expect("=")
            let place = word
            kind = try expectName()
            guard ["inner", "innerunique", "leftouter"].contains(kind) else {
                let others = ["fullouter", "rightouter", "leftanti", "leftsemi", "rightanti", "rightsemi"]
                throw others.contains(kind) ? .notServed("the join of kind \(kind)") : .syntax(place)
            }
        }
        try expect("(")
        let other = try pipeline(default: "")
        try expect(")")
        guard takeName("on") != nil else { throw .syntax(word) }
        let keys = try list { (query) throws(KustoFailure) -> (left: String, right: String) in
            let name = try query.expectName()
            guard name == "$left" else { return (name, name) }
            try query.expect(".")
            let left = try query.expectName()
            try query.expect("==")
            guard query.takeName("$right") != nil else { throw .syntax(query.word) }
            try query.expect(".")
            return (left, try query.expectName())
        }
        try table.join(other, kind: kind, on: keys)
    }

    // MARK: Expressions

    private mutating func columns() throws(KustoFailure) -> [KustoColumn] {
        try list { (query) throws(KustoFailure) in try query.column() }
    }

    private mutating func column() throws(KustoFailure) -> KustoColumn {
        if case .name(let name) = word.token, words[min(at + 1, words.count - 1)].token == .symbol("=") {
            at += 2
            return KustoColumn(given: name, expression: try expression())
        }
        return KustoColumn(given: nil, expression: try expression())
    }

    private mutating func expression() throws(KustoFailure) -> KustoExpression {
        try deepen()
        defer { depth -= 1 }
        var made = try conjunction()
        while takeName("or") != nil { made = .comparison("or", made, try conjunction()) }
        return made
    }

    private mutating func conjunction() throws(KustoFailure) -> KustoExpression {
        var made = try comparison()
        while takeName("and") != nil { made = .comparison("and", made, try comparison()) }
        return made
    }

    private static let texts: Set<String> = [
        "contains", "contains_cs", "has", "has_cs", "startswith", "startswith_cs", "endswith", "endswith_cs",
    ]

    private mutating func comparison() throws(KustoFailure) -> KustoExpression {
        let left = try sum()
        switch word.token {
        case .symbol(let symbol) where ["==", "!=", "<>", "=~", "!~", "<", ">", "<=", ">="].contains(symbol):
            at += 1
            return .comparison(symbol, left, try sum())
        case .name(let name):
            let plain = name.hasPrefix("!") ? String(name.dropFirst()) : name
            if Self.texts.contains(plain) {
                at += 1
                return .comparison(name, left, try sum())
            }
            if ["in", "in~", "has_any", "has_all"].contains(plain) {
                at += 1
                try expect("(")
                let values = try among()
                try expect(")")
                return .among(name, left, values)
            }
            if plain == "between" {
                at += 1
                return try range(left, isNegated: name != plain)
            }
            if name == "matches" { throw .notServed("the operator \(name)") }
            return left
        default: return left
        }
    }

    /// Returns the values of a list in parentheses: expressions, or the first column of a query.
    private mutating func among() throws(KustoFailure) -> [KustoExpression] {
        guard namesTable() else { return try list { (query) throws(KustoFailure) in try query.expression() } }
        let found = try pipeline(default: "")
        guard let first = found.columns.first else { return [] }
        return [.literal(.array(found.rows.map { $0[first] ?? .null }))]
    }

    /// Parses the bounds of `between (LOW .. HIGH)`.
    private mutating func range(_ value: KustoExpression, isNegated: Bool) throws(KustoFailure) -> KustoExpression {
        try expect("(")
        let low = try sum()
        try expect("..")
        let high: KustoExpression = .comparison("..", low, try sum())
        try expect(")")
        return isNegated
            ? .comparison("or", .comparison("<", value, low), .comparison(">", value, high))
            : .comparison("and", .comparison(">=", value, low), .comparison("<=", value, high))
    }

    private mutating func sum() throws(KustoFailure) -> KustoExpression {
        var made = try product()
        while case .symbol(let symbol) = word.token, ["+", "-"].contains(symbol) {
            at += 1
            made = .comparison(symbol, made, try product())
        }
        return made
    }

    private mutating func product() throws(KustoFailure) -> KustoExpression {
        var made = try part()
        while case .symbol(let symbol) = word.token, ["*", "/", "%"].contains(symbol) {
            at += 1
            made = .comparison(symbol, made, try part())
        }
        return made
    }

    /// Parses a value with the parts of it that follow: `properties.a['b'][0]`.
    private mutating func part() throws(KustoFailure) -> KustoExpression {
        var made = try value()
        while true {
            if take(".") {
                made = .part(made, .literal(.string(try expectName())))
            } else if take("[") {
                let isNegative = take("-")
                let key = try expression()
                made = .part(made, isNegative ? .comparison("-", .literal(0), key) : key)
                try expect("]")
            } else {
                return made
            }
        }
    }

    private mutating func value() throws(KustoFailure) -> KustoExpression {
        if case .literal(let value) = word.token {
            at += 1
            return .literal(value)
        }
        if take("-") {
            try deepen()
            defer { depth -= 1 }
            return .comparison("-", .literal(0), try part())
        }
        if take("(") {
            let made = try expression()
            try expect(")")
            return made
        }
        if take("[") {
            // A name in brackets is a column with blanks in its name.
            guard case .literal(let name) = word.token, let text = name.string else { throw .syntax(word) }
            at += 1
            try expect("]")
            return .column(text)
        }
        let name = try expectName()
        guard take("(") else { return expressions[name] ?? .column(name) }
        if take(")") { return .call(name, []) }
        let arguments = try list { (query) throws(KustoFailure) in
            KustoSum.takesRows(name) && query.take("*") ? .column("*") : try query.expression()
        }
        try expect(")")
        return .call(name, arguments)
    }
}
