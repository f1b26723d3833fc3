package import MMCore

/// `do` and `recipe`: runs a tool of the owner, or a recipe of the product, on a connection.
struct ToolOperation: CatalogueOperation {
    typealias Input = ToolInput

    let declaration: OperationDeclaration
    private let isRecipe: Bool

    /// The operation for the owner's tools.
    static let own = ToolOperation(
        declaration: OperationDeclaration(
            "do", command: ["do"], title: "Do",
            summary: "Run one of your own tools: a script or a YAML file in ~/.config/mm/tools.",
            effects: .init(readOnly: false, destructive: true, openWorld: true), home: .pool,
            examples: [
                .init("mm do", "lists your tools, and the errors in those that can't be used"),
                .init("mm do unused-guests Contoso --days 60", "runs a tool with its own flags"),
                .init("mm do unused-guests --help", "shows its parameters"),
            ]
        ).forReaders.withSessionOutput.runningTools.plannable.unlisted, isRecipe: false)

    /// The operation for recipes.
    static let recipe = ToolOperation(
        declaration: OperationDeclaration(
            "recipe", command: ["recipe"], title: "Recipe",
            summary: "Run a ready-made admin task, such as mail forwarding, unused guests or a leaver.",
            effects: .init(readOnly: false, destructive: true, openWorld: true), home: .pool,
            examples: [
                .init("mm recipe", "lists all recipes by subject"),
                .init("mm recipe --search licence", "lists recipes about licences"),
                .init("mm recipe unused-guests Contoso --days 60", "guests who have not signed in for 60 days"),
                .init(
                    "mm recipe unused-guests --show", "shows its definition, which you can copy to ~/.config/mm/tools"),
            ]
        ).forReaders.withSessionOutput.runningTools.plannable.unlisted, isRecipe: true)

    func run(_ input: ToolInput, in context: OperationContext, with services: ToolServices) async throws(MMError)
        -> OperationAnswer
    {
        let shelf: ToolShelf = isRecipe ? .recipes : .own(services.guarding.paths)
        guard let name = input.tool else {
            let effects = ToolEffects(try services.guarding.guards.engine())
            return ToolListing(shelf: shelf, effects: effects).answer(search: input.search)
        }
        let definition = try shelf.definition(named: name)
        if input.shows {
            return OperationAnswer(.text(definition.source))
        }
        guard let connectionName = input.connection else {
            throw MMError(
                .invalidInput, "`\(definition.name)` needs a connection.",
                hint: "For example: mm \(shelf.operation) \(definition.name) Contoso; see `mm connections list`.")
        }
        let connection = try services.guarding.registry.connection(named: connectionName, in: context)
        context.record.note("tool", .string(definition.name))
        if let allowed = connection.tools, !allowed.contains(definition.name) {
            throw MMError(
                .denied, "The connection \(connection.name) doesn't allow the tool `\(definition.name)`.",
                hint: "Its owner can allow it: mm connections edit \(ShellWord.quoted(connection.name)) tools=…"
            )
        }
        let values = try ToolValues(definition, given: input.arguments)
        context.record.note("parameters", Redactor.standard.json(.object(values.all)))
        let runner = ToolRunner(
            definition: definition, connection: connection.name, values: values, context: context,
            effects: ToolEffects(try services.guarding.guards.engine()),
            isDryRun: input.isDryRun || definition.isPlan && !input.applies && context.call.planning == nil,
            services: services)
        return try await runner.answer()
    }
}

/// The services that tools use.
package struct ToolServices: Sendable {
    /// The guard, which tells the steps that only read, and the connections.
    let guarding: GuardServices
    /// Performs the operation with a name for a step, judged and audited like a separate call.
    let perform: @Sendable (String, JSONObject, CallContext) async throws(MMError) -> OperationAnswer
    /// Makes the same call up to the guard, for a call with a clearance that is still judging.
    let judge: @Sendable (String, JSONObject, CallContext) async throws(MMError) -> Void
}

extension OperationServices {
    /// The services for tools.
    var toolServices: ToolServices {
        let local = LocalOperationService(catalogue: .steps, services: self)
        return ToolServices(
            guarding: guardServices,
            perform: { (name, arguments, call) async throws(MMError) in
                try await local.call(name, arguments, in: call)
            },
            judge: { (name, arguments, call) async throws(MMError) in
                let context = OperationContext(call: call, deadline: .after(call.timeLimit), record: CallRecord())
                _ = try await local.catalogue.require(name).run(arguments, in: context, with: self)
            })
    }
}

extension Catalogue {
    /// The operations that steps of tools can call.
    fileprivate static let steps = Catalogue([
        AnyOperation(Run()) { $0.runServices }, AnyOperation(GraphRequestOperation()) { $0.transferServices },
    ])
}

/// The list of the tools on a shelf.
struct ToolListing {
    let shelf: ToolShelf
    let effects: ToolEffects

    /// Returns the list; if words are given, of the tools that contain all of them.
    func answer(search: String?) -> OperationAnswer {
        let contents = shelf.contents()
        let search = WordSearch(search ?? "")
        let found = contents.definitions.filter { tool in
            search.matches([tool.name, tool.title, tool.description, tool.group ?? ""])
        }
        let rows = found.map { tool -> JSONValue in
            var row: JSONObject = ["name": .string(tool.name), "summary": .string(tool.summary)]
            row["group"] = tool.group.map { .string($0) }
            row["changes"] = .bool(!effects.effects(of: tool).readOnly)
            row["parameters"] = .array(tool.parameters.map { .string($0.isRequired ? $0.name : "[\($0.name)]") })
            if case .own = shelf { row["file"] = .string(tool.place) }
            return .object(row)
        }
        var answer = OperationAnswer.value(.array(rows), columns: ["group", "name", "changes", "summary"])
        if case .own = shelf { answer.columns.removeFirst() }
        answer.notes = contents.problems.map { problem in
            "can't be used: " + problem.message + (problem.hint.map { " \($0)" } ?? "")
        }
        if !contents.problems.isEmpty { answer.exitStatus = 1 }
        answer.text = text(of: found, isSearch: !search.isEmpty, hasProblems: !contents.problems.isEmpty)
        return answer
    }

    private func text(of tools: [ToolDefinition], isSearch: Bool, hasProblems: Bool) -> String {
        guard !tools.isEmpty else {
            if isSearch { return "Nothing matches these words. `mm \(shelf.operation)` lists everything." }
            guard case .own(let paths) = shelf, !hasProblems else { return "" }
            return
                "You have no tools yet. Put a .yaml or .ps1 file into \(paths.toolsDirectory); start with a definition "
                + "from `mm recipe NAME --show`, and see Docs/Tools.md."
        }
        let width = (tools.map(\.name.count).max() ?? 0) + 2
        var lines: [String] = []
        var group: String?
        for tool in tools {
            if let own = tool.group, own != group {
                if !lines.isEmpty { lines.append("") }
                lines.append(own)
                group = own
            }
            let mark = effects.effects(of: tool).readOnly ? " " : "*"
            lines.append(
                "\(tool.group == nil ? "" : "  ")\(tool.name)" + String(repeating: " ", count: width - tool.name.count)
                    + "\(mark) "
                    + tool.summary)
        }
        if tools.contains(where: { !effects.effects(of: $0).readOnly }) {
            lines += ["", "* makes changes; --dry-run shows them."]
        }
        lines.append("`mm \(shelf.operation) NAME --help` shows the parameters, --show the definition.")
        return lines.joined(separator: "\n")
    }
}

/// The arguments of `do` and `recipe`.
package struct ToolInput: OperationInput {
    @Argument("tool", "Name (default: list all).", .at(0)) private var name: String?
    @Argument("connection", "Name of the connection.", .at(1)) var connection: String?
    @Argument("param", "Parameter value: name=value.") var arguments: [(name: String, value: JSONValue)]
    @Argument("dryRun", "Show what would change; only reads are sent.") var isDryRun: Bool
    @Argument("apply", "Apply the changes; otherwise only a plan is shown.") var applies: Bool
    @Argument("show", "Show the definition as written.") var shows: Bool
    @Argument("search", "List those that match words.") var search: String?
    @Argument("list", "List them with errors in those that can't be used.") private var lists: Bool

    /// The tool's name. `mm recipe list` lists the tools as other programs do; no tool can have that name.
    var tool: String? { lists || name == "list" ? nil : name }

    /// Creates an input without arguments.
    package init() {}

    package func check() throws(MMError) {
        guard !(isDryRun && applies) else {
            throw MMError(.invalidInput, "`dryRun` and `apply` can't be combined.", hint: "Give one of them.")
        }
    }

    /// The argument names of every call, which no parameter of a tool may have.
    package static let commonNames = ["connection", "dryRun", "apply", "show"]
}
