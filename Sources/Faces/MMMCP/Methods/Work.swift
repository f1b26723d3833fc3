import MMCore

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
}

/// What an understood request leads to: an immediate answer or work.
enum RequestPlan: Sendable {
    case answer(JSONObject)
    case work(Work)
}
