import MMCore

/// The protocol's names for tasks: a capability in revision 2025-11-25, an extension in later ones.
enum TaskProtocol {
    static let extensionName = "io.modelcontextprotocol/tasks"
    static let relatedTask = "io.modelcontextprotocol/related-task"
    static let capability: JSONObject = ["list": [:], "cancel": [:], "requests": ["tools": ["call": [:]]]]
    static let requirement: JSONObject = ["extensions": [extensionName: [:]]]
}

/// A request about a task.
enum TaskAction: Sendable {
    case get(String)
    case update(String, [String: JSONObject])
    case cancel(String)
    case result(String)
    case list
}

extension MCPServer {
    /// Returns whether a call's client wants a task.
    /// - Throws: the error for a client that demands a task from a tool that has none, or can't handle the task that a
    ///   tool requires.
    func taskWish(of tool: Tool, _ params: JSONObject, _ profile: CallProfile) throws(MCPError) -> TaskWish {
        guard tasks != nil else { return .unwanted }
        if profile.era == .modern {
            // The parameter `task` of earlier revisions has no meaning here.
            let isDeclared = profile.capabilities.acceptsTasks
            guard isDeclared || tool.taskSupport != .required else {
                throw .missingCapability(TaskProtocol.requirement)
            }
            return isDeclared && tool.taskSupport != .forbidden ? .welcome : .unwanted
        }
        guard profile.version >= .v2025_11_25, let wish = params["task"], !wish.isNull else {
            guard tool.taskSupport != .required else {
                throw MCPError(code: -32601, "\(tool.name) can only be called as a task: add \"task\" to the call.")
            }
            return .unwanted
        }
        guard tool.taskSupport != .forbidden else {
            throw MCPError(code: -32601, "\(tool.name) can't be called as a task: leave out \"task\".")
        }
        guard case .object(let members) = wish else {
            throw .invalidParams("\"task\" must be an object, not \(wish.kindName).")
        }
        guard let time = members["ttl"], !time.isNull else { return .demanded(lifetime: nil) }
        guard let milliseconds = time.int, milliseconds >= 0 else {
            throw .invalidParams("\"task.ttl\" must be a number of milliseconds.")
        }
        return .demanded(lifetime: .milliseconds(milliseconds))
    }

    /// Decides how a request about a task is served.
    func planTask(_ method: Method, _ params: JSONObject, _ profile: CallProfile) throws(MCPError) -> Work {
        guard let tasks, profile.version >= .v2025_11_25 else { throw .methodNotFound(method.rawValue) }
        if profile.era == .modern, !profile.capabilities.acceptsTasks {
            throw .missingCapability(TaskProtocol.requirement)
        }
        if method == .listTasks { return .task(.list, tasks) }
        guard case .string(let id)? = params["taskId"] else {
            throw .invalidParams("\(method.rawValue) needs the string \"taskId\".")
        }
        switch method {
        case .cancelTask: return .task(.cancel(id), tasks)
        case .taskResult: return .task(.result(id), tasks)
        case .updateTask:
            guard case .object(let members)? = params["inputResponses"] else {
                throw .invalidParams("\(method.rawValue) needs the object \"inputResponses\".")
            }
            var answers: [String: JSONObject] = [:]
            // An answer that isn't an object is ignored.
            for (key, value) in members { answers[key] = value.object }
            return .task(.update(id, answers), tasks)
        default: return .task(.get(id), tasks)
        }
    }

    /// Serves a request about a task.
    func serve(
        _ action: TaskAction, _ store: any TaskStore, _ params: JSONObject, _ context: RequestContext
    ) async throws -> JSONObject {
        do {
            switch action {
            case .list:
                let all = try await store.tasks(for: context).map { JSONValue.object($0.json(for: context.era)) }
                return try Page.of(all, key: "tasks", params: params, size: options.pageSize)
            case .get(let id):
                let task = try await store.task(id, for: context)
                return context.era == .modern
                    ? await task.details(for: context.protocolVersion) : task.json(for: .legacy)
            case .update(let id, let answers):
                try await store.accept(answers, for: id, context)
                return [:]
            case .cancel(let id): return try await cancel(id, store, context)
            case .result(let id): return try await outcome(of: id, store, context)
            }
        } catch let error as MMError where error.code == .notFound {
            throw MCPError.invalidParams("There is no such task: it belongs to another caller or has expired.")
        }
    }

    /// Returns the answer to a call that continues as a task.
    func beginning(of task: ToolTask, _ context: RequestContext) throws(MCPError) -> JSONObject {
        guard context.taskWish != .unwanted else { throw .internalError("The call was answered with a task.") }
        context.session.follow(task: task.id, context)
        if context.era == .legacy { return ["task": .object(task.json(for: .legacy))] }
        var result: JSONObject = ["resultType": "task"]
        for (key, value) in task.json(for: .modern) { result[key] = value }
        return result
    }

    private func cancel(_ id: String, _ store: any TaskStore, _ context: RequestContext) async throws -> JSONObject {
        let known = try await store.task(id, for: context)
        guard context.era == .legacy else {
            if !known.isOver { try await store.cancel(id, for: context) }
            return [:]
        }
        guard !known.isOver else {
            throw MCPError.invalidParams("The task has ended (\(known.word(for: context.era))): it can't be cancelled.")
        }
        try await store.cancel(id, for: context)
        return try await store.task(id, for: context).json(for: .legacy)
    }

    /// Waits until the call is over and returns its result. Questions of the task are asked meanwhile.
    private func outcome(
        of id: String, _ store: any TaskStore, _ context: RequestContext
    ) async throws -> JSONObject {
        var task = try await store.task(id, for: context)
        while true {
            try Task.checkCancellation()
            switch task.status {
            case .working: task = try await store.change(of: task, for: context)
            case .inputRequired(let questions):
                let answers = try await context.ask(questions, about: id)
                try await store.accept(answers, for: id, context)
                task = try await store.task(id, for: context)
            case .completed(let result):
                var object = await result.collected().json(for: context.protocolVersion)
                var meta = object["_meta"]?.object ?? [:]
                meta[TaskProtocol.relatedTask] = ["taskId": .string(id)]
                object["_meta"] = .object(meta)
                return object
            case .failed(let error): throw error
            case .cancelled: throw MCPError.invalidParams("The task was cancelled: it has no result.")
            }
        }
    }
}
