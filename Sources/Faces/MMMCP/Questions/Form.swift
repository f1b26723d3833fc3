public import MMCore

/// A form for the user: a flat list of fields. Never ask for secrets in a form.
public struct Form: Sendable, Hashable {
    /// A field of a form.
    public struct Field: Sendable, Hashable {
        let name: String
        var schema: JSONObject
        var isRequired = true

        private init(_ name: String, _ kind: String, _ title: String?, _ description: String?) {
            self.name = name
            schema = ["type": .string(kind)]
            schema["title"] = title.map(JSONValue.string)
            schema["description"] = description.map(JSONValue.string)
        }

        /// A line of text.
        /// - Parameter format: `email`, `uri`, `date` or `date-time`.
        public static func text(
            _ name: String, title: String? = nil, description: String? = nil, length: ClosedRange<Int>? = nil,
            format: String? = nil, default value: String? = nil
        ) -> Field {
            var field = Field(name, "string", title, description)
            field.schema["minLength"] = length.map { .int(Int64($0.lowerBound)) }
            field.schema["maxLength"] = length.map { .int(Int64($0.upperBound)) }
            field.schema["format"] = format.map(JSONValue.string)
            field.schema["default"] = value.map(JSONValue.string)
            return field
        }

        /// A whole number.
        public static func integer(
            _ name: String, title: String? = nil, description: String? = nil, in range: ClosedRange<Int>? = nil,
            default value: Int? = nil
        ) -> Field {
            var field = Field(name, "integer", title, description)
            field.schema["minimum"] = range.map { .int(Int64($0.lowerBound)) }
            field.schema["maximum"] = range.map { .int(Int64($0.upperBound)) }
            field.schema["default"] = value.map { .int(Int64($0)) }
            return field
        }

        /// A number.
        public static func number(
            _ name: String, title: String? = nil, description: String? = nil, in range: ClosedRange<Double>? = nil,
            default value: Double? = nil
        ) -> Field {
            var field = Field(name, "number", title, description)
            field.schema["minimum"] = range.map { .double($0.lowerBound) }
            field.schema["maximum"] = range.map { .double($0.upperBound) }
            field.schema["default"] = value.map(JSONValue.double)
            return field
        }

        /// Yes or no.
        public static func boolean(
            _ name: String, title: String? = nil, description: String? = nil, default value: Bool? = nil
        ) -> Field {
            var field = Field(name, "boolean", title, description)
            field.schema["default"] = value.map(JSONValue.bool)
            return field
        }

        /// A choice of one value.
        /// - Parameter titles: the labels shown to the user, in the order of the values; empty to show the values
        ///   themselves.
        package static func choice(
            _ name: String, of values: [String], titles: [String] = [], title: String? = nil,
            description: String? = nil, default value: String? = nil
        ) -> Field {
            var field = Field(name, "string", title, description)
            if titles.count == values.count, !values.isEmpty {
                field.schema["oneOf"] = .array(Self.titled(values, titles))
            } else {
                field.schema["enum"] = .array(values.map(JSONValue.string))
            }
            field.schema["default"] = value.map(JSONValue.string)
            return field
        }

        private static func titled(_ values: [String], _ titles: [String]) -> [JSONValue] {
            zip(values, titles).map { ["const": .string($0), "title": .string($1)] }
        }

        /// The same field, which may be left empty.
        public var optional: Field {
            var copy = self
            copy.isRequired = false
            return copy
        }
    }

    /// The form's schema as the protocol writes it.
    public let schema: JSONObject
    let check: JSONSchema

    /// Creates a form with these fields, in this order.
    /// - Throws: `MMError` with the code `invalidInput` for two fields with the same name.
    public init(_ fields: [Field]) throws(MMError) {
        var properties = JSONObject()
        for field in fields where properties.set(field.name, .object(field.schema)) {
            throw MMError(.invalidInput, "The form has two fields named \"\(field.name)\".")
        }
        var schema: JSONObject = ["type": "object", "properties": .object(properties)]
        let required = fields.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { schema["required"] = .array(required) }
        try self.init(schema: schema)
    }

    /// Creates a form from a hand-written schema.
    /// - Throws: `MMError` with the code `invalidInput` when the schema isn't flat or uses keywords that forms don't
    ///   have.
    public init(schema: JSONObject) throws(MMError) {
        guard schema["type"] == "object", let fields = schema["properties"]?.object else {
            throw MMError(.invalidInput, "A form's schema is an object with properties.")
        }
        for (name, field) in fields {
            let kind = field["type"]?.string
            let isFlat = ["string", "number", "integer", "boolean"].contains(kind)
            let items = field["items"]
            let isList = kind == "array" && (items?["enum"] != nil || items?["anyOf"] != nil || items?["oneOf"] != nil)
            guard isFlat || isList else {
                throw MMError(
                    .invalidInput,
                    "The form's field \"\(name)\" is not a string, a number, a Boolean or a list of choices.")
            }
        }
        check = try JSONSchema(schema, called: "The form", notes: ["enumNames"])
        self.schema = schema
    }

    /// Forms are equal when they have the same schema.
    public static func == (left: Form, right: Form) -> Bool { left.schema == right.schema }
    /// Hashes the form's schema.
    public func hash(into hasher: inout Hasher) { hasher.combine(schema) }
}
