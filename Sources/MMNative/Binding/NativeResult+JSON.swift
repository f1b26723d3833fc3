package import MMCore

extension PSValue {
    /// The value as JSON for programs: members in their order, dates in ISO form, deeper things as their text.
    /// - Parameter depth: how deep objects are followed.
    package func json(depth: Int) -> JSONValue {
        switch self {
        case .null: return .null
        case .bool(let flag): return .bool(flag)
        case .int(let number): return .int(Int64(number))
        case .long(let number): return .int(number)
        case .double(let number): return number.isFinite ? .double(number) : .string("\(number)")
        case .string(let text): return .string(text)
        case .date(let date): return .string(date.json ?? date.text)
        case .array(let items):
            guard depth >= 0 else { return .string(text) }
            return .array(items.map { $0.json(depth: depth - 1) })
        case .table(let table):
            guard depth > 0 else { return .string(text) }
            return .object(JSONObject(table.pairs.map { ($0.key, $0.value.json(depth: depth - 1)) }))
        case .object(let object):
            guard depth > 0 else { return .string(text) }
            return .object(JSONObject(zip(object.shape.names, object.values.map { $0.json(depth: depth - 1) })))
        default: return .string(text)
        }
    }

    /// What `ConvertTo-Json` makes of the value.
    /// - Parameter depth: how deep objects are followed.
    /// - Returns: `nil` where something lies deeper, which becomes the name of its type there and nothing is known of here.
    package func convertedToJSON(depth: Int) -> JSONValue? {
        guard let json = try? JSONText(self, depth: depth, isCompressed: true), !json.isTruncated else { return nil }
        return try? JSONParser.parse(json.text)
    }

    /// The lines in which values are shown; `nil` where the engine can't lay them out with certainty.
    package static func lines(of values: [PSValue], width: Int) -> [String]? {
        OutStringStage.lines(of: values, width: width)
    }

    /// The value's text, as a string with it in would show it.
    package var text: String { (try? PSText.string(self)) ?? typeName }
}
