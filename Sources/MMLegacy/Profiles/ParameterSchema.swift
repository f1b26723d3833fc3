import MMCore

/// JSON Schemas of the earlier servers' parameters.
enum ParameterSchema {
    /// A text.
    static func text(_ description: String) -> JSONValue {
        ["type": "string", "description": .string(description)]
    }

    /// One of these words.
    static func choice(_ words: [String], _ description: String, standard: String? = nil) -> JSONValue {
        var schema: JSONObject = [
            "type": "string", "enum": .array(words.map { .string($0) }), "description": .string(description),
        ]
        schema["default"] = standard.map { .string($0) }
        return .object(schema)
    }

    /// The arguments of a tool.
    static func object(_ properties: JSONObject, required: [String] = []) -> JSONObject {
        var schema: JSONObject = ["type": "object", "properties": .object(properties)]
        if !required.isEmpty { schema["required"] = .array(required.map { .string($0) }) }
        return schema
    }
}
