import MMCore

/// `do` and `recipe`: a tool that the owner wrote, or a recipe of the product, on a connection.
struct ToolOperation: CatalogueOperation {
    typealias Input = ToolInput

    let declaration: OperationDeclaration
    private let isRecipe: Bool

    /// The owner's tools.
    static let own = ToolOperation(
        declaration: OperationDeclaration(
            "do", command: ["do"], title: "Do",
            summary: "Carry out one of your own tools: a script or a YAML file in ~/.config/mm/tools.",
            effects: .init(readOnly: false, destructive: true, openWorld: true), home: .pool,
            examples: [
                .init("mm do", "the tools in your folder, and what is wrong with those that can't be used"),
                .init("mm do unused-guests Contoso --days 60", "one of them, with its own flags"),
                .init("mm do unused-guests --help", "what it takes"),
            ]
        ).forReaders.withSessionOutput.plannable.unlisted, isRecipe: false)

    /// The recipes.
    static let recipe = ToolOperation(
        declaration: OperationDeclaration(
            "recipe", command: ["recipe"], title: "Recipe",
            summary: "Carry out a ready task of administrators: who forwards mail, unused guests, a leaver.",
            effects: .init(readOnly: false, destructive: true, openWorld: true), home: .pool,
            examples: [
                .init("mm recipe", "all recipes, by subject"),
                .init("mm recipe --search licence", "those about licences"),
                .init("mm recipe unused-guests Contoso --days 60", "guests who have not signed in for 60 days"),
                .init("mm recipe unused-guests --show", "how it is written, to be copied into ~/.config/mm/tools"),
            ]
        ).forReaders.withSessionOutput.plannable.unlisted, isRecipe: true)

    func run(_ input: ToolInput, in context: OperationContext, with services: ToolServices) async throws(MMError)
        -> OperationAnswer
    {
        let shelf: ToolShelf = isRecipe ? .recipes : .own(services.paths)
        guard let name = input.tool else {
            let effects = ToolEffects(try services.guards.engine())
            return ToolListing(shelf: shelf, effects: effects).answer(search: input.search)
        }
        let definition = try shelf.definition(named: name)
        if input.shows {
            return OperationAnswer(.text(definition.source))
        }
        guard let connectionName = input.connection else {
            throw MMError(
                .invalidInput, "`\(definition.name)` needs a connection.",
                hint: "For example: mm \(shelf.operation) \(definition.name) Contoso; see `mm connections`.")
        }
        let connection = try services.registry.connection(named: connectionName, in: context)
        context.record.note("tool", .string(definition.name))
        if let allowed = connection.tools, !allowed.contains(definition.name) {
            throw MMError(
                .forbidden, "The connection \(connection.name) doesn't admit the tool `\(definition.name)`.",
                hint: "Its owner lists what it admits: mm connections edit \(ShellWord.quoted(connection.name)) tools=…"
            )
        }
        let values = try ToolValues(definition, given: input.arguments)
        context.record.note("parameters", Redactor.standard.json(.object(values.all)))
        let runner = ToolRunner(
            definition: definition, connection: connection.name, values: values, context: context,
            effects: ToolEffects(try services.guards.engine()),
            isDryRun: input.isDryRun || definition.isPlan && !input.applies && context.call.planning == nil,
            services: services)
        return try await runner.answer()
    }
}

/// What tools work with.
package struct ToolServices: Sendable {
    /// Where files lie.
    let paths: StatePaths
    /// The connections.
    let registry: ConnectionRegistry
    /// Says which steps only read.
    let guards: CurrentGuard
    /// Carries out a step: the operation of a name, judged and audited as if it had been called by itself.
    let perform: @Sendable (String, JSONObject, CallContext) async throws(MMError) -> OperationAnswer
}

extension OperationServices {
    /// For tools.
    var toolServices: ToolServices {
        let local = LocalOperationService(catalogue: .steps, services: self)
        return ToolServices(paths: paths, registry: registry, guards: guards) {
            (name, arguments, call) async throws(MMError) in try await local.call(name, arguments, in: call)
        }
    }
}

extension Catalogue {
    /// What the steps of tools may call.
    fileprivate static let steps = Catalogue([
        AnyOperation(Run()) { $0.runServices }, AnyOperation(GraphRequestOperation()) { $0.transferServices },
    ])
}
