internal import MMCore

/// The OData options of a request, parsed and checked.
struct QueryOptions: Sendable {
    /// One `$orderby` key.
    struct SortKey: Sendable {
        let path: [String]
        let descending: Bool
    }

    /// One `$expand` item.
    struct Expansion: Sendable {
        let name: String
        var select: [String]?
        var top: Int?
        var filter: FilterExpression?
        var expand: [Expansion] = []
    }

    var select: [String]?
    var filter: FilterExpression?
    var orderBy: [SortKey] = []
    var top: Int?
    var skip: Int?
    var skipToken: String?
    var deltaToken: String?
    var search: SearchExpression?
    var count = false
    var expand: [Expansion] = []
    /// The options that aren't OData options.
    var other: [(name: String, value: String)] = []

    private static let names: Set<String> = [
        "select", "filter", "orderby", "top", "skip", "skiptoken", "deltatoken", "search", "count", "expand", "format",
    ]

    /// Reads a query.
    /// - Parameters:
    ///   - query: the raw text after `?`.
    ///   - searchesText: whether `$search` is a plain text, as `search` is: sites are searched so ("Search for sites").
    ///   - version: the version of OData of `$filter`.
    /// - Throws: `QueryFault` naming the option.
    init(
        parsing query: String, searchesText: Bool = false, version: ODataVersion = .four
    ) throws(QueryFault) {
        let fields = PostedForm(parsing: query)
        guard !fields.isMalformed else { throw QueryFault(message: "The query string is not properly encoded.") }
        var seen: Set<String> = []
        for (name, value) in fields.pairs {
            let marked = name.hasPrefix("$")
            let plain = (marked ? String(name.dropFirst()) : name).lowercased()
            if plain == "search", searchesText {
                other.append((plain, value.filter { $0 != "\"" }))
                continue
            }
            guard Self.names.contains(plain), marked || plain != "search" else {
                if marked { throw QueryFault(message: "The query parameter '\(name)' is not supported.") }
                other.append((name, value))
                continue
            }
            guard seen.insert(plain).inserted else {
                throw QueryFault(
                    message:
                        "Query option '\(name)' was specified more than once, but it must be specified at most once.")
            }
            try set(plain, value, version)
        }
    }

    private mutating func set(_ name: String, _ value: String, _ version: ODataVersion) throws(QueryFault) {
        switch name {
        case "select": select = try Self.names(value, option: "$select").map(Self.property)
        case "filter": filter = try FilterParser.parse(value, version: version)
        case "orderby": orderBy = try Self.sortKeys(value)
        case "top": top = try Self.number(value, option: "$top")
        case "skip": skip = try Self.number(value, option: "$skip")
        case "skiptoken": skipToken = value
        case "deltatoken": deltaToken = value
        case "search": search = try SearchExpression.parse(value)
        case "count":
            switch value.lowercased() {
            case "true": count = true
            case "false": count = false
            default:
                throw QueryFault(
                    message:
                        "Invalid value '\(value)' for $count query option found. Valid values are 'true' and 'false'.")
            }
        case "expand": expand = try Self.expansions(value)
        default: break
        }
    }

    private static func number(_ value: String, option: String) throws(QueryFault) -> Int {
        guard let number = Int(value), number >= 0 else {
            throw QueryFault(
                message:
                    "Invalid value '\(value)' for \(option) query option found. The \(option) query option requires a non-negative integer value."
            )
        }
        return number
    }

    /// Returns a property in the service's spelling: its own queries accept names in any case, and all of them begin
    /// with a lower-case letter.
    private static func property(_ name: String) -> String { name.prefix(1).lowercased() + name.dropFirst() }

    private static func names(_ value: String, option: String) throws(QueryFault) -> [String] {
        var names: [String] = []
        for piece in value.split(separator: ",", omittingEmptySubsequences: false) {
            let name = piece.trimmed
            guard !name.isEmpty else {
                throw QueryFault(message: "Term '\(value)' is not valid in a \(option) expression.")
            }
            if !names.contains(name) { names.append(name) }
        }
        return names
    }

    private static func sortKeys(_ value: String) throws(QueryFault) -> [SortKey] {
        var keys: [SortKey] = []
        for piece in value.split(separator: ",", omittingEmptySubsequences: false) {
            let words = piece.split(separator: " ")
            let direction = words.count > 1 ? words[1].lowercased() : "asc"
            guard words.count == 1 || words.count == 2, direction == "asc" || direction == "desc" else {
                throw QueryFault(message: "Syntax error in '$orderby': '\(value)'.")
            }
            keys.append(SortKey(path: words[0].split(separator: "/").map(String.init), descending: direction == "desc"))
        }
        return keys
    }

    private static func expansions(_ value: String) throws(QueryFault) -> [Expansion] {
        var expansions: [Expansion] = []
        for piece in topLevel(value, separator: ",") {
            let text = piece.trimmed
            guard let mark = text.firstIndex(of: "(") else {
                guard !text.isEmpty else {
                    throw QueryFault(message: "Term '\(value)' is not valid in a $expand expression.")
                }
                expansions.append(Expansion(name: property(text)))
                continue
            }
            guard text.hasSuffix(")") else {
                throw QueryFault(message: "Term '\(text)' is not valid in a $expand expression.")
            }
            var expansion = Expansion(name: property(String(text[..<mark])))
            for option in topLevel(text[text.index(after: mark)...].dropLast(), separator: ";") {
                let halves = option.split(separator: "=", maxSplits: 1)
                guard halves.count == 2 else {
                    throw QueryFault(message: "Term '\(text)' is not valid in a $expand expression.")
                }
                // As for the options of a request, the $ may be missing.
                let name = halves[0].trimmed.lowercased()
                switch name.hasPrefix("$") ? name : "$" + name {
                case "$select": expansion.select = try names(String(halves[1]), option: "$select").map(property)
                case "$top": expansion.top = try number(halves[1].trimmed, option: "$top")
                case "$filter": expansion.filter = try FilterParser.parse(String(halves[1]), version: .four)
                case "$expand": expansion.expand = try Self.expansions(String(halves[1]))
                case "$levels": break
                default: throw QueryFault(message: "The option '\(halves[0])' is not supported in $expand.")
                }
            }
            expansions.append(expansion)
        }
        return expansions
    }

    private static func topLevel(_ text: some StringProtocol, separator: Character) -> [String] {
        var pieces = [""]
        var depth = 0
        var isQuoted = false
        for character in text {
            if character == "'" { isQuoted.toggle() }
            if isQuoted {
                pieces[pieces.count - 1].append(character)
                continue
            }
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if character == separator, depth == 0 {
                pieces.append("")
            } else {
                pieces[pieces.count - 1].append(character)
            }
        }
        return pieces
    }
}

/// The conversion of property names, which the service accepts in any case.
extension QueryOptions {
    /// Returns the options with the property names in the canonical spelling of a type.
    func spelled(as kind: EntityKind) -> QueryOptions {
        func spelled(_ name: String) -> String { kind.spelling(of: name) }
        func spelled(_ path: [String]) -> [String] {
            guard let first = path.first else { return path }
            let isRelated = kind.related.contains(first.lowercased())
            // Names within a complex property begin with a small letter; those of attribute sets are the tenant's own.
            let inner = path.dropFirst().map { part in
                first.lowercased() == "customsecurityattributes"
                    ? part : part.prefix(1).lowercased() + part.dropFirst()
            }
            return [isRelated ? first.prefix(1).lowercased() + first.dropFirst() : spelled(first)] + inner
        }
        var options = self
        options.select = select?.map(spelled)
        // The service puts the id of a user beside the activity, which is kept elsewhere under that id.
        if options.select?.contains("signInActivity") == true, options.select?.contains("id") == false {
            options.select?.append("id")
        }
        options.orderBy = orderBy.map { SortKey(path: spelled($0.path), descending: $0.descending) }
        options.filter = filter?.spelled(spelled)
        return options
    }
}

extension FilterExpression {
    fileprivate func spelled(_ name: ([String]) -> [String]) -> FilterExpression {
        switch self {
        case .literal: self
        case .path(let path): .path(name(path))
        case .count(let path): .count(name(path))
        case .compare(let operation, let left, let right): .compare(operation, left.spelled(name), right.spelled(name))
        case .both(let left, let right): .both(left.spelled(name), right.spelled(name))
        case .either(let left, let right): .either(left.spelled(name), right.spelled(name))
        case .negated(let inner): .negated(inner.spelled(name))
        case .oneOf(let inner, let values): .oneOf(inner.spelled(name), values)
        case .call(let function, let arguments): .call(function, arguments.map { $0.spelled(name) })
        case .isKind(let path, let type): .isKind(path.isEmpty ? path : name(path), type)
        // Within a lambda, a path begins with its variable.
        case .anyItem(let path, let variable, let inner): .anyItem(name(path), variable: variable, inner)
        case .allItems(let path, let variable, let inner): .allItems(name(path), variable: variable, inner)
        }
    }
}

/// The reason why a query option is refused, in the service's words.
struct QueryFault: Error {
    /// The error code of the answer.
    var code = "BadRequest"
    /// The description of the fault.
    let message: String

    static func syntax(_ position: Int, in text: String) -> QueryFault {
        QueryFault(message: "Syntax error at position \(position) in '\(text)'.")
    }

    static func unknownProperty(_ name: String, on type: String) -> QueryFault {
        QueryFault(message: "Could not find a property named '\(name)' on type 'microsoft.graph.\(type)'.")
    }

    static func unsupported(_ message: String) -> QueryFault {
        QueryFault(code: "Request_UnsupportedQuery", message: message)
    }
}
