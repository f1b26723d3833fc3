internal import MMCore

/// Reads a `$filter` text by precedence: primary, `not`, comparison and `in`, `and`, `or`.
struct FilterParser {
    private let text: String
    private let version: ODataVersion
    private let tokens: [(token: FilterToken, position: Int)]
    private var next = 0
    private var depth = 0

    /// The maximum nesting depth of a filter.
    static let depthLimit = 64
    /// The maximum length of a filter, in bytes.
    static let lengthLimit = 16_384

    /// The known functions, with the numbers of their arguments.
    static let functions: [String: ClosedRange<Int>] = [
        "startswith": 2...2, "endswith": 2...2, "contains": 2...2, "tolower": 1...1, "toupper": 1...1, "trim": 1...1,
        "length": 1...1, "indexof": 2...2, "concat": 2...2, "substring": 2...3, "year": 1...1, "month": 1...1,
        "day": 1...1, "hour": 1...1, "minute": 1...1, "second": 1...1,
    ]

    private init(_ text: String, _ version: ODataVersion) throws(QueryFault) {
        self.text = text
        self.version = version
        self.tokens = try FilterToken.all(in: text)
    }

    /// Returns the expression of a text.
    /// - Throws: `QueryFault` with the position of the fault.
    static func parse(_ text: String, version: ODataVersion = .four) throws(QueryFault) -> FilterExpression {
        guard text.utf8.count <= lengthLimit else { throw QueryFault(message: "The filter is too long.") }
        var parser = try FilterParser(text, version)
        let expression = try parser.disjunction()
        guard parser.next == parser.tokens.count else { throw parser.fault() }
        return expression
    }

    private func fault() -> QueryFault {
        .syntax(next < tokens.count ? tokens[next].position : text.utf8.count, in: text)
    }

    private var token: FilterToken? { next < tokens.count ? tokens[next].token : nil }

    private mutating func take(_ wanted: FilterToken) -> Bool {
        guard token == wanted else { return false }
        next += 1
        return true
    }

    private mutating func expect(_ wanted: FilterToken) throws(QueryFault) {
        guard take(wanted) else { throw fault() }
    }

    /// The service reads operators in any case, as OData 4.01 recommends (URL conventions, section 5.1.1.1).
    private mutating func takeWord(_ word: String) -> Bool {
        guard case .name(let name) = token, name.lowercased() == word else { return false }
        next += 1
        return true
    }

    private mutating func disjunction() throws(QueryFault) -> FilterExpression {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthLimit else { throw QueryFault(message: "The filter nests too deeply.") }
        var expression = try conjunction()
        while takeWord("or") { expression = .either(expression, try conjunction()) }
        return expression
    }

    private mutating func conjunction() throws(QueryFault) -> FilterExpression {
        var expression = try comparison()
        while takeWord("and") { expression = .both(expression, try comparison()) }
        return expression
    }

    private mutating func comparison() throws(QueryFault) -> FilterExpression {
        let left = try unary()
        guard case .name(let written) = token else { return left }
        let word = written.lowercased()
        if word == "in" {
            next += 1
            return .oneOf(left, try literalList())
        }
        guard let operation = FilterExpression.Comparison(rawValue: word) else { return left }
        next += 1
        return .compare(operation, left, try unary())
    }

    private mutating func unary() throws(QueryFault) -> FilterExpression {
        guard takeWord("not") else { return try primary() }
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthLimit else { throw QueryFault(message: "The filter nests too deeply.") }
        // `not` binds closer than a comparison (section 5.1.1.14), yet `not displayName eq 'x'` is written by many and
        // read by the service as the negation of the comparison.
        if token == .open { return .negated(try primary()) }
        return .negated(try comparison())
    }

    private mutating func literalList() throws(QueryFault) -> [ODataValue] {
        try expect(.open)
        var values: [ODataValue] = []
        repeat {
            guard let value = literal() else { throw fault() }
            values.append(value)
        } while take(.comma)
        try expect(.close)
        return values
    }

    private mutating func literal() -> ODataValue? {
        if version == .three, let value = typedLiteral() { return value }
        // A value of an enumeration may be written with its type: microsoft.graph.riskLevel'high'.
        if case .name(let type) = token, type.contains("."), next + 1 < tokens.count,
            case .text(let text) = tokens[next + 1].token
        {
            next += 2
            return .string(text)
        }
        let value: ODataValue
        switch token {
        case .text(let text): value = .string(text)
        case .guid(let text): value = .string(text)
        case .number(let number): value = .number(number)
        case .instant(let seconds): value = .instant(seconds)
        case .name("true"): value = .bool(true)
        case .name("false"): value = .bool(false)
        case .name("null"): value = .null
        default: return nil
        }
        next += 1
        return value
    }

    /// Reads a value that OData 3 writes with its type: `datetime'2026-11-01T00:00:00Z'`, `guid'…'`.
    private mutating func typedLiteral() -> ODataValue? {
        guard case .name(let type) = token, next + 1 < tokens.count, case .text(let text) = tokens[next + 1].token
        else { return nil }
        let value: ODataValue
        switch type.lowercased() {
        case "datetime":
            // Such a time needs no zone; it is then one of UTC.
            guard let seconds = ServiceTime.seconds(text) ?? ServiceTime.seconds(text + "Z") else { return nil }
            value = .instant(seconds)
        case "guid":
            guard GUID.isValid(text) else { return nil }
            value = .string(text.lowercased())
        default: return nil
        }
        next += 2
        return value
    }

    private mutating func primary() throws(QueryFault) -> FilterExpression {
        if take(.open) {
            let inner = try disjunction()
            try expect(.close)
            return inner
        }
        if let value = literal() { return .literal(value) }
        guard case .name(let name) = token else { throw fault() }
        if next + 1 < tokens.count, tokens[next + 1].token == .open { return try call(name) }
        return try path()
    }

    private mutating func call(_ name: String) throws(QueryFault) -> FilterExpression {
        let function = name.lowercased()
        if function == "isof" { return try cast() }
        // The predecessor of `contains`, whose arguments are the other way round.
        let isSubstring = function == "substringof" && version == .three
        guard let arity = isSubstring ? 2...2 : Self.functions[function] else {
            throw QueryFault(message: "An unknown function with name '\(name)' was found.")
        }
        next += 2
        var arguments: [FilterExpression] = []
        repeat { arguments.append(try disjunction()) } while take(.comma)
        try expect(.close)
        guard arity.contains(arguments.count) else {
            throw QueryFault(
                message: "No function signature for the function with name '\(name)' matches the arguments.")
        }
        return isSubstring ? .call("contains", arguments.reversed()) : .call(function, arguments)
    }

    /// Reads `isof(type)` and `isof(property, type)`. The type is written with quotes or without.
    private mutating func cast() throws(QueryFault) -> FilterExpression {
        next += 2
        var property: [String] = []
        if case .name(let first) = token, !first.contains(".") {
            guard case .path(let steps) = try path() else { throw fault() }
            property = steps
            try expect(.comma)
        }
        let type: String
        switch token {
        case .text(let text): type = text
        case .name(let name): type = name
        default: throw fault()
        }
        next += 1
        try expect(.close)
        return .isKind(property, type)
    }

    private mutating func path() throws(QueryFault) -> FilterExpression {
        var steps: [String] = []
        repeat {
            guard case .name(let step) = token else { throw fault() }
            next += 1
            if step == "$count", !steps.isEmpty { return .count(steps) }
            // The service accepts both in any case.
            let quantifier = step.lowercased()
            if quantifier == "any" || quantifier == "all", !steps.isEmpty, token == .open {
                return try lambda(over: steps, quantifier)
            }
            // A cast such as microsoft.graph.managedApp leads to the properties of a type derived from that of the
            // list.
            if !step.contains(".") || steps.isEmpty { steps.append(step) }
        } while take(.slash)
        guard let last = steps.last, !last.contains(".") else { throw fault() }
        return .path(steps)
    }

    private mutating func lambda(over steps: [String], _ quantifier: String) throws(QueryFault) -> FilterExpression {
        try expect(.open)
        if quantifier == "any", take(.close) { return .anyItem(steps, variable: "", nil) }
        guard case .name(let variable) = token else { throw fault() }
        next += 1
        try expect(.colon)
        let inner = try disjunction()
        try expect(.close)
        return quantifier == "any"
            ? .anyItem(steps, variable: variable, inner) : .allItems(steps, variable: variable, inner)
    }
}

/// The version of OData in which a service reads queries: Graph the fourth, SharePoint the third.
enum ODataVersion: Sendable {
    case three, four
}

/// A parsed `$filter` (OData 4.01 URL conventions, section 5.1.1).
indirect enum FilterExpression: Sendable {
    enum Comparison: String, Sendable {
        case eq, ne, gt, ge, lt, le
    }

    case literal(ODataValue)
    /// A property path; the first step may name a lambda variable.
    case path([String])
    /// The number of items of a collection property.
    case count([String])
    case compare(Comparison, FilterExpression, FilterExpression)
    case both(FilterExpression, FilterExpression)
    case either(FilterExpression, FilterExpression)
    case negated(FilterExpression)
    case oneOf(FilterExpression, [ODataValue])
    case call(String, [FilterExpression])
    /// Whether the object, or a property of it, is of a type.
    case isKind([String], String)
    case anyItem([String], variable: String, FilterExpression?)
    case allItems([String], variable: String, FilterExpression)

    /// The direct subexpressions.
    var children: [FilterExpression] {
        switch self {
        case .literal, .path, .count, .isKind: []
        case .compare(_, let left, let right), .both(let left, let right), .either(let left, let right): [left, right]
        case .negated(let inner), .oneOf(let inner, _), .allItems(_, _, let inner): [inner]
        case .call(_, let arguments): arguments
        case .anyItem(_, _, let inner): inner.map { [$0] } ?? []
        }
    }

    /// The paths of the properties that it reads, also of those that begin with a lambda variable.
    var paths: [[String]] {
        switch self {
        case .path(let steps), .count(let steps): [steps]
        default: children.flatMap(\.paths)
        }
    }
}

/// One token of a `$filter` text.
enum FilterToken: Equatable, Sendable {
    /// An identifier with dots, or a keyword.
    case name(String)
    case text(String)
    case number(Double)
    case instant(Double)
    case guid(String)
    case open, close, comma, slash, colon

    /// Returns all tokens of a text with their byte positions.
    /// - Throws: `QueryFault` where no token can be read.
    static func all(in text: String) throws(QueryFault) -> [(token: FilterToken, position: Int)] {
        let bytes = Array(text.utf8)
        var tokens: [(token: FilterToken, position: Int)] = []
        var position = 0
        while position < bytes.count {
            let start = position
            let byte = bytes[position]
            position += 1
            switch byte {
            case 0x20, 0x09, 0x0A, 0x0D: continue
            case UInt8(ascii: "("): tokens.append((.open, start))
            case UInt8(ascii: ")"): tokens.append((.close, start))
            case UInt8(ascii: ","): tokens.append((.comma, start))
            case UInt8(ascii: "/"): tokens.append((.slash, start))
            case UInt8(ascii: ":"): tokens.append((.colon, start))
            case UInt8(ascii: "'"):
                guard let string = quoted(bytes, &position) else { throw .syntax(start, in: text) }
                tokens.append((.text(string), start))
            default:
                guard isWord(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "@") else {
                    throw .syntax(start, in: text)
                }
                while position < bytes.count, continues(bytes, at: position, from: start) { position += 1 }
                let word = String(decoding: bytes[start..<position], as: UTF8.self)
                guard let token = token(of: word) else { throw .syntax(start, in: text) }
                tokens.append((token, start))
            }
        }
        return tokens
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "$"): true
        default: byte >= 0x80
        }
    }

    private static func continues(_ bytes: [UInt8], at position: Int, from start: Int) -> Bool {
        let byte = bytes[position]
        if isWord(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") { return true }
        let begins = bytes[start]
        let numeric = begins == UInt8(ascii: "-") || (begins >= 0x30 && begins <= 0x39)
        // Colons belong to times, plus signs to zones and exponents; elsewhere a colon ends a lambda variable.
        if byte == UInt8(ascii: ":") { return numeric && bytes[start..<position].contains(UInt8(ascii: "T")) }
        return byte == UInt8(ascii: "+") && numeric
    }

    private static func quoted(_ bytes: [UInt8], _ position: inout Int) -> String? {
        var content: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte != UInt8(ascii: "'") {
                content.append(byte)
            } else if position < bytes.count, bytes[position] == UInt8(ascii: "'") {
                content.append(byte)
                position += 1
            } else {
                return String(decoding: content, as: UTF8.self)
            }
        }
        return nil
    }

    private static func token(of word: String) -> FilterToken? {
        let first = word.utf8.first ?? 0
        if GUID.isValid(word) { return .guid(word.lowercased()) }
        if first == UInt8(ascii: "-") || (first >= 0x30 && first <= 0x39) {
            if let number = Double(word), number.isFinite { return .number(number) }
            if word.utf8.count >= 10, let instant = ServiceTime.seconds(word) { return .instant(instant) }
            return nil
        }
        return .name(word)
    }
}

/// The value of a `$filter` expression.
enum ODataValue: Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    /// Seconds since 1970.
    case instant(Double)
    case list([JSONValue])
    case object(JSONObject)

    init(_ json: JSONValue) {
        switch json {
        case .null: self = .null
        case .bool(let flag): self = .bool(flag)
        case .int(let number): self = .number(Double(number))
        case .double(let number): self = .number(number)
        case .number(let text): self = .number(Double(text) ?? .nan)
        case .string(let text): self = .string(text)
        case .array(let items): self = .list(items)
        case .object(let members): self = .object(members)
        }
    }

    /// The text, if this is one.
    var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    var isTrue: Bool {
        if case .bool(let flag) = self { flag } else { false }
    }

    /// Returns whether two values are equal by the service's rules: texts ignoring case, instants by time.
    func equals(_ other: ODataValue) -> Bool {
        switch (self, other) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.string(let left), .string(let right)): CaselessText.equal(left, right)
        case (.instant(let left), .instant(let right)): left == right
        case (.instant(let left), .string(let right)): ServiceTime.seconds(right) == left
        case (.string(let left), .instant(let right)): ServiceTime.seconds(left) == right
        default: false
        }
    }

    /// Returns whether this value comes before another; `nil` if the two have no order.
    func precedes(_ other: ODataValue) -> Bool? {
        switch (self, other) {
        case (.number(let left), .number(let right)): left < right
        case (.string(let left), .string(let right)): CaselessText.precedes(left, right)
        case (.instant(let left), .instant(let right)): left < right
        case (.instant(let left), .string(let right)): ServiceTime.seconds(right).map { left < $0 }
        case (.string(let left), .instant(let right)): ServiceTime.seconds(left).map { $0 < right }
        default: nil
        }
    }
}
