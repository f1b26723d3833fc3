import MMCore

/// A request that was understood and now has to be worked on.
struct PlannedCall: Sendable {
    let id: RequestID
    let method: Method
    let profile: CallProfile
    let params: JSONObject
    /// The size of the message it came in.
    let size: Int
    let work: Work
}

/// What there is to do for a call.
enum Work: Sendable {
    case callTool(RegisteredTool, arguments: JSONObject)
    case listResources(MCPServer.ResourceLister)
    case readResource(uri: String)
    case getPrompt(Prompt, arguments: [String: String])
    case complete(Completer, value: String, others: [String: String])
    case listen(ListenFilter)
}

/// What a request leads to once it was understood.
enum Plan: Sendable {
    case answer(JSONObject)
    case work(Work)
}
