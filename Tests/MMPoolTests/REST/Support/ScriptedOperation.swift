import MMCore
import MMOperations

/// An operation of a test's own: takes any `text`, does what the test says.
struct ScriptedOperation: CatalogueOperation {
    struct Input: OperationInput {
        static let fields: [InputField] = [
            InputField("text", .text, "Any text.", at: .positional(0)),
            InputField("number", .integer(0...10), "Any number."),
            InputField("data", .object, "Any object."),
        ]
        let text: String
        let data: JSONObject

        init(from reader: InputReader) throws(MMError) {
            text = try reader.text("text") ?? ""
            _ = try reader.integer("number")
            data = try reader.object("data") ?? [:]
        }
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
