import MMCore
import MMOperations

/// The single tool for everything that is called by name: recipes, the owner's tools, undo, history, snapshots, drift.
/// A separate tool for each would cost a model tokens on every turn; here they are found by a search and called by
/// name.
struct ReadyTool {
    private let services: OperationServices
    private let options: MCPFaceOptions

    /// What a call of the tool leads to.
    enum Meaning {
        /// A call of an operation.
        case call(AnyOperation, JSONObject)
        /// An answer that needs no call.
        case answer(OperationAnswer)
    }

    /// Creates the tool of a server.
    init(_ services: OperationServices, _ options: MCPFaceOptions) {
        self.services = services
        self.options = options
    }

    /// The operation whose name the tool has, without the prefix.
    static let name = "recipe"

    /// The tool's description for models.
    static var declaration: OperationDeclaration {
        OperationDeclaration(
            name, aliases: ["do"], command: [name], title: "Ready tasks",
            summary: "Run a ready-made admin task.",
            description:
                "Ready tasks: recipes (who forwards mail, no MFA, a leaver), the owner's tools, undo, history, "
                + "snapshot_take, drift, audit_mine. Without name it lists them, without connection their parameters.",
            effects: .init(readOnly: false, destructive: true, openWorld: true), home: .pool)
    }

    /// The arguments of a call.
    static let fields = [
        InputField("name", .text, "Such as leaver."), InputField("connection", .text, "Name."),
        InputField("parameters", .object, "Its values."), InputField("apply", .flag, "Apply the plan."),
        InputField("dryRun", .flag, "Show what would change."),
        InputField("search", .text, "List those that match words.", .untoldToModels),
    ]

    /// A remark for the values of a task that were given as arguments.
    static let remark: @Sendable (String) -> String? = { name in
        ArgumentNames.meant(by: name, among: fields.map(\.name)) == nil
            ? "is unknown: put a value of the task into \"parameters\", as "
                + "{\"parameters\": {\(JSONWriter.string(.string(name))): …}}" : nil
    }

    /// Interprets a call.
    /// - Throws: `notFound` with the nearest names, `invalidInput` for arguments that exclude each other.
    func meaning(of arguments: JSONObject) throws(MMError) -> Meaning {
        let shelf = ReadyShelf.of(services.paths)
        guard let name = arguments["name"]?.string, !name.isEmpty else {
            let found = arguments["search"]?.string.map { shelf.find($0, limit: Self.mostFound).map(\.task) } ?? []
            return .answer(list(found.isEmpty ? shelf.tasks : found))
        }
        guard let task = shelf.task(named: name), isOffered(task) else { throw unknown(name, on: shelf) }
        let given = ReadyCall(of: task, arguments)
        if case .tool = task, given.connection == nil { return .answer(.value(.object(try sheet(of: task)))) }
        if case .operation(let operation, _) = task, given.connection == nil, given.parameters.isEmpty,
            operation.fields.contains(where: \.isRequired)
        {
            return .answer(.value(.object(try sheet(of: task))))
        }
        guard let call = given.call else { throw unknown(name, on: shelf) }
        return .call(call.operation, call.arguments)
    }

    /// Returns the error of a call whose changes can be planned; a call that waits for a person also says how one yes
    /// does for several.
    func offeringPlan(_ error: MMError) -> MMError {
        guard error.code == .confirmationNeeded else { return error }
        let tool = options.prefix + Self.name
        var told = error
        told.hint = [
            error.hint,
            "For several changes, call \(tool) {\"name\": \"plan\", \"parameters\": {\"calls\": [{\"tool\": …, \"arguments\": …}, "
                + "…]}}: a person approves all of them once, and \(tool) {\"name\": \"apply\", \"parameters\": {\"plan\": "
                + "…}} sends them.",
        ].compactMap(\.self).joined(separator: " ")
        return told
    }

    private func sheet(of task: ReadyTask) throws(MMError) -> JSONObject {
        var sheet = task.sheet(ToolEffects(try services.guards.engine()))
        if task.needsConnection { sheet["needs"] = "connection" }
        return sheet
    }

    private static let mostFound = 10

    /// Returns a list of tasks, one line each, because a model reads all of it.
    private func list(_ tasks: [ReadyTask]) -> OperationAnswer {
        let effects = (try? services.guards.engine()).map { ToolEffects($0) }
        let rows = tasks.filter(isOffered).map { task -> (String, JSONValue) in
            let changes: Bool
            switch task {
            case .tool(let definition, _): changes = effects.map { !$0.effects(of: definition).readOnly } ?? true
            case .operation(let operation, _): changes = !operation.declaration.effects.readOnly
            }
            return (task.name, .string((changes ? "changes; " : "") + task.summary))
        }
        return .value(.object(JSONObject(rows)))
    }

    private func isOffered(_ task: ReadyTask) -> Bool {
        if case .operation(let operation, _) = task { options.offers(operation.declaration) } else { true }
    }

    private func unknown(_ name: String, on shelf: ReadyShelf) -> MMError {
        let message = "There is no task `\(name.prefix(80))`."
        if let hint = otherWay(to: ReadyShelf.plain(name)) { return MMError(.notFound, message, hint: hint) }
        let names = shelf.tasks.filter(isOffered).map(\.name)
        // Words in place of a name are treated as a search.
        let found = shelf.find(name.replacing("-", with: " ").replacing("_", with: " "), limit: 2).map(\.task)
            .filter(isOffered).map(\.name)
        var near = NearestNames.of(name, among: names, limit: 2)
        near += found.filter { !near.contains($0) }
        return MMError(
            .notFound, message,
            hint: near.isEmpty
                ? "To list the tasks, leave out the name; \(options.tool(.graphRequest)) {\"search\": …} finds them by words."
                : "Did you mean \(near.joined(separator: " or "))?",
            details: ["near": .array(near.map { .string($0) })])
    }

    /// Returns how an operation that is no task is called; `nil` if none has the name, or this server doesn't offer it.
    /// Names that look similar would lead astray here: `disconnect` is no way to `connect`.
    private func otherWay(to name: String) -> String? {
        guard let declaration = Catalogue.standard.operation(named: name)?.declaration else { return nil }
        if declaration.audience == .person { return "`mm \(declaration.command.joined(separator: " "))` does that." }
        return declaration.isListed && options.offers(declaration) ? "Call the tool \(options.tool(declaration))." : nil
    }
}
