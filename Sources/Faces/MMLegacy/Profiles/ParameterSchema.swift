import MMCore

/// JSON Schemas of the earlier servers' parameters.
enum ParameterSchema {
    /// Returns the schema of a string.
    static func text(_ description: String) -> JSONValue {
        ["type": "string", "description": .string(description)]
    }

    /// Returns the schema of a choice of words.
    static func choice(_ words: [String], _ description: String, standard: String? = nil) -> JSONValue {
        var schema: JSONObject = [
            "type": "string", "enum": .array(words.map { .string($0) }), "description": .string(description),
        ]
        schema["default"] = standard.map { .string($0) }
        return .object(schema)
    }

    /// Returns the schema of a tool's arguments.
    static func object(_ properties: JSONObject, required: [String] = []) -> JSONObject {
        var schema: JSONObject = ["type": "object", "properties": .object(properties)]
        if !required.isEmpty { schema["required"] = .array(required.map { .string($0) }) }
        return schema
    }
}
