import MMCore

/// Compiles a schema document into a table of nodes and rejects what can't be enforced.
struct SchemaCompiler {
    private let root: JSONObject
    private let name: String
    private let notes: Set<String>
    private var nodes: [SchemaNode] = []
    /// The node index of each place in the document; a `$ref` may name a place that is still being compiled.
    private var places: [String: Int] = [:]
    private var anchors: [String: String] = [:]
    private var references: [(node: Int, target: String)] = []

    /// Keywords that describe a value without constraining it.
    private static let annotations: Set<String> = [
        "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment", "$schema",
        "$id", "contentEncoding", "contentMediaType", "contentSchema",
    ]
    private static let dialect = "https://json-schema.org/draft/2020-12/schema"

    init(root: JSONObject, name: String, notes: Set<String>) {
        self.root = root
        self.name = name
        self.notes = notes
    }

    mutating func compile() throws(MMError) -> [SchemaNode] {
        if let dialect = root["$schema"] {
            let text = dialect.string.map { $0.hasSuffix("#") ? String($0.dropLast()) : $0 }
            guard text == Self.dialect else {
                throw fault("#", "has the dialect \(dialect), which is not 2020-12")
            }
        }
        _ = try node(.object(root), at: "#", depth: 0)
        try resolve()
        try rejectCycles()
        return nodes
    }

    private func fault(_ place: String, _ problem: String) -> MMError {
        MMError(.unsupported, "\(name) \(problem) (at \(place)).")
    }

    private mutating func node(_ schema: JSONValue, at place: String, depth: Int) throws(MMError) -> Int {
        let index = nodes.count
        nodes.append(SchemaNode())
        places[place] = index
        guard depth < 64 else { throw fault(place, "is nested deeper than 64") }
        switch schema {
        case .bool(let admits): nodes[index].admitsAnything = admits
        case .object(let members):
            for (keyword, value) in members {
                try read(keyword, value, of: index, at: place, depth: depth + 1)
            }
        default: throw fault(place, "must be an object or a boolean, not \(schema.kindName)")
        }
        return index
    }

    private mutating func read(
        _ keyword: String, _ value: JSONValue, of index: Int, at place: String, depth: Int
    ) throws(MMError) {
        let here = "\(place)/\(Self.escaped(keyword))"
        switch keyword {
        case "type": nodes[index].kinds = try kinds(value, at: here)
        case "enum":
            guard case .array(let values) = value, !values.isEmpty else { throw fault(here, "needs a list of values") }
            nodes[index].allowed = values
        case "const": nodes[index].constant = value
        case "minimum": nodes[index].minimum = try bound(value, at: here)
        case "maximum": nodes[index].maximum = try bound(value, at: here)
        case "minLength": nodes[index].minLength = try count(value, at: here)
        case "maxLength": nodes[index].maxLength = try count(value, at: here)
        case "format":
            guard case .string(let text) = value else { throw fault(here, "needs a string") }
            nodes[index].format = TextFormat(rawValue: text)
        case "items":
            guard value.array == nil else { throw fault(here, "must be one schema for all items") }
            nodes[index].items = try node(value, at: here, depth: depth)
        case "minItems": nodes[index].minItems = try count(value, at: here)
        case "maxItems": nodes[index].maxItems = try count(value, at: here)
        case "properties":
            for (key, child) in try object(value, at: here) {
                nodes[index].propertyOrder.append(key)
                nodes[index].properties[key] = try node(child, at: "\(here)/\(Self.escaped(key))", depth: depth)
            }
        case "required": nodes[index].required = try names(value, at: here)
        case "additionalProperties": nodes[index].additionalProperties = try node(value, at: here, depth: depth)
        case "allOf": nodes[index].allOf = try list(value, at: here, depth: depth)
        case "anyOf": nodes[index].anyOf = try list(value, at: here, depth: depth)
        case "oneOf": nodes[index].oneOf = try list(value, at: here, depth: depth)
        case "if": nodes[index].condition = try node(value, at: here, depth: depth)
        case "then": nodes[index].consequence = try node(value, at: here, depth: depth)
        case "else": nodes[index].alternative = try node(value, at: here, depth: depth)
        case "$ref":
            guard case .string(let target) = value else { throw fault(here, "needs a string") }
            references.append((index, target))
        case "$anchor":
            guard case .string(let anchor) = value, anchors.updateValue(place, forKey: anchor) == nil else {
                throw fault(here, "needs a unique name")
            }
        case "$defs", "definitions":
            for (key, child) in try object(value, at: here) {
                _ = try node(child, at: "\(here)/\(Self.escaped(key))", depth: depth)
            }
        default:
            guard Self.annotations.contains(keyword) || notes.contains(keyword) || keyword.hasPrefix("x-") else {
                throw fault(here, "has the keyword \"\(keyword)\", which is unknown or not supported")
            }
        }
    }
}

extension SchemaCompiler {
    /// Escapes a step of a JSON Pointer (RFC 6901, section 3).
    private static func escaped(_ step: String) -> String {
        String(step.flatMap { $0 == "~" ? "~0" : $0 == "/" ? "~1" : String($0) })
    }

    private func kinds(_ value: JSONValue, at place: String) throws(MMError) -> [SchemaNode.Kind] {
        let words = value.array ?? [value]
        var kinds: [SchemaNode.Kind] = []
        for word in words {
            guard let kind = word.string.flatMap(SchemaNode.Kind.init(rawValue:)) else {
                throw fault(place, "has the type \(word), which does not exist")
            }
            kinds.append(kind)
        }
        guard !kinds.isEmpty else { throw fault(place, "needs a type") }
        return kinds
    }

    private func bound(_ value: JSONValue, at place: String) throws(MMError) -> SchemaNode.Bound {
        guard let number = value.double, number.isFinite else { throw fault(place, "needs a number") }
        return SchemaNode.Bound(written: value, value: number)
    }

    private func count(_ value: JSONValue, at place: String) throws(MMError) -> Int {
        guard let count = value.int, count >= 0 else { throw fault(place, "needs a whole number that is not negative") }
        return count
    }

    private func names(_ value: JSONValue, at place: String) throws(MMError) -> [String] {
        var names: [String] = []
        for item in value.array ?? [.null] {
            guard case .string(let name) = item else { throw fault(place, "needs a list of names") }
            names.append(name)
        }
        return names
    }

    private func object(_ value: JSONValue, at place: String) throws(MMError) -> JSONObject {
        guard case .object(let members) = value else { throw fault(place, "needs an object") }
        return members
    }

    private mutating func list(_ value: JSONValue, at place: String, depth: Int) throws(MMError) -> [Int] {
        guard case .array(let items) = value, !items.isEmpty else { throw fault(place, "needs a list of schemas") }
        var children: [Int] = []
        for (position, item) in items.enumerated() {
            children.append(try node(item, at: "\(place)/\(position)", depth: depth))
        }
        return children
    }

    private mutating func resolve() throws(MMError) {
        for (node, target) in references {
            var place = target
            if target.hasPrefix("#"), target.dropFirst().first != "/", target != "#" {
                place = anchors[String(target.dropFirst())] ?? ""
            }
            guard let found = places[place] else {
                throw fault(target, "refers to a location that doesn't exist")
            }
            nodes[node].reference = found
        }
    }

    /// Rejects references that lead back to a schema for the same value: applying them would never end.
    private func rejectCycles() throws(MMError) {
        var states = [UInt8](repeating: 0, count: nodes.count)
        for start in nodes.indices where states[start] == 0 {
            guard !hasCircle(from: start, &states) else {
                throw fault("#", "refers to itself without descending into the value")
            }
        }
    }

    private func hasCircle(from index: Int, _ states: inout [UInt8]) -> Bool {
        if states[index] != 0 { return states[index] == 1 }
        states[index] = 1
        let node = nodes[index]
        let singles = [node.reference, node.condition, node.consequence, node.alternative].compactMap { $0 }
        let children = singles + node.allOf + node.anyOf + node.oneOf
        for child in children where hasCircle(from: child, &states) { return true }
        states[index] = 2
        return false
    }
}

/// One compiled schema. Its children are indices into the compiler's table, since `$ref` may form cycles.
struct SchemaNode: Sendable {
    /// The types that JSON Schema distinguishes.
    enum Kind: String, Sendable, CaseIterable {
        case null, boolean, integer, number, string, array, object

        /// The type's name in error messages, with its article.
        var words: String {
            switch self {
            case .null: "null"
            case .integer, .array, .object: "an \(rawValue)"
            default: "a \(rawValue)"
            }
        }
    }

    /// `false` for the schema that rejects every value.
    var admitsAnything = true
    var kinds: [Kind]?
    var allowed: [JSONValue]?
    var constant: JSONValue?

    var minimum: Bound?
    var maximum: Bound?

    var minLength: Int?
    var maxLength: Int?
    var format: TextFormat?

    var items: Int?
    var minItems: Int?
    var maxItems: Int?

    var properties: [String: Int] = [:]
    var propertyOrder: [String] = []
    var required: [String] = []
    var additionalProperties: Int?

    var reference: Int?
    var allOf: [Int] = []
    var anyOf: [Int] = []
    var oneOf: [Int] = []
    var condition: Int?
    var consequence: Int?
    var alternative: Int?

    /// A numeric limit, as written and as compared.
    struct Bound: Sendable {
        let written: JSONValue
        let value: Double
    }
}
