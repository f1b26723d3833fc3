import MMCore

/// One schema of a tree of schemas, with its children by their place in the tree's table: `$ref` may lead in circles.
struct SchemaNode: Sendable {
    /// The types that JSON Schema tells apart.
    enum Kind: String, Sendable, CaseIterable {
        case null, boolean, integer, number, string, array, object

        /// The words of an error message.
        var words: String {
            switch self {
            case .null: "null"
            case .integer, .array, .object: "an \(rawValue)"
            default: "a \(rawValue)"
            }
        }
    }

    /// `false` for the schema that nothing fits.
    var admitsAnything = true
    var kinds: [Kind]?
    var allowed: [JSONValue]?
    var constant: JSONValue?

    var minimum: Bound?
    var maximum: Bound?
    var exclusiveMinimum: Bound?
    var exclusiveMaximum: Bound?
    var multipleOf: Bound?

    var minLength: Int?
    var maxLength: Int?
    var pattern: ECMAScriptPattern?
    var format: TextFormat?

    var prefixItems: [Int] = []
    var items: Int?
    var contains: Int?
    var minContains: Int?
    var maxContains: Int?
    var minItems: Int?
    var maxItems: Int?
    var hasUniqueItems = false

    var properties: [String: Int] = [:]
    var propertyOrder: [String] = []
    var required: [String] = []
    var patternProperties: [(pattern: ECMAScriptPattern, node: Int)] = []
    var additionalProperties: Int?
    var propertyNames: Int?
    var minProperties: Int?
    var maxProperties: Int?
    var dependentRequired: [(property: String, needs: [String])] = []
    var dependentSchemas: [(property: String, node: Int)] = []

    var reference: Int?
    var allOf: [Int] = []
    var anyOf: [Int] = []
    var oneOf: [Int] = []
    var not: Int?
    var condition: Int?
    var consequence: Int?
    var alternative: Int?

    /// A number that values are compared with, as it was written and as it is compared.
    struct Bound: Sendable {
        let written: JSONValue
        let value: Double
    }
}
