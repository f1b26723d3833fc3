package import MMCore
package import MMOperations

/// One tool of a profile.
package struct ProfileTool: Sendable {
    /// What a call runs: arguments that passed the schema, who calls, and what operations work with.
    package typealias Call =
        @Sendable (JSONObject, CallContext, OperationServices) async throws(MMError) -> ProfileAnswer

    /// The tool's name, exactly.
    package let name: String
    /// What a model reads.
    package let description: String
    /// JSON Schema of the arguments.
    package let inputSchema: JSONObject
    /// JSON Schema of the structured answer, where there is one.
    package let outputSchema: JSONObject?
    /// What it does to the world.
    package let effects: OperationDeclaration.Effects
    /// What a call runs. An error it throws becomes a failed answer with message and hint.
    package let call: Call

    /// A tool.
    /// - Parameters:
    ///   - name: the tool's name, exactly.
    ///   - description: what a model reads.
    ///   - inputSchema: JSON Schema of the arguments.
    ///   - outputSchema: JSON Schema of the structured answer.
    ///   - effects: what it does to the world.
    ///   - call: what a call runs.
    package init(
        name: String, description: String, inputSchema: JSONObject, outputSchema: JSONObject? = nil,
        effects: OperationDeclaration.Effects, call: @escaping Call
    ) {
        self.name = name
        self.description = description
        self.inputSchema = inputSchema
        self.outputSchema = outputSchema
        self.effects = effects
        // What these tools answer was written by a session, or is about one: no token and no key leaves with it.
        self.call = { (arguments, context, services) async throws(MMError) in
            OutgoingFilter().answer(try await call(arguments, context, services))
        }
    }
}

/// What a profile's tool answers.
package struct ProfileAnswer: Sendable {
    /// What the model reads.
    package var text: String
    /// The answer as data, where the tool has an output schema.
    package var structured: JSONObject?
    /// Whether the work failed; the text then says what to change.
    package var isError: Bool

    package init(_ text: String, structured: JSONObject? = nil, isError: Bool = false) {
        self.text = text
        self.structured = structured
        self.isError = isError
    }

    /// A failure in words.
    package static func failure(_ text: String) -> ProfileAnswer { ProfileAnswer(text, isError: true) }
}

extension OutgoingFilter {
    /// A profile's answer without secrets.
    fileprivate func answer(_ answer: ProfileAnswer) -> ProfileAnswer {
        var clean = answer
        clean.text = text(answer.text)
        clean.structured = answer.structured.flatMap { json(.object($0)).object }
        return clean
    }
}
