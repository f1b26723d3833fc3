package import MMCore

/// The content of a placeholder: a parameter, a member of the current row or of an earlier step's result; unchanged, or
/// converted from a number of days to a time.
package struct ToolReference: Sendable, Hashable {
    /// The conversion of the value.
    package enum Change: String, Sendable, CaseIterable {
        /// The time that many days ago.
        case daysAgo
        /// The time in that many days.
        case daysAhead
    }

    /// The name of a parameter, `item`, `now`, or the id of a step.
    package let root: String
    /// The names of the members below it.
    package let members: [String]
    /// The conversion of the value.
    package let change: Change?

    /// Reads the text between the braces of a placeholder.
    /// - Throws: `invalidInput`.
    package init(_ text: String) throws(MMError) {
        let parts = text.split(separator: "|", omittingEmptySubsequences: false).map {
            String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
        let names = (parts.first ?? "").split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2, let root = names.first,
            names.allSatisfy({ name in
                !name.isEmpty
                    && name.unicodeScalars.allSatisfy {
                        $0.properties.isAlphabetic || ("0"..."9").contains($0) || "_@-".unicodeScalars.contains($0)
                    }
            })
        else {
            throw MMError(
                .invalidInput, "`{\(text.prefix(60))}` is not a placeholder.",
                hint:
                    "Write {parameter}, {item.member}, {step.member} or {parameter|daysAgo}; for a literal brace write {{ or }}."
            )
        }
        self.root = root
        members = Array(names.dropFirst())
        guard parts.count == 2 else {
            change = nil
            return
        }
        guard let change = Change(rawValue: parts[1]) else {
            throw MMError(
                .invalidInput, "`{\(text.prefix(60))}` has an unknown function.",
                hint: "The functions are \(Change.allCases.map(\.rawValue).joined(separator: " and ")).")
        }
        self.change = change
    }

    /// The placeholder without its braces.
    package var text: String { ([root] + members).joined(separator: ".") + (change.map { "|\($0.rawValue)" } ?? "") }
}

/// The values of placeholders.
package struct ToolScope: Sendable {
    /// The values of the parameters.
    package var parameters: JSONObject
    /// The results of the steps so far.
    package var results: JSONObject = [:]
    /// The current row.
    package var item: JSONValue?
    /// The time at which the call began.
    package let now: Timestamp

    package init(parameters: JSONObject, now: Timestamp = .now) {
        self.parameters = parameters
        self.now = now
    }

    /// Returns the value of a placeholder; `nil` where there is none.
    /// - Throws: `invalidInput` where a number of days is expected and the value isn't a number.
    package func value(of reference: ToolReference) throws(MMError) -> JSONValue? {
        var value: JSONValue? =
            switch reference.root {
            case "item": item
            case "now": .string(now.iso8601)
            default: results[reference.root] ?? parameters[reference.root]
            }
        for member in reference.members { value = value?.object?[member] }
        guard let found = value, !found.isNull else { return nil }
        guard let change = reference.change else { return found }
        guard let days = found.int, (-36_500...36_500).contains(days) else {
            throw MMError(
                .invalidInput, "`\(reference.root)` is not a number of days.", hint: "Use a whole number up to 36500.",
                details: ["field": .string(reference.root)])
        }
        let shift = Duration.seconds(86_400 * days)
        return .string((now + (change == .daysAgo ? .zero - shift : shift)).iso8601)
    }

    /// Whether a value is set: not missing, null, false or empty.
    package func holds(_ reference: ToolReference) throws(MMError) -> Bool {
        switch try value(of: reference) {
        case nil, .null?, .bool(false)?, .string("")?: false
        case .array(let items)?: !items.isEmpty
        default: true
        }
    }
}

/// A JSON value with placeholders. A member whose placeholder has no value is left out.
package indirect enum ToolBody: Sendable {
    case value(JSONValue)
    case template(ToolTemplate)
    case list([ToolBody])
    case object([(key: String, value: ToolBody)])

    /// The placeholders of the value.
    package var references: [ToolReference] {
        switch self {
        case .value: []
        case .template(let template): template.references
        case .list(let items): items.flatMap(\.references)
        case .object(let members): members.flatMap { $0.value.references }
        }
    }

    /// Returns the JSON value; `nil` where a placeholder alone has no value.
    /// - Throws: `invalidInput` for a missing value within a text.
    package func json(in scope: ToolScope) throws(MMError) -> JSONValue? {
        switch self {
        case .value(let value): return value
        case .template(let template): return try template.json(in: scope)
        case .list(let items):
            var values: [JSONValue] = []
            for item in items { if let value = try item.json(in: scope) { values.append(value) } }
            return .array(values)
        case .object(let members):
            var object = JSONObject()
            for (key, member) in members { object[key] = try member.json(in: scope) }
            return .object(object)
        }
    }

    /// Returns the JSON value with the known values; other placeholders are kept.
    package func shown(in scope: ToolScope) -> JSONValue {
        switch self {
        case .value(let value): value
        case .template(let template):
            if template.references.count == 1, template.pieces.count == 1,
                let value = try? scope.value(of: template.references[0])
            {
                value
            } else {
                .string(template.shown(in: scope))
            }
        case .list(let items): .array(items.map { $0.shown(in: scope) })
        case .object(let members): .object(JSONObject(members.map { ($0.key, $0.value.shown(in: scope)) }))
        }
    }
}
