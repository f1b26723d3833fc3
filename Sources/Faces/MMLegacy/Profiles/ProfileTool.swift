package import MMCore
package import MMOperations

/// One tool of a profile.
package struct ProfileTool: Sendable {
    /// The implementation of a tool: receives the validated arguments, the call's context, and the services of
    /// operations.
    package typealias Call =
        @Sendable (JSONObject, CallContext, OperationServices) async throws(MMError) -> ProfileAnswer

    /// The tool's exact name.
    package let name: String
    /// The description for models.
    package let description: String
    /// The JSON Schema of the arguments.
    package let inputSchema: JSONObject
    /// The JSON Schema of the structured answer, if there is one.
    package let outputSchema: JSONObject?
    /// The effects of a call.
    package let effects: OperationDeclaration.Effects
    /// The implementation. An error becomes a failed answer with message and hint.
    package let call: Call

    /// Creates a tool.
    /// - Parameters:
    ///   - name: the tool's exact name.
    ///   - description: the description for models.
    ///   - inputSchema: the JSON Schema of the arguments.
    ///   - outputSchema: the JSON Schema of the structured answer.
    ///   - effects: the effects of a call.
    ///   - call: the implementation.
    package init(
        name: String, description: String, inputSchema: JSONObject, outputSchema: JSONObject? = nil,
        effects: OperationDeclaration.Effects, call: @escaping Call
    ) {
        self.name = name
        self.description = description
        self.inputSchema = inputSchema
        self.outputSchema = outputSchema
        self.effects = effects
        // These answers come from a session or describe one, so tokens and keys are removed from them.
        self.call = { (arguments, context, services) async throws(MMError) in
            OutgoingFilter().answer(try await call(arguments, context, services))
        }
    }
}

/// The answer of a profile's tool.
package struct ProfileAnswer: Sendable {
    /// The text for the model.
    package var text: String
    /// The answer as data, if the tool has an output schema.
    package var structured: JSONObject?
    /// Whether the call failed; the text then says what to change.
    package var isError: Bool

    package init(_ text: String, structured: JSONObject? = nil, isError: Bool = false) {
        self.text = text
        self.structured = structured
        self.isError = isError
    }

    /// Returns a failure with a text.
    package static func failure(_ text: String) -> ProfileAnswer { ProfileAnswer(text, isError: true) }
}

extension OutgoingFilter {
    /// Returns a profile's answer without secrets.
    fileprivate func answer(_ answer: ProfileAnswer) -> ProfileAnswer {
        var clean = answer
        clean.text = text(answer.text)
        clean.structured = answer.structured.flatMap { json(.object($0)).object }
        return clean
    }
}
