public import MMCore

/// A JSON Schema (2020-12) in the part that tools need, read once and then applied to any number of values.
///
/// Everything that the standard's core, applicator and validation vocabularies define is supported, except what needs
/// other documents or bookkeeping across schemas: `$dynamicRef`, references to other files, `unevaluatedProperties` and
/// `unevaluatedItems`. A keyword that isn't known fails when the schema is read, never silently; names that begin with
/// `x-` are taken as notes.
public struct JSONSchema: Sendable {
    /// What is wrong with a value, in a sentence that a model can act on.
    public struct Problem: Sendable, Hashable, CustomStringConvertible {
        /// Where, such as `recipients[2].kind`; empty for the value itself.
        public let path: String
        /// What was found and what is allowed.
        public let message: String

        /// Place and message in one sentence.
        public var description: String { path.isEmpty ? message : "\(path): \(message)" }
    }

    let nodes: [SchemaNode]

    /// Reads a schema.
    /// - Parameters:
    ///   - schema: the schema.
    ///   - name: what error messages call it.
    /// - Throws: `MMError` that names the place and the keyword that is unknown, unsupported or ill-formed.
    public init(_ schema: JSONObject, called name: String = "The schema") throws(MMError) {
        try self.init(schema, called: name, notes: [])
    }

    /// As above; `notes` are further names that mean nothing here.
    init(_ schema: JSONObject, called name: String, notes: Set<String>) throws(MMError) {
        var compiler = SchemaCompiler(root: schema, name: name, notes: notes)
        nodes = try compiler.compile()
    }

    /// What is wrong with a value; empty when it fits.
    /// - Parameters:
    ///   - value: what was received.
    ///   - limit: most problems that are told.
    public func problems(of value: JSONValue, limit: Int = 8) -> [Problem] {
        var check = SchemaCheck(nodes: nodes, limit: limit)
        check.apply(0, to: value, at: "")
        return check.problems
    }
}
