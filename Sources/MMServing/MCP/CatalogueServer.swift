import MMCore
import MMMCP
import MMOperations

/// The catalogue as a Model Context Protocol server: every operation for everyone is a tool.
struct CatalogueServer {
    private let service: any OperationService
    private let options: MCPFaceOptions
    private let services: OperationServices
    private let calls: ClientCalls
    private let shaper: ToolAnswer
    private let tasks: JobTasks
    private let principals: PrincipalTable
    /// The tools that the owner wrote, as they stand in their folder.
    private let ownTools: OwnTools

    /// A projection of a service's catalogue.
    /// - Parameters:
    ///   - service: carries the operations out.
    ///   - services: this user's files: what is over the budget of an answer is stored there, resources are read there.
    ///   - options: which tools, under which names.
    ///   - principals: those who signed in.
    init(
        service: any OperationService, services: OperationServices, options: MCPFaceOptions,
        principals: PrincipalTable = PrincipalTable()
    ) {
        self.principals = principals
        self.service = service
        self.services = services
        self.options = options
        calls = ClientCalls(options, services.paths, principals: principals)
        shaper = ToolAnswer(
            outputs: services.outputs, outputTool: options.prefix + "output", serverName: options.serverName,
            isStructured: options.structuredOutput)
        tasks = JobTasks(service: service, calls: calls, shaper: shaper)
        ownTools = OwnTools(services)
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
        let resources = MCPResources(
            service: service, services: services, calls: calls, serverName: options.serverName)
        var serverOptions = ServerOptions()
        serverOptions.offersResourceSubscriptions = true
        serverOptions.callLimits = options.callLimits
        serverOptions.changingLists = [.tools, .prompts]
        let prompts = MCPPrompts(services: services, options: options, tools: names)
        let (ownTools, readsOnly) = (ownTools, options.readOnly)
        let isOffered = options.toolsets.contains(.m365)
        let toolPrompts = ToolPrompts(services: services, options: options, prompts: prompts)
        return try MCPServer(
            ServerInfo(name: "mm-mcp", title: "Microsoft Master", version: ProductVersion.text),
            instructions: instructions, tools: offered.map(tool),
            prompts: prompts.all, resources: resources.fixed, resourceTemplates: resources.templates,
            moreResources: { (context) in try await resources.current(context) },
            moreTools: {
                guard isOffered else { return [] }
                return ownTools.current.operations.filter { !readsOnly || $0.declaration.effects.readOnly }
                    .map(tool)
            },
            morePrompts: {
                guard isOffered else { return [] }
                return toolPrompts.all(own: ownTools.current.definitions)
            },
            resourceChanges: { _, _, read in WatchedResource(read).changes }, tasks: tasks, options: serverOptions)
    }

    /// Tells clients when the owner's tools change, until the task is cancelled.
    func watchTools(of server: MCPServer) async {
        await ownTools.watch {
            server.changes.listChanged(.tools)
            server.changes.listChanged(.prompts)
        }
    }

    /// Ends what this server's clients have left in the pool and nobody comes back for: their shells. Their jobs stay with
    /// their principals.
    func close() async {
        for client in calls.farewells { await service.forget(client) }
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
        let (service, options, calls, shaper, tasks) = (service, options, calls, shaper, tasks)
        let principals = principals
        var tool = Tool(
            name: listed, description: declaration.description, inputSchema: operation.inputSchema,
            annotations: Self.annotations(options.readOnly ? declaration.effects.reading : declaration.effects),
            aliases: Array(Set(plain).subtracting([listed])).sorted()
        ) { arguments, context in
            var call = calls.call(for: context)
            switch context.taskWish {
            case .unwanted: call.backgroundAfter = options.patience
            case .welcome: call.backgroundAfter = min(options.patience, JobTasks.patience)
            case .demanded:
                call.backgroundAfter = .zero
                call.needsHandle = true
            }
            call.person = MCPPerson.behind(context)
            do throws(MMError) {
                let signs = LifeSigns(call, doing: Self.doing(declaration, arguments))
                let answer = try await signs.during(isWanted: context.wantsProgress) { (call) throws(MMError) in
                    let (called, given) = operation.call(arguments)
                    return try await service.call(called, given, in: call)
                }
                if context.taskWish != .unwanted, let handle = JobAnswer.members(of: answer)?["handle"]?.string {
                    var task = try await tasks.task(handle, for: context)
                    // However soon it is over, a task begins as one that is worked on.
                    task.status = .working
                    return .task(task)
                }
                return try await shaper.of(call.caller).result(
                    of: answer, form: answer.form ?? arguments["output"]?.string)
            } catch {
                principals.note(error, of: context.principal)
                return shaper.of(call.caller).result(of: error)
            }
        }
        tool.isListed = declaration.isListed
        tool.argumentAdvice = { ArgumentNames.meant(by: $0, among: $1) }
        if declaration.mayBeTask { tool.taskSupport = .optional }
        return tool
    }

    /// What a call does, until the call itself tells more.
    private static func doing(_ declaration: OperationDeclaration, _ arguments: JSONObject) -> String {
        let place = [arguments["connection"]?.string, arguments["module"]?.string].compactMap(\.self)
        return place.isEmpty ? declaration.title : "\(declaration.title) in \(place.joined(separator: "/"))"
    }

    /// Only what differs from the protocol's defaults is said: a model reads every byte of the list on each turn.
    static func annotations(_ effects: OperationDeclaration.Effects) -> ToolAnnotations {
        ToolAnnotations(
            readOnly: effects.readOnly ? true : nil, destructive: effects.readOnly || effects.destructive ? nil : false,
            idempotent: effects.readOnly || !effects.idempotent ? nil : true, openWorld: effects.openWorld ? nil : false
        )
    }
}
