public import MMCore

/// An operation with its input type erased: arguments in, answer out.
public struct AnyOperation: Sendable {
    /// The declaration: name, texts and effects.
    public private(set) var declaration: OperationDeclaration
    /// The arguments, in the order in which help texts list them.
    public let fields: [InputField]

    private let body:
        @Sendable (JSONObject, OperationContext, OperationServices) async throws(MMError) -> OperationAnswer

    /// The translation of a call into that of another operation, if this one stands for it: a tool's name and flags
    /// stand for a call of `do`.
    private var standsFor: (@Sendable (JSONObject) -> (operation: AnyOperation, arguments: JSONObject))?
    /// The schema of the arguments, if it can't be derived from the fields.
    private var ownSchema: JSONObject?

    /// Creates an operation that stands for calls of another one, with its own name and arguments.
    /// - Parameters:
    ///   - declaration: name, texts and effects.
    ///   - fields: the arguments.
    ///   - schema: the JSON Schema of the arguments.
    ///   - base: the operation that is called, with the effects and the home of `declaration`.
    ///   - arguments: returns the arguments for `base` from those of a call.
    package init(
        _ declaration: OperationDeclaration, fields: [InputField], schema: JSONObject, calling base: AnyOperation,
        with arguments: @escaping @Sendable (JSONObject) -> JSONObject
    ) {
        let called = base.taking(effects: declaration.effects, home: declaration.home)
        self.declaration = declaration
        self.fields = fields
        self.body = { (given, context, services) async throws(MMError) in
            try await called.body(arguments(given), context, services)
        }
        ownSchema = schema
        standsFor = { (called, arguments($0)) }
    }

    /// Returns the operation and the arguments that a call with these arguments is carried out with.
    package func call(_ arguments: JSONObject) -> (operation: AnyOperation, arguments: JSONObject) {
        standsFor?(arguments) ?? (self, arguments)
    }

    /// The same operation, left out of models' lists of tools.
    package var unlisted: AnyOperation {
        var copy = self
        copy.declaration.isListed = false
        return copy
    }

    private func taking(effects: OperationDeclaration.Effects, home: OperationDeclaration.Home) -> AnyOperation {
        var declaration = declaration
        declaration.effects = effects
        declaration.home = home
        var copy = self
        copy.declaration = declaration
        return copy
    }

    /// Erases the type of an operation that needs no services.
    public init<Wrapped: CatalogueOperation>(_ operation: Wrapped) where Wrapped.Services == Void {
        self.init(operation) { _ in }
    }

    /// Erases the type of an operation.
    /// - Parameters:
    ///   - operation: the operation.
    ///   - part: returns the services that the operation uses.
    @inline(never)
    package init<Wrapped: CatalogueOperation>(
        _ operation: Wrapped, with part: @escaping @Sendable (OperationServices) -> Wrapped.Services
    ) {
        self.init(operation.declaration, ownFields: operation.fields) {
            (reader, context, services) async throws(MMError) in
            try await operation.run(try operation.input(from: reader), in: context, with: part(services))
        }
    }

    /// Erases the part that is the same for all operation types. It is not inlined, because the optimiser takes seconds
    /// for the catalogue's list of all operations if this and the initialiser above are inlined into it.
    @inline(never)
    private init(
        _ declaration: OperationDeclaration, ownFields: [InputField],
        run:
            @escaping @Sendable (InputReader, OperationContext, OperationServices) async throws(MMError) ->
            OperationAnswer
    ) {
        var fields = ownFields
        if declaration.severalConnections != nil {
            fields = fields.map { $0.name == "connection" ? $0.with(.orSeveral) : $0 } + [.resume]
        }
        self.declaration = declaration
        self.fields = fields
        self.body = { [fields] (arguments, context, services) async throws(MMError) in
            let name = context.call.caller.surface == .terminal ? declaration.commandLine : declaration.name
            let reader = try InputReader(operation: name, arguments: arguments, fields: fields)
            return try await run(reader, context, services)
        }
    }

    /// Decodes the arguments and does the work.
    /// - Parameters:
    ///   - arguments: the arguments that the caller sent.
    ///   - context: who calls, for how long, and which person can be asked.
    ///   - services: all services; the operation gets the part that it uses.
    /// - Throws: `MMError`.
    package func run(
        _ arguments: JSONObject, in context: OperationContext, with services: OperationServices
    ) async throws(MMError) -> OperationAnswer {
        try await body(arguments, context, services)
    }

    /// The JSON Schema of the arguments, as a model sees them.
    public var inputSchema: JSONObject { ownSchema ?? InputField.schema(of: fields) }

    /// The JSON Schema by which the arguments of models are checked.
    package var wholeInputSchema: JSONObject { ownSchema ?? InputField.wholeSchema(of: fields) }
}
