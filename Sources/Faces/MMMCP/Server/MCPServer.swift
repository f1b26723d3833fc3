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

    /// Watches a resource for one caller: gives an element each time its contents have changed. Runs as long as the caller
    /// is subscribed to it, also to one that does not exist yet.
    /// `read` reads it as the caller would.
    package typealias ResourceWatcher =
        @Sendable (
            _ uri: String, _ context: RequestContext, _ read: @escaping @Sendable () async throws -> [ResourceContents]
        ) -> AsyncStream<Void>

    /// The server's identity.
    public let info: ServerInfo
    /// The purpose of the server, which tool to call first and how the tools work together; read by models.
    package let instructions: String?
    /// The server's behaviour where the protocol leaves room.
    package let options: ServerOptions
    /// Where the program announces changes.
    package let changes: ChangeFeed
    /// Where the server's tasks are; `nil` for one that has none.
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

    /// Creates a server of all that the protocol knows.
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
    ///   - resourceChanges: watches the resources that clients subscribe to, where ``changes`` doesn't tell of them.
    ///   - tasks: where long work is found whose calls were answered with a task.
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

    /// Creates a server with a clock of one's own.
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

    /// The changes of a resource as one caller sees it; `nil` where nothing watches resources.
    func changes(of uri: String, for context: RequestContext) -> AsyncStream<Void>? {
        resourceChanges.map { watch in watch(uri, context) { try await contents(of: uri, context) } }
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
        if options.offersLogging { object["logging"] = [:] }
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
/// Calls begin as tokens are there: as many as a minute allows lie ready, and new ones come evenly. So a caller who has
/// used up a minute's calls at once goes on at the pace of the limit, and learns when to come back.
final class CallGate: Sendable {
    private struct Use: Sendable {
        var running = 0
        var left: Double
        var at: ContinuousClock.Instant
    }

    private let limits: CallLimits
    private let now: @Sendable () -> ContinuousClock.Instant
    private let uses = Mutex<[Principal: Use]>([:])
    /// At how many callers those who did nothing for a minute are forgotten.
    private static let many = 1000

    init(_ limits: CallLimits, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.limits = limits
        self.now = now
    }

    /// Begins a call.
    /// - Throws: an error that says when to come back.
    func enter(_ principal: Principal) throws(MCPError) {
        let moment = now()
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
                return .tooManyCalls("\(use.running) of your calls are running, as many as may at once", seconds: 1)
            }
            if let perMinute = limits.perMinute, use.left < 1 {
                let seconds = Int(((1 - use.left) * 60 / most).rounded(.up))
                return .tooManyCalls(
                    "You have made \(perMinute) calls within a minute, as many as may", seconds: seconds)
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
