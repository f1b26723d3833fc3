import MMCore
import MMMCP
import MMOperations

/// The catalogue as a Model Context Protocol server: every operation for everyone is a tool.
struct CatalogueServer {
    private let service: any OperationService
    private let options: MCPFaceOptions
    private let services: OperationServices
    /// Tells this server's clients from those of every other process at the same pool.
    private let instance = RandomBytes.text(bytes: 12)
    private let clients = Clients()

    /// The sessions that have called, each with its principal.
    private final class Clients: Sendable {
        let sessions = Mutex<[String: String]>([:])
    }

    /// A projection of a service's catalogue.
    /// - Parameters:
    ///   - service: carries the operations out.
    ///   - services: this user's files: what is over the budget of an answer is stored there, resources are read there.
    ///   - options: which tools, under which names.
    init(service: any OperationService, services: OperationServices, options: MCPFaceOptions) {
        self.service = service
        self.services = services
        self.options = options
    }

    /// The server.
    /// - Throws: `MMError` when an operation's name or schema is none that the protocol allows.
    func server() throws(MMError) -> MCPServer {
        let offered = service.catalogue.operations.filter { operation in
            let declaration = operation.declaration
            return declaration.audience == .everyone && options.toolsets.contains(declaration.toolset)
                && (!options.readOnly || declaration.effects.readOnly || declaration.servesReaders)
        }
        let names = Set(offered.map(\.declaration.name))
        let resources = MCPResources(service: service, services: services, serverName: options.serverName)
        return try MCPServer(
            ServerInfo(name: "mm-mcp", title: "Microsoft Master", version: ProductVersion.text),
            instructions: instructions, tools: offered.map(tool),
            prompts: MCPPrompts(services: services, options: options, tools: names).all,
            resources: resources.fixed, resourceTemplates: resources.templates,
            moreResources: { (_) in try resources.current() })
    }

    /// Ends what this server's clients have left in the pool and nobody comes back for: their shells. Their jobs stay with
    /// their principals.
    func close() async {
        for (session, principal) in clients.sessions.withLock({ $0 }) {
            var call = CallContext(
                caller: Caller(surface: .mcp, name: "mm-mcp", server: options.serverName))
            call.sessionID = session
            call.principal = principal
            await service.forget(call)
        }
    }

    private var instructions: String {
        """
        Microsoft 365 through signed-in, guarded connections. Every call names a connection; \(options.prefix)run or \
        \(options.prefix)graph_request without arguments lists them. When an answer holds a sign-in code, show code, address \
        and account to the person, wait until they say it is done, then repeat the same call. When an answer says that a \
        person must confirm, show them the preview and the command; never try to confirm yourself. Long answers end with a \
        handle: read on or filter with \(options.prefix)output. Ask for few fields and few rows.
        """
    }

    private func tool(_ operation: AnyOperation) -> Tool {
        let declaration = operation.declaration
        let name = declaration.name
        let plain = [name, "mm__" + name, "mm_" + name] + declaration.aliases
        let listed = options.prefix + name
        let service = service
        let options = options
        let reader = options.prefix + "output"
        let shaper = ToolAnswer(
            outputs: services.outputs, outputTool: reader, serverName: options.serverName,
            isStructured: options.structuredOutput)
        let (patience, instance, clients) = (options.patience, instance, clients)
        let home = HomeName(services.paths)
        var tool = Tool(
            name: listed, description: declaration.description, inputSchema: operation.inputSchema,
            annotations: Self.annotations(options.readOnly ? declaration.effects.reading : declaration.effects),
            aliases: Array(Set(plain).subtracting([listed])).sorted()
        ) { arguments, context in
            var call = context.call(to: options.serverName)
            call.backgroundAfter = patience
            call.readsOnly = options.readOnly
            let session = "\(instance):\(context.principal.name)"
            // Without a name that lasts, nobody can be known again.
            let principal = "\(home.text ?? instance):\(context.principal.name)"
            call.sessionID = session
            call.principal = principal
            clients.sessions.withLock { $0[session] = principal }
            call.person = MCPPerson.behind(context)
            do throws(MMError) {
                let answer = try await LifeSigns(call).during { (call) throws(MMError) in
                    try await service.call(operation, arguments, in: call)
                }
                return try await shaper.result(of: answer, form: answer.form ?? arguments["output"]?.string)
            } catch {
                return shaper.result(of: error)
            }
        }
        tool.isListed = declaration.isListed
        return tool
    }

    /// Only what differs from the protocol's defaults is said: a model reads every byte of the list on each turn.
    static func annotations(_ effects: OperationDeclaration.Effects) -> ToolAnnotations {
        ToolAnnotations(
            readOnly: effects.readOnly ? true : nil, destructive: effects.readOnly || effects.destructive ? nil : false,
            idempotent: effects.readOnly || !effects.idempotent ? nil : true, openWorld: effects.openWorld ? nil : false
        )
    }
}
