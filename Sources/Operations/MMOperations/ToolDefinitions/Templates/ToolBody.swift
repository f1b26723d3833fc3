package import MMCore

/// A JSON value with placeholders. A member whose placeholder has no value is left out.
package indirect enum ToolBody: Sendable {
    case value(JSONValue)
    case template(ToolTemplate)
    case list([ToolBody])
    case object([(key: String, value: ToolBody)])

    /// The placeholders.
    package var references: [ToolReference] {
        switch self {
        case .value: []
        case .template(let template): template.references
        case .list(let items): items.flatMap(\.references)
        case .object(let members): members.flatMap { $0.value.references }
        }
    }

    /// The value; `nil` where a placeholder has none.
    /// - Throws: `invalidInput` for a value that is missing within a text.
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

    /// The value with what is known; other placeholders stay.
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
