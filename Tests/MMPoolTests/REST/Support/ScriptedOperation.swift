import MMCore
import MMOperations

/// An operation of a test: accepts any `text` and does what the test says.
struct ScriptedOperation: CatalogueOperation {
    struct Input: OperationInput {
        @Argument("text", "Any text.", .at(0)) var text = ""
        @Argument("number", "Any number.", in: 0...10) var number: Int?
        @Argument("data", "Any object.") var data = JSONObject()
    }

    let declaration: OperationDeclaration
    let body: @Sendable (Input, OperationContext) async throws(MMError) -> OperationAnswer

    init(
        _ name: String, aliases: [String] = [], readOnly: Bool = true,
        audience: OperationDeclaration.Audience = .everyone,
        _ body: @escaping @Sendable (Input, OperationContext) async throws(MMError) -> OperationAnswer
    ) {
        declaration = OperationDeclaration(
            name, aliases: aliases, command: [name], title: name, summary: "Does what a test says.",
            effects: .init(readOnly: readOnly), audience: audience)
        self.body = body
    }

    /// One that fails.
    init(_ name: String, with error: MMError) {
        self.init(name) { (_, _) async throws(MMError) -> OperationAnswer in throw error }
    }

    func run(_ input: Input, in context: OperationContext, with services: Void) async throws(MMError) -> OperationAnswer
    {
        try await body(input, context)
    }
}
