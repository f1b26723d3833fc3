public import MMCore

/// A server of the Model Context Protocol as a value: who it is and what it offers.
///
/// The same value serves any number of connections, over pipes (``StdioTransport``) and over HTTP. Every revision from
/// 2024-11-05 to 2026-07-28 is spoken; handlers don't notice which.
public struct MCPServer: Sendable {
    /// What `resources/list` runs when resources come and go.
    public typealias ResourceLister = @Sendable (_ context: RequestContext) async throws -> [Resource]

    /// Who the server is.
    public let info: ServerInfo
    /// What it is for, which tool comes first, how its tools go together; a model reads it.
    public let instructions: String?
    /// How it behaves where the protocol leaves room.
    public let options: ServerOptions
    /// Where the program tells of changes.
    public let changes: ChangeFeed
    let routes: Routes
    let seal: StateSeal
    let once: OnceLedger

    /// A server.
    /// - Parameters:
    ///   - info: who it is.
    ///   - instructions: what a model should know before it begins.
    ///   - tools: in the order in which they are listed.
    ///   - prompts: in the order in which they are listed.
    ///   - resources: those that always exist, in the order in which they are listed.
    ///   - resourceTemplates: in the order in which they are listed and tried.
    ///   - moreResources: lists and finds those that come and go.
    ///   - options: how it behaves where the protocol leaves room.
    /// - Throws: `MMError` that names the first declaration that breaks a rule of the protocol.
    public init(
        _ info: ServerInfo, instructions: String? = nil, tools: [Tool] = [], prompts: [Prompt] = [],
        resources: [Resource] = [], resourceTemplates: [ResourceTemplate] = [], moreResources: ResourceLister? = nil,
        options: ServerOptions = ServerOptions()
    ) throws(MMError) {
        try self.init(
            info, instructions: instructions, tools: tools, prompts: prompts, resources: resources,
            resourceTemplates: resourceTemplates, moreResources: moreResources, options: options, clock: .system
        )
    }

    /// As above, with a clock of one's own.
    init(
        _ info: ServerInfo, instructions: String?, tools: [Tool], prompts: [Prompt], resources: [Resource],
        resourceTemplates: [ResourceTemplate], moreResources: ResourceLister?, options: ServerOptions, clock: WallClock
    ) throws(MMError) {
        if let key = options.stateKey, key.count < 32 {
            throw MMError(.invalidInput, "The state key has \(key.count) bytes; it needs at least 32 random ones.")
        }
        seal = StateSeal(
            key: options.stateKey ?? RandomBytes.make(32), lifetime: options.stateLifetime, clock: clock
        )
        once = OnceLedger(lifetime: options.stateLifetime, clock: clock)
        self.info = info
        self.instructions = instructions
        self.options = options
        self.changes = ChangeFeed()
        self.routes = try Routes(
            tools: tools, prompts: prompts, resources: resources, resourceTemplates: resourceTemplates,
            moreResources: moreResources, options: options
        )
    }

    /// What the server can do, as both eras announce it.
    var capabilities: JSONObject {
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
        return object
    }
}
