import MMCore

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
