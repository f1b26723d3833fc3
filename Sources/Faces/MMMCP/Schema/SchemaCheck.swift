package import MMCore

/// Applies a schema to one value and collects the violations.
struct SchemaCheck {
    private let nodes: [SchemaNode]
    private let limit: Int
    private let advice: JSONSchema.NameAdvice
    private let remark: JSONSchema.NameRemark
    private(set) var problems: [JSONSchema.Problem] = []
    /// Bounds the work that nested choices can cause.
    private var budget: Int

    init(
        nodes: [SchemaNode], limit: Int, budget: Int = 1_000_000, advice: @escaping JSONSchema.NameAdvice,
        remark: @escaping JSONSchema.NameRemark = { _ in nil }
    ) {
        self.advice = advice
        self.remark = remark
        self.nodes = nodes
        self.limit = limit
        self.budget = budget
    }

    private var isFull: Bool { problems.count >= limit || budget <= 0 }

    mutating func apply(_ index: Int, to value: JSONValue, at path: String) {
        budget -= 1
        if budget == 0 { problems.append(JSONSchema.Problem(path: path, message: "is too complex to validate")) }
        guard !isFull else { return }
        let node = nodes[index]
        guard node.admitsAnything else {
            add(path, "is not allowed here")
            return
        }
        if let kinds = node.kinds, !kinds.contains(where: { Self.fits(value, $0) }) {
            // The node's other keywords concern values of other types.
            add(path, "must be \(Self.either(kinds.map(\.words))), not \(value.kindName)")
            return
        }
        if let allowed = node.allowed, !allowed.contains(where: { Self.equal($0, value) }) {
            add(path, Self.notOneOf(allowed, value))
        }
        if let constant = node.constant, !Self.equal(constant, value) {
            add(path, "must be \(Self.shown(constant)), not \(Self.shown(value))")
        }
        switch value {
        case .string(let text): check(text, against: node, at: path)
        case .int, .double, .number: check(number: value, against: node, at: path)
        case .array(let items): check(items, against: node, at: path)
        case .object(let members): check(members, against: node, at: path)
        case .null, .bool: break
        }
        combine(node, value, at: path)
    }

    private mutating func add(_ path: String, _ message: String) {
        guard !isFull else { return }
        problems.append(JSONSchema.Problem(path: path, message: message))
    }

    /// Returns the problems that one schema finds on its own; a few are enough to choose between schemas.
    private mutating func separate(_ index: Int, _ value: JSONValue, at path: String) -> [JSONSchema.Problem] {
        var check = SchemaCheck(nodes: nodes, limit: 3, budget: budget, advice: advice)
        check.apply(index, to: value, at: path)
        budget = check.budget
        return check.problems
    }

    private mutating func combine(_ node: SchemaNode, _ value: JSONValue, at path: String) {
        if let reference = node.reference { apply(reference, to: value, at: path) }
        for child in node.allOf { apply(child, to: value, at: path) }
        if !node.anyOf.isEmpty { choose(node.anyOf, value, at: path, exactlyOne: false) }
        if !node.oneOf.isEmpty { choose(node.oneOf, value, at: path, exactlyOne: true) }
        if let condition = node.condition {
            let branch = separate(condition, value, at: path).isEmpty ? node.consequence : node.alternative
            if let branch { apply(branch, to: value, at: path) }
        }
    }

    private mutating func choose(_ branches: [Int], _ value: JSONValue, at path: String, exactlyOne: Bool) {
        var fitting = 0
        var nearest: [JSONSchema.Problem] = []
        var constants: [JSONValue] = []
        for branch in branches {
            if let constant = nodes[branch].constant { constants.append(constant) }
            let found = separate(branch, value, at: path)
            if found.isEmpty {
                fitting += 1
                if !exactlyOne { return }
            } else if nearest.isEmpty || Self.isNearer(found, than: nearest) {
                nearest = found
            }
        }
        if fitting == 1 { return }
        if fitting > 1 {
            add(path, "matches \(fitting) of the allowed forms, but must match exactly one")
        } else if constants.count == branches.count {
            add(path, Self.notOneOf(constants, value))
        } else {
            let reasons = nearest.map(\.description).joined(separator: "; ")
            add(path, "matches none of the \(branches.count) allowed forms; for the closest one: \(reasons)")
        }
    }

    /// Whether one list of problems comes from a schema that the value nearly fits: the problems lie deeper, or there
    /// are fewer.
    private static func isNearer(_ one: [JSONSchema.Problem], than other: [JSONSchema.Problem]) -> Bool {
        let depths = (one.map(\.path.count).max() ?? 0, other.map(\.path.count).max() ?? 0)
        return depths.0 != depths.1 ? depths.0 > depths.1 : one.count < other.count
    }
}

extension SchemaCheck {
    private mutating func check(_ text: String, against node: SchemaNode, at path: String) {
        if node.minLength != nil || node.maxLength != nil {
            let length = text.unicodeScalars.count
            if let least = node.minLength, length < least {
                add(path, "has \(length) characters; at least \(least) are required")
            }
            if let most = node.maxLength, length > most {
                add(path, "has \(length) characters; at most \(most) are allowed")
            }
        }
        if let format = node.format, !format.fits(text) {
            add(path, "is not a valid \(format.rawValue), such as \(format.example)")
        }
    }

    private mutating func check(number value: JSONValue, against node: SchemaNode, at path: String) {
        guard let number = value.double else { return }
        let shown = Self.shown(value)
        if let least = node.minimum, number < least.value {
            add(path, "is \(shown); it must be at least \(least.written)")
        }
        if let most = node.maximum, number > most.value {
            add(path, "is \(shown); it must be at most \(most.written)")
        }
    }

    private mutating func check(_ items: [JSONValue], against node: SchemaNode, at path: String) {
        if let least = node.minItems, items.count < least {
            add(path, "has \(items.count) items; at least \(least) are required")
        }
        if let most = node.maxItems, items.count > most {
            add(path, "has \(items.count) items; at most \(most) are allowed")
        }
        guard let child = node.items else { return }
        for (position, item) in items.enumerated() {
            guard !isFull else { return }
            apply(child, to: item, at: "\(path)[\(position)]")
        }
    }

    private mutating func check(_ members: JSONObject, against node: SchemaNode, at path: String) {
        var unknown: [String] = []
        for (key, value) in members {
            guard !isFull else { return }
            let there = Self.path(path, key)
            if let child = node.properties[key] {
                apply(child, to: value, at: there)
                continue
            }
            guard let rest = node.additionalProperties else { continue }
            if nodes[rest].admitsAnything {
                apply(rest, to: value, at: there)
            } else {
                unknown.append(key)
            }
        }
        for key in unknown {
            let told = path.isEmpty ? remark(key) : nil
            add(Self.path(path, key), told ?? notKnown(key, node, members))
        }
        for key in node.required where members[key] == nil {
            let near = NearestNames.of(key, among: unknown, limit: 1).first
            let advice = near.map { "; is \"\(MCPError.quotable($0))\" a misspelling of it?" } ?? ""
            add(Self.path(path, key), "is missing" + advice)
        }
    }

    private func notKnown(_ key: String, _ node: SchemaNode, _ members: JSONObject) -> String {
        let known = node.propertyOrder
        if known.isEmpty { return "is unknown; nothing is allowed here" }
        let near = advice(key, known.filter { members[$0] == nil })
        let advice = near.map { "; did you mean \"\($0)\"?" } ?? "."
        return "is unknown\(advice) Known: \(Self.listed(known.map { .string($0) }))"
    }
}

extension SchemaCheck {
    static func fits(_ value: JSONValue, _ kind: SchemaNode.Kind) -> Bool {
        switch (kind, value) {
        case (.null, .null), (.boolean, .bool), (.string, .string), (.array, .array), (.object, .object): true
        case (.number, .int), (.number, .double), (.number, .number), (.integer, .int): true
        case (.integer, .double(let number)): number == number.rounded()
        case (.integer, .number(let text)): !text.utf8.contains(UInt8(ascii: ".")) && !text.lowercased().contains("e")
        default: false
        }
    }

    /// Normalises numbers, so that equal values are equal however they are written.
    private static func plain(_ value: JSONValue) -> JSONValue {
        switch value {
        case .double(let number): Int64(exactly: number).map(JSONValue.int) ?? value
        case .array(let items): .array(items.map(plain))
        case .object(let members): .object(members.mapValues { plain($1) })
        default: value
        }
    }

    private static func equal(_ left: JSONValue, _ right: JSONValue) -> Bool {
        left == right || plain(left) == plain(right)
    }

    private static func path(_ path: String, _ key: String) -> String {
        let key = MCPError.quotable(key)
        let isPlain =
            !key.isEmpty && key.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "[") }
        let step = isPlain ? key : "\"\(key)\""
        return path.isEmpty ? step : "\(path).\(step)"
    }

    /// Returns a value as messages show it: shortened, and without the contents of arrays and objects.
    private static func shown(_ value: JSONValue) -> String {
        switch value {
        case .string(let text):
            text.unicodeScalars.count <= 60
                ? JSONValue.string(text).description
                : "a string of \(text.unicodeScalars.count) characters"
        case .array, .object: value.kindName
        default: value.description
        }
    }

    private static func either(_ words: [String]) -> String { words.joined(separator: " or ") }

    private static func listed(_ values: [JSONValue]) -> String {
        let shown = values.prefix(20).map { Self.shown($0) }.joined(separator: ", ")
        return values.count > 20 ? "\(shown) and \(values.count - 20) more" : shown
    }

    private static func notOneOf(_ allowed: [JSONValue], _ value: JSONValue) -> String {
        var message = "is \(shown(value)); allowed: \(listed(allowed))"
        if case .string(let text) = value {
            let near = NearestNames.of(text, among: allowed.compactMap(\.string), limit: 1)
            if let name = near.first { message += "; did you mean \"\(name)\"?" }
        }
        return message
    }
}

/// A JSON Schema (2020-12), limited to what the schemas of tools and forms are made of; compiled once and applied to
/// any number of values.
///
/// Supports types, `enum`, `const`, bounds of numbers, texts and lists, `format`, `items`, `properties`, `required`,
/// `additionalProperties`, `allOf`, `anyOf`, `oneOf`, `if`, and `$ref` within the document. Any other keyword makes the
/// schema invalid instead of being ignored; names that begin with `x-` count as annotations.
package struct JSONSchema: Sendable {
    /// A violation of the schema, described in a sentence that a model can act on.
    package struct Problem: Sendable, Hashable, CustomStringConvertible {
        /// The path of the value, such as `recipients[2].kind`; empty for the root value.
        package let path: String
        /// What was found and what is allowed.
        package let message: String

        /// Path and message in one sentence.
        package var description: String { path.isEmpty ? message : "\(path): \(message)" }
    }

    /// Returns the known member that was probably meant by an unknown one.
    package typealias NameAdvice = @Sendable (_ unknown: String, _ known: [String]) -> String?

    /// Returns a remark about an unknown member, to follow its name in the message; `nil` for none.
    package typealias NameRemark = @Sendable (_ unknown: String) -> String?

    let nodes: [SchemaNode]
    /// Suggests known members for unknown ones.
    var advice: NameAdvice = { NearestNames.of($0, among: $1, limit: 1).first }

    /// Says where unknown members of the root belong.
    var remark: NameRemark = { _ in nil }

    /// Compiles a schema.
    /// - Parameters:
    ///   - schema: the schema.
    ///   - name: the schema's name in error messages.
    /// - Throws: `MMError` that names the place and the keyword that is unknown, unsupported or malformed.
    package init(_ schema: JSONObject, called name: String = "The schema") throws(MMError) {
        try self.init(schema, called: name, notes: [])
    }

    /// Compiles a schema; `notes` are further keywords to ignore as annotations.
    init(_ schema: JSONObject, called name: String, notes: Set<String>) throws(MMError) {
        var compiler = SchemaCompiler(root: schema, name: name, notes: notes)
        nodes = try compiler.compile()
    }

    /// Validates a value.
    /// - Parameters:
    ///   - value: the value to validate.
    ///   - limit: the maximum number of problems to report.
    /// - Returns: the violations; empty when the value is valid.
    package func problems(of value: JSONValue, limit: Int = 8) -> [Problem] {
        var check = SchemaCheck(nodes: nodes, limit: limit, advice: advice, remark: remark)
        check.apply(0, to: value, at: "")
        return check.problems
    }

    /// Returns an object in the schema's form, however a client writes it: without the members that are null although
    /// the schema neither admits nor requires them, as clients send for what a model left out, and with numbers and
    /// booleans in place of their texts where the schema admits no text. What can't be read stays, so that a check
    /// names it.
    package func inForm(_ object: JSONObject) -> JSONObject {
        guard let root = nodes.first else { return object }
        var plain = object
        for (name, value) in object {
            guard let child = root.properties[name] else { continue }
            switch value {
            case .null where !root.required.contains(name) && !admits(value, as: child): plain[name] = nil
            case .string(let text) where !admits(value, as: child):
                // Clients in Python write a boolean as `True`.
                guard let read = try? JSONParser.parse(text.lowercased(), limits: .strict) else { continue }
                switch read {
                // One out of bounds too: the check then names the bound.
                case .bool, .int, .double, .number: if hasKind(of: read, child) { plain[name] = read }
                default: continue
                }
            default: continue
            }
        }
        return plain
    }

    private func admits(_ value: JSONValue, as child: Int) -> Bool {
        var check = SchemaCheck(nodes: nodes, limit: 1, advice: advice)
        check.apply(child, to: value, at: "")
        return check.problems.isEmpty
    }

    private func hasKind(of value: JSONValue, _ child: Int) -> Bool {
        guard let kinds = nodes[child].kinds else { return admits(value, as: child) }
        return kinds.contains { SchemaCheck.fits(value, $0) }
    }
}
