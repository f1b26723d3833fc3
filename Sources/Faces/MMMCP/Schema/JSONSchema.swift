package import MMCore

/// A JSON Schema (2020-12), limited to what the schemas of tools and forms are made of; compiled once and applied to any number of
/// values.
///
/// Supports types, `enum`, `const`, bounds of numbers, texts and lists, `format`, `items`, `properties`, `required`,
/// `additionalProperties`, `allOf`, `anyOf`, `oneOf`, `if`, and `$ref` within the document. Any other keyword makes the schema invalid
/// instead of being ignored; names that begin with `x-` count as annotations.
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

    /// The known name of a member that is meant by an unknown one.
    package typealias NameAdvice = @Sendable (_ unknown: String, _ known: [String]) -> String?

    /// What is to be said of a member that the schema doesn't know, after its name.
    package typealias NameRemark = @Sendable (_ unknown: String) -> String?

    let nodes: [SchemaNode]
    /// Says what is meant by members that the schema doesn't know.
    var advice: NameAdvice = { NearestNames.of($0, among: $1, limit: 1).first }

    /// Says where members of the root belong that the schema doesn't know.
    var remark: NameRemark = { _ in nil }

    /// Compiles a schema.
    /// - Parameters:
    ///   - schema: the schema.
    ///   - name: what error messages call it.
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
}
