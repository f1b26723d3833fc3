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
