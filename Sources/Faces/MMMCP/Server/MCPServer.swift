public import MMCore

/// A server of the Model Context Protocol as a value: its identity and what it offers.
///
/// The same value serves any number of connections, over pipes (``StdioTransport``) and over HTTP. It speaks every
/// revision from 2024-11-05 to 2026-07-28; handlers don't notice which.
public struct MCPServer: Sendable {
    /// Returns the resources that come and go; `resources/list` runs it.
    package typealias ResourceLister = @Sendable (_ context: RequestContext) async throws -> [Resource]
    /// Returns the tools that come and go; lists and calls of tools that aren't permanent run it. It must be quick.
    package typealias ToolLister = @Sendable () -> [Tool]
    /// Returns the prompts that come and go; it must be quick.
    package typealias PromptLister = @Sendable () -> [Prompt]

    /// Watches a resource for one caller: yields an element each time its contents have changed since it returned,
    /// which is before the client's subscription is answered. Runs as long as the caller is subscribed to the resource,
    /// even if that does not exist yet. `read` reads the resource as the caller would.
    package typealias ResourceWatcher =
        @Sendable (
            _ uri: String, _ context: RequestContext, _ read: @escaping @Sendable () async throws -> [ResourceContents]
        ) async -> AsyncStream<Void>

    /// The server's identity.
    public let info: ServerInfo
    /// The purpose of the server, which tool to call first and how the tools work together; read by models.
    package let instructions: String?
    /// The server's behaviour where the protocol leaves room.
    package let options: ServerOptions
    /// The feed through which the program announces changes.
    package let changes: ChangeFeed
    /// The store of the server's tasks; `nil` if the server has none.
    let tasks: (any TaskStore)?
    private let resourceChanges: ResourceWatcher?
    let routes: Routes
    let seal: StateSeal
    let once: ClaimLedger
    let gate: CallGate?

    /// Creates a server of tools.
    /// - Parameters:
    ///   - info: the server's identity.
    ///   - instructions: what a model should know before it begins.
    ///   - tools: the tools, in the order in which they are listed.
    /// - Throws: `MMError` that names the first declaration that violates the protocol.
    public init(_ info: ServerInfo, instructions: String? = nil, tools: [Tool]) throws(MMError) {
        try self.init(info, instructions: instructions, tools: tools, options: ServerOptions())
    }

    /// Creates a server with everything that the protocol offers.
    /// - Parameters:
    ///   - info: the server's identity.
    ///   - instructions: what a model should know before it begins.
    ///   - tools: the tools, in the order in which they are listed.
    ///   - prompts: the prompts, in the order in which they are listed.
    ///   - resources: the permanent resources, in the order in which they are listed.
    ///   - resourceTemplates: the templates, in the order in which they are listed and tried.
    ///   - moreResources: lists and finds the resources that come and go.
    ///   - moreTools: lists and finds the tools that come and go; permanent ones of the same name win.
    ///   - morePrompts: lists and finds the prompts that come and go.
    ///   - resourceChanges: watches the resources that clients subscribe to, unless ``changes`` announces their
    ///     changes.
    ///   - tasks: the store of the long work whose calls were answered with a task.
    ///   - options: the server's behaviour where the protocol leaves room.
    /// - Throws: `MMError` that names the first declaration that violates the protocol.
    package init(
        _ info: ServerInfo, instructions: String? = nil, tools: [Tool] = [], prompts: [Prompt] = [],
        resources: [Resource] = [], resourceTemplates: [ResourceTemplate] = [], moreResources: ResourceLister? = nil,
        moreTools: @escaping ToolLister = { [] }, morePrompts: @escaping PromptLister = { [] },
        resourceChanges: ResourceWatcher? = nil, tasks: (any TaskStore)? = nil, options: ServerOptions = ServerOptions()
    ) throws(MMError) {
        try self.init(
            info, instructions: instructions, tools: tools, prompts: prompts, resources: resources,
            resourceTemplates: resourceTemplates, moreResources: moreResources, moreTools: moreTools,
            morePrompts: morePrompts, resourceChanges: resourceChanges,
            tasks: tasks, options: options, clock: .system
        )
    }

    /// Creates a server with the given clock.
    init(
        _ info: ServerInfo, instructions: String?, tools: [Tool], prompts: [Prompt], resources: [Resource],
        resourceTemplates: [ResourceTemplate], moreResources: ResourceLister?,
        moreTools: @escaping ToolLister = { [] }, morePrompts: @escaping PromptLister = { [] },
        resourceChanges: ResourceWatcher? = nil, tasks: (any TaskStore)? = nil, options: ServerOptions, clock: WallClock
    ) throws(MMError) {
        if let key = options.stateKey, key.count < 32 {
            throw MMError(.invalidInput, "The state key has \(key.count) bytes; it needs at least 32 random ones.")
        }
        seal = StateSeal(
            key: options.stateKey ?? RandomBytes.make(32), lifetime: options.stateLifetime, clock: clock
        )
        once = ClaimLedger(lifetime: options.stateLifetime, clock: clock)
        gate = options.callLimits.map { CallGate($0) }
        self.info = info
        self.instructions = instructions
        self.options = options
        self.changes = ChangeFeed()
        self.tasks = tasks
        self.resourceChanges = resourceChanges
        self.routes = try Routes(
            tools: tools, prompts: prompts, resources: resources, resourceTemplates: resourceTemplates,
            moreResources: moreResources, moreTools: moreTools, morePrompts: morePrompts, options: options
        )
    }

    /// Returns the changes of a resource as one caller sees it; `nil` if resources aren't watched.
    func changes(of uri: String, for context: RequestContext) async -> AsyncStream<Void>? {
        await resourceChanges?(uri, context) { try await contents(of: uri, context) }
    }

    /// The capabilities that the server announces to clients of a revision.
    func capabilities(for version: ProtocolVersion) -> JSONObject {
        var object = JSONObject()
        func list(_ kind: ListKind) -> JSONObject {
            options.changingLists.contains(kind) ? ["listChanged": true] : [:]
        }
        if routes.hasTools { object["tools"] = .object(list(.tools)) }
        if routes.hasResources {
            var resources = list(.resources)
            if options.offersResourceSubscriptions { resources["subscribe"] = true }
            object["resources"] = .object(resources)
        }
        if routes.hasPrompts { object["prompts"] = .object(list(.prompts)) }
        if routes.hasCompletions { object["completions"] = [:] }
        object["logging"] = [:]
        if tasks != nil {
            if version.isModern { object["extensions"] = [TaskProtocol.extensionName: [:]] }
            if version == .v2025_11_25 { object["tasks"] = .object(TaskProtocol.capability) }
        }
        return object
    }
}

/// Remembers which calls have claimed an action that may happen only once, for as long as their sealed states are
/// valid.
final class ClaimLedger: Sendable {
    private struct State: Sendable {
        var used: [String: Timestamp] = [:]
        var sweptAt = 0
    }

    private static let limit = 200_000
    private let state = Mutex(State())
    private let lifetime: Duration
    private let clock: WallClock

    init(lifetime: Duration, clock: WallClock) {
        // Each round renews a call's state, so remember the call until its last round can no longer come.
        self.lifetime = lifetime * (StateSeal.rounds + 1)
        self.clock = clock
    }

    /// Whether this is the first claim; also `false` when too many calls are remembered to be sure.
    func claim(_ nonce: String) -> Bool {
        let now = clock.now
        return state.withLock { state in
            guard state.used[nonce] == nil else { return false }
            if state.used.count >= max(1000, state.sweptAt * 2) || state.used.count >= Self.limit {
                state.used = state.used.filter { now - $0.value < lifetime }
                state.sweptAt = state.used.count
            }
            guard state.used.count < Self.limit else { return false }
            state.used[nonce] = now
            return true
        }
    }
}

/// Counts the tool calls of each caller, over all connections of a server.
///
/// Each caller has a bucket of tokens that holds as many as the limit allows per minute and refills evenly. A caller
/// who has used up a minute's calls at once can continue at the pace of the limit, and is told when to come back.
final class CallGate: Sendable {
    private struct Use: Sendable {
        var running = 0
        var left: Double
        var at: ContinuousClock.Instant
    }

    private let limits: CallLimits
    private let uses = Mutex<[Principal: Use]>([:])
    /// The number of callers above which those that were idle for a minute are forgotten.
    private static let many = 1000

    init(_ limits: CallLimits) { self.limits = limits }

    /// Begins a call.
    /// - Throws: an error that says when to come back.
    func enter(_ principal: Principal) throws(MCPError) {
        let moment = ContinuousClock.now
        let most = Double(limits.perMinute ?? .max)
        let refusal: MCPError? = uses.withLock { uses in
            if uses.count >= Self.many {
                uses = uses.filter { $0.value.running > 0 || moment - $0.value.at < .seconds(60) }
            }
            var use = uses[principal] ?? Use(left: most, at: moment)
            use.left = min(most, use.left + (moment - use.at) / .seconds(60) * most)
            use.at = moment
            defer { uses[principal] = use }
            if let atOnce = limits.atOnce, use.running >= atOnce {
                return .tooManyCalls("\(use.running) of your calls are running, which is the limit", seconds: 1)
            }
            if let perMinute = limits.perMinute, use.left < 1 {
                let seconds = Int(((1 - use.left) * 60 / most).rounded(.up))
                return .tooManyCalls(
                    "You have made \(perMinute) calls within a minute, which is the limit", seconds: seconds)
            }
            use.left -= 1
            use.running += 1
            return nil
        }
        if let refusal { throw refusal }
    }

    /// Ends a call that began.
    func leave(_ principal: Principal) {
        uses.withLock { $0[principal]?.running -= 1 }
    }
}

/// A server's identity, as clients show it.
public struct ServerInfo: Sendable, Hashable {
    /// The program's name, for logs and other programs.
    public var name: String
    /// The program's human-readable name.
    public var title: String?
    /// The program's version.
    public var version: String
    /// One sentence about the program.
    public var description: String?
    /// The URL of a page about the program.
    package var websiteURL: String?
    /// Icons for the client's lists.
    package var icons: [Icon]

    public init(
        name: String, title: String? = nil, version: String, description: String? = nil, websiteURL: String? = nil,
        icons: [Icon] = []
    ) {
        self.name = name
        self.title = title
        self.version = version
        self.description = description
        self.websiteURL = websiteURL
        self.icons = icons
    }

    var json: JSONObject {
        var object: JSONObject = ["name": .string(name)]
        object["title"] = title.map(JSONValue.string)
        object["version"] = .string(version)
        object["description"] = description.map(JSONValue.string)
        object["websiteUrl"] = websiteURL.map(JSONValue.string)
        if !icons.isEmpty { object["icons"] = .array(icons.map { .object($0.json) }) }
        return object
    }
}

/// An image that a client may show beside a name.
public struct Icon: Sendable, Hashable {
    /// An `https:` or `data:` URL.
    public var source: String
    /// The image's media type.
    package var mimeType: String?
    /// Sizes such as `48x48`, or `any`.
    package var sizes: [String]

    /// Creates an icon from a URL.
    public init(source: String, mimeType: String? = nil, sizes: [String] = []) {
        self.source = source
        self.mimeType = mimeType
        self.sizes = sizes
    }

    var json: JSONObject {
        var object: JSONObject = ["src": .string(source)]
        object["mimeType"] = mimeType.map(JSONValue.string)
        if !sizes.isEmpty { object["sizes"] = .array(sizes.map(JSONValue.string)) }
        return object
    }
}

/// The limits on what one caller may ask for, so that nobody takes up a shared server alone.
package struct CallLimits: Sendable, Hashable {
    /// The maximum number of tool calls that one caller may begin within a minute; `nil` for any number.
    package var perMinute: Int?
    /// The maximum number of tool calls of one caller that run at the same time; `nil` for any number.
    package var atOnce: Int?

    /// Creates limits.
    package init(perMinute: Int? = nil, atOnce: Int? = nil) {
        self.perMinute = perMinute
        self.atOnce = atOnce
    }
}

/// Announces changes to what clients may have cached.
///
/// Every connection of the server observes the feed and passes on the changes that its client asked for.
package final class ChangeFeed: Sendable {
    enum Change: Sendable, Hashable {
        case list(ListKind)
        case resource(String)
    }

    private struct Listeners: Sendable {
        var next = 0
        var all: [Int: @Sendable (Change) -> Void] = [:]
    }

    private let listeners = Mutex(Listeners())

    init() {}

    /// Announces that the contents of a list have changed.
    package func listChanged(_ kind: ListKind) { tell(.list(kind)) }

    /// Announces that the contents of a resource have changed.
    package func resourceChanged(_ uri: String) { tell(.resource(uri)) }

    private func tell(_ change: Change) {
        let all = listeners.withLock { Array($0.all.values) }
        for listener in all { listener(change) }
    }

    func add(_ listener: @escaping @Sendable (Change) -> Void) -> Int {
        listeners.withLock { state in
            state.next += 1
            state.all[state.next] = listener
            return state.next
        }
    }

    func remove(_ token: Int) {
        // The closure may own what it captured: release it outside the lock.
        _ = listeners.withLock { $0.all.removeValue(forKey: token) }
    }
}

/// A family of resources whose URIs contain variables (RFC 6570: `{name}` for one path segment, `{+name}` for the rest
/// of a path).
package struct ResourceTemplate: Sendable {
    /// Reads one of the resources.
    ///
    /// - Parameters:
    ///   - uri: the requested URI.
    ///   - variables: the variables' values, percent-decoded.
    ///   - context: the request's context.
    package typealias Reader =
        @Sendable (_ uri: String, _ variables: [String: String], _ context: RequestContext) async throws
        -> [ResourceContents]

    /// The URI template.
    package var uriTemplate: String
    /// The template's name.
    package var name: String
    /// The template's human-readable name.
    package var title: String?
    /// What such a resource contains.
    package var description: String?
    /// The resources' media type.
    package var mimeType: String?
    /// The resources' audience and priority.
    package var annotations: ContentAnnotations?
    /// Proposes values for the variables, by variable name.
    package var completions: [String: Completer]
    /// Reads one of the resources.
    package var read: Reader

    package init(
        uriTemplate: String, name: String, title: String? = nil, description: String? = nil, mimeType: String? = nil,
        annotations: ContentAnnotations? = nil, completions: [String: Completer] = [:], read: @escaping Reader
    ) {
        self.uriTemplate = uriTemplate
        self.name = name
        self.title = title
        self.description = description
        self.mimeType = mimeType
        self.annotations = annotations
        self.completions = completions
        self.read = read
    }

    var json: JSONObject {
        var object: JSONObject = ["uriTemplate": .string(uriTemplate), "name": .string(name)]
        object["title"] = title.map(JSONValue.string)
        object["description"] = description.map(JSONValue.string)
        object["mimeType"] = mimeType.map(JSONValue.string)
        if let annotations { object["annotations"] = .object(annotations.json) }
        return object
    }
}

extension MCPServer {
    /// Completes a result for the client's era: modern results carry their type, the server's identity and their cache
    /// hints.
    func finished(_ result: JSONObject, of method: Method, for era: Era) -> JSONObject {
        guard era == .modern else { return result }
        var full: JSONObject = ["resultType": "complete"]
        for (key, value) in result { full[key] = value }
        switch method {
        case .discover, .listTools, .listPrompts, .listTemplates: CacheHint.lists.add(to: &full)
        case .listResources, .readResource: CacheHint.resources.add(to: &full)
        default: break
        }
        return named(full)
    }

    /// Adds the server's identity to the result's `_meta`.
    func named(_ result: JSONObject) -> JSONObject {
        var result = result
        var meta = result["_meta"]?.object ?? [:]
        meta[MetaKey.serverInfo] = .object(info.json)
        result["_meta"] = .object(meta)
        return result
    }
}
