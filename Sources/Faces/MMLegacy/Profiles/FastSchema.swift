import MMCore

/// Schemas in the form that the framework of the two shell servers generated from typed parameters.
enum FastSchema {
    /// The type of a parameter.
    enum Kind {
        case text, number, flag, optionalText, optionalNumber
    }

    /// A parameter; required if it has no default.
    struct Parameter {
        let name: String
        let kind: Kind
        let standard: JSONValue?
        let summary: String

        init(_ name: String, _ kind: Kind, standard: JSONValue? = nil, _ summary: String) {
            self.name = name
            self.kind = kind
            switch kind {
            case .optionalText, .optionalNumber: self.standard = standard ?? .null
            default: self.standard = standard
            }
            self.summary = summary
        }

        fileprivate var schema: JSONValue {
            var schema: JSONObject
            switch kind {
            case .text: schema = ["type": "string"]
            case .number: schema = ["type": "integer"]
            case .flag: schema = ["type": "boolean"]
            case .optionalText: schema = ["anyOf": [["type": "string"], ["type": "null"]]]
            case .optionalNumber: schema = ["anyOf": [["type": "integer"], ["type": "null"]]]
            }
            if let standard { schema["default"] = standard }
            schema["title"] = .string(
                name.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined(separator: " "))
            schema["description"] = .string(summary)
            return .object(schema)
        }
    }

    /// Returns the schema of a tool's arguments.
    static func arguments(_ tool: String, _ parameters: [Parameter]) -> JSONObject {
        var properties = JSONObject()
        for parameter in parameters { properties[parameter.name] = parameter.schema }
        var schema: JSONObject = [
            "type": "object", "title": .string(tool + "Arguments"), "properties": .object(properties),
        ]
        let required = parameters.filter { $0.standard == nil }.map { JSONValue.string($0.name) }
        if !required.isEmpty { schema["required"] = .array(required) }
        return schema
    }

    /// Returns the schema of a tool's answer that may be any object.
    static func dictionary(_ tool: String) -> JSONObject {
        ["type": "object", "title": .string(tool + "DictOutput"), "additionalProperties": true]
    }

    /// Returns the schema of a tool's answer that is a text.
    static func wrappedText(_ tool: String) -> JSONObject {
        [
            "type": "object", "title": .string(tool + "Output"), "required": ["result"],
            "properties": ["result": ["title": "Result", "type": "string"]], "x-fastmcp-wrap-result": true,
        ]
    }
}

/// The arguments of the earlier servers' tools; absent and null values have their defaults.
struct ToolArguments {
    let values: JSONObject

    init(_ values: JSONObject) { self.values = values }

    /// Returns a string; nil when it is absent, null or empty.
    func text(_ name: String) -> String? { values[name]?.string.flatMap { $0.isEmpty ? nil : $0 } }
    /// Returns a string as written; empty when it is absent.
    func written(_ name: String) -> String { values[name]?.string ?? "" }
    /// Returns an integer.
    func number(_ name: String) -> Int? { values[name]?.int }
    /// Returns a boolean; false when it is absent.
    func flag(_ name: String) -> Bool { values[name]?.bool ?? false }
}
