import MMCore

extension MCPServer {
    /// Decides how a request of either era is served. Quick: runs none of the program's own handlers.
    /// - Throws: the error that the request is answered with.
    func plan(_ method: Method, _ params: JSONObject, _ profile: CallProfile) throws(MCPError) -> RequestPlan {
        switch method {
        case .discover: .answer(discovery())
        case .listTools:
            .answer(
                try list("tools", routes.hasTools, params, method) {
                    routes.tools.filter(\.tool.isListed).map { .object($0.tool.json(for: profile.version)) }
                }
            )
        case .listPrompts:
            .answer(
                try list("prompts", routes.hasPrompts, params, method) { routes.prompts.map { .object($0.json) } }
            )
        case .listTemplates:
            .answer(
                try list("resourceTemplates", routes.hasResources, params, method) {
                    routes.templates.map { .object($0.template.json) }
                }
            )
        case .listResources: try planResourceList(params)
        case .callTool: .work(try planToolCall(params, profile))
        case .readResource: .work(try planRead(params))
        case .getPrompt: .work(try planPrompt(params))
        case .complete: try planCompletion(params)
        case .listen: .work(try planListen(params, profile))
        case .subscribe: .work(.watch(uri: try watchedURI(method, params)))
        case .getTask, .updateTask, .cancelTask, .taskResult, .listTasks:
            .work(try planTask(method, params, profile))
        case .initialize, .ping, .setLevel, .unsubscribe: throw .methodNotFound(method.rawValue)
        }
    }

    private func discovery() -> JSONObject {
        var result: JSONObject = [
            "supportedVersions": .array(ProtocolVersion.modern.map { .string($0.text) }),
            "capabilities": .object(capabilities(for: .v2026_07_28)),
        ]
        result["instructions"] = instructions.map(JSONValue.string)
        return result
    }

    private func list(
        _ key: String, _ isOffered: Bool, _ params: JSONObject, _ method: Method, items: () -> [JSONValue]
    ) throws(MCPError) -> JSONObject {
        guard isOffered else { throw .methodNotFound(method.rawValue) }
        return try Page.of(items(), key: key, params: params, size: options.pageSize)
    }

    private func planResourceList(_ params: JSONObject) throws(MCPError) -> RequestPlan {
        guard routes.hasResources else { throw .methodNotFound(Method.listResources.rawValue) }
        if let lister = routes.moreResources { return .work(.listResources(lister)) }
        return .answer(try resourcePage([], params))
    }

    /// Returns the page of the resource list that a request asks for.
    /// - Parameters:
    ///   - more: the resources that exist at present, listed after the permanent ones.
    ///   - params: the request's parameters.
    func resourcePage(_ more: [Resource], _ params: JSONObject) throws(MCPError) -> JSONObject {
        let all = (routes.resources + more).map { JSONValue.object($0.json) }
        return try Page.of(all, key: "resources", params: params, size: options.pageSize)
    }

    private func planToolCall(_ params: JSONObject, _ profile: CallProfile) throws(MCPError) -> Work {
        guard routes.hasTools else { throw .methodNotFound(Method.callTool.rawValue) }
        let name = try text("name", in: params, of: "tools/call")
        guard let registered = routes.tool(named: name) else {
            throw .invalidParams(unknown("tool", name, known: routes.tools.filter(\.tool.isListed).map(\.tool.name)))
        }
        let wish = try taskWish(of: registered.tool, params, profile)
        switch params["arguments"] {
        case nil, .null: return .callTool(registered, arguments: [:], wish)
        case .object(let arguments): return .callTool(registered, arguments: arguments, wish)
        case .some(let other):
            throw .invalidParams("The arguments of a tool call must be an object, not \(other.kindName).")
        }
    }

    private func planRead(_ params: JSONObject) throws(MCPError) -> Work {
        guard routes.hasResources else { throw .methodNotFound(Method.readResource.rawValue) }
        return .readResource(uri: try text("uri", in: params, of: "resources/read"))
    }

    private func planPrompt(_ params: JSONObject) throws(MCPError) -> Work {
        guard routes.hasPrompts else { throw .methodNotFound(Method.getPrompt.rawValue) }
        let name = try text("name", in: params, of: "prompts/get")
        guard let prompt = routes.prompt(named: name) else {
            throw .invalidParams(unknown("prompt", name, known: routes.prompts.map(\.name)))
        }
        let arguments = try texts(params["arguments"], called: "arguments")
        for blank in prompt.arguments where blank.isRequired && arguments[blank.name] == nil {
            throw .invalidParams("The prompt \"\(name)\" needs the argument \"\(blank.name)\".")
        }
        return .getPrompt(prompt, arguments: arguments)
    }

    private func planCompletion(_ params: JSONObject) throws(MCPError) -> RequestPlan {
        guard routes.hasCompletions else { throw .methodNotFound(Method.complete.rawValue) }
        guard case .object(let reference)? = params["ref"], case .object(let argument)? = params["argument"] else {
            throw .invalidParams("completion/complete needs the objects \"ref\" and \"argument\".")
        }
        let name = try text("name", in: argument, of: "argument")
        guard case .string(let value)? = argument["value"] else {
            throw .invalidParams("argument needs the string \"value\".")
        }
        var others: [String: String] = [:]
        if let context = params["context"], !context.isNull {
            guard case .object(let members) = context else { throw .invalidParams("\"context\" must be an object.") }
            others = try texts(members["arguments"], called: "context.arguments")
        }
        let completer: Completer?
        switch reference["type"]?.string {
        case "ref/prompt":
            let promptName = try text("name", in: reference, of: "ref")
            guard let prompt = routes.prompt(named: promptName) else {
                throw .invalidParams(unknown("prompt", promptName, known: routes.prompts.map(\.name)))
            }
            guard let blank = prompt.arguments.first(where: { $0.name == name }) else {
                throw .invalidParams(unknown("argument", name, known: prompt.arguments.map(\.name)))
            }
            completer = blank.complete
        case "ref/resource":
            let uri = try text("uri", in: reference, of: "ref")
            let templates = routes.templates
            guard let match = templates.first(where: { $0.template.uriTemplate == uri || $0.pattern.match(uri) != nil })
            else { throw .invalidParams(unknown("template", uri, known: templates.map(\.template.uriTemplate))) }
            guard match.pattern.variables.contains(name) else {
                throw .invalidParams(unknown("blank", name, known: match.pattern.variables))
            }
            completer = match.template.completions[name]
        default: throw .invalidParams("ref.type must be \"ref/prompt\" or \"ref/resource\".")
        }
        guard let completer else { return .answer(Completion([]).json) }
        return .work(.complete(completer, value: value, others: others))
    }

    private func planListen(_ params: JSONObject, _ profile: CallProfile) throws(MCPError) -> Work {
        guard !options.changingLists.isEmpty || options.offersResourceSubscriptions || tasks != nil else {
            throw .methodNotFound(Method.listen.rawValue)
        }
        guard case .object(let filter)? = params["notifications"] else {
            throw .invalidParams("subscriptions/listen needs the object \"notifications\".")
        }
        let wanted = try ListenFilter(filter, options: options)
        guard wanted.tasks.isEmpty || profile.capabilities.acceptsTasks else {
            throw .missingCapability(TaskProtocol.requirement)
        }
        return .listen(wanted)
    }

    /// Returns the URI of the resource that a legacy client subscribes to, or no longer wants to watch.
    func watchedURI(_ method: Method, _ params: JSONObject) throws(MCPError) -> String {
        guard routes.hasResources, options.offersResourceSubscriptions else {
            throw .methodNotFound(method.rawValue)
        }
        return try text("uri", in: params, of: method.rawValue)
    }

    private func text(_ key: String, in object: JSONObject, of place: String) throws(MCPError) -> String {
        switch object[key] {
        case .string(let text): return text
        case nil: throw .invalidParams("\(place) needs the string \"\(key)\".")
        case .some(let other): throw .invalidParams("\"\(key)\" of \(place) must be a string, not \(other.kindName).")
        }
    }

    private func texts(_ value: JSONValue?, called place: String) throws(MCPError) -> [String: String] {
        guard let value, !value.isNull else { return [:] }
        guard case .object(let members) = value else {
            throw .invalidParams("\"\(place)\" must be an object, not \(value.kindName).")
        }
        var texts: [String: String] = [:]
        for (key, value) in members {
            guard case .string(let text) = value else {
                throw .invalidParams("\"\(place).\(MCPError.quotable(key))\" must be a string, not \(value.kindName).")
            }
            texts[key] = text
        }
        return texts
    }

    private func unknown(_ kind: String, _ name: String, known: [String]) -> String {
        let near = NearestNames.of(name, among: known)
        let shown = near.isEmpty ? Array(known.prefix(20)) : near
        let listed = shown.map { "\"\($0)\"" }.joined(separator: ", ")
        let advice = near.isEmpty ? "Known: \(listed)." : "Did you mean \(listed)?"
        return "Unknown \(kind): \"\(MCPError.quotable(name))\". \(known.isEmpty ? "None are available." : advice)"
    }
}

/// The requests that a server understands.
enum Method: String, Sendable {
    case initialize
    case ping
    case setLevel = "logging/setLevel"
    case subscribe = "resources/subscribe"
    case unsubscribe = "resources/unsubscribe"
    case discover = "server/discover"
    case listen = "subscriptions/listen"
    case listTools = "tools/list"
    case callTool = "tools/call"
    case listResources = "resources/list"
    case listTemplates = "resources/templates/list"
    case readResource = "resources/read"
    case listPrompts = "prompts/list"
    case getPrompt = "prompts/get"
    case complete = "completion/complete"
    case getTask = "tasks/get"
    case updateTask = "tasks/update"
    case cancelTask = "tasks/cancel"
    case taskResult = "tasks/result"
    case listTasks = "tasks/list"

    /// Whether the method exists in an era; a removed method is as unknown as one that never existed.
    func exists(in era: Era) -> Bool {
        switch self {
        case .initialize, .ping, .setLevel, .subscribe, .unsubscribe, .taskResult, .listTasks: era == .legacy
        case .discover, .listen, .updateTask: era == .modern
        default: true
        }
    }

    /// Whether a result of this method may be a question (modern era).
    var mayAsk: Bool { self == .callTool || self == .getPrompt || self == .readResource }
}

/// A request that was understood and now has to be carried out.
struct PlannedCall: Sendable {
    let id: RequestID
    let method: Method
    let profile: CallProfile
    let params: JSONObject
    /// The size of the message that contained it, in bytes.
    let size: Int
    let work: Work
}

/// The work that a call requires.
enum Work: Sendable {
    case callTool(RegisteredTool, arguments: JSONObject, TaskWish)
    case task(TaskAction, any TaskStore)
    case listResources(MCPServer.ResourceLister)
    case readResource(uri: String)
    case getPrompt(Prompt, arguments: [String: String])
    case complete(Completer, value: String, others: [String: String])
    case listen(ListenFilter)
    case watch(uri: String)
}

/// What an understood request leads to: an immediate answer or work.
enum RequestPlan: Sendable {
    case answer(JSONObject)
    case work(Work)
}
