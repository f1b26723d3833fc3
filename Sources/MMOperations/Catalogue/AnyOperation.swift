public import MMCore

/// An operation with its input type erased: arguments in, answer out.
public struct AnyOperation: Sendable {
    /// Name, texts and effects.
    public let declaration: OperationDeclaration
    /// The arguments, in the order help texts list them.
    public let fields: [InputField]

    private let body:
        @Sendable (JSONObject, OperationContext, OperationServices) async throws(MMError) -> OperationAnswer

    /// Erases an operation that needs nothing of its process.
    public init<Wrapped: CatalogueOperation>(_ operation: Wrapped) where Wrapped.Services == Void {
        self.init(operation) { _ in }
    }

    /// Erases an operation.
    /// - Parameters:
    ///   - operation: the operation.
    ///   - part: what it works with, of all that a process has.
    package init<Wrapped: CatalogueOperation>(
        _ operation: Wrapped, with part: @escaping @Sendable (OperationServices) -> Wrapped.Services
    ) {
        let (declaration, fields) = (operation.declaration, operation.fields)
        self.declaration = declaration
        self.fields = fields
        self.body = { (arguments, context, services) async throws(MMError) in
            let name = context.call.caller.surface == .terminal ? declaration.commandLine : declaration.name
            let reader = try InputReader(operation: name, arguments: arguments, fields: fields)
            return try await operation.run(try operation.input(from: reader), in: context, with: part(services))
        }
    }

    /// Decodes the arguments and does the work.
    /// - Parameters:
    ///   - arguments: what the caller sent.
    ///   - context: who calls, for how long, and who can be asked back.
    ///   - services: what the process has; the operation gets its part.
    /// - Throws: `MMError`.
    package func run(
        _ arguments: JSONObject, in context: OperationContext, with services: OperationServices
    ) async throws(MMError) -> OperationAnswer {
        try await body(arguments, context, services)
    }

    /// The JSON Schema of the arguments, as a model sees them.
    public var inputSchema: JSONObject {
        var properties = JSONObject()
        for field in fields where field.isOfferedToModels { properties[field.name] = .object(field.schema) }
        var schema: JSONObject = ["type": "object", "properties": .object(properties)]
        let required = fields.filter { $0.isRequired && $0.isOfferedToModels }.map { JSONValue.string($0.name) }
        if !required.isEmpty { schema["required"] = .array(required) }
        schema["additionalProperties"] = false
        return schema
    }
}
