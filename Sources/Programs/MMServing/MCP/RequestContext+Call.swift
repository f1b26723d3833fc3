import MMCore
import MMMCP
import MMOperations

extension RequestContext {
    /// What goes with an operation that is called for this request: who asks, and where progress is told.
    /// - Parameters:
    ///   - serverName: the name that a connection's `mcps` list is compared with.
    ///   - principals: those who signed in.
    func call(to serverName: String, principals: PrincipalTable) -> CallContext {
        let client = [clientInfo.name, clientInfo.version].filter { !$0.isEmpty }
        var call = CallContext(
            caller: Caller(surface: .mcp, name: client.joined(separator: " "), server: serverName),
            progress: { progress($0.done, of: $0.total, $0.message) })
        call.directory = CallContext.ownDirectory
        // The keys of whoever started this program are theirs, not those of people who sign in to it.
        if principal == .standardPipes { call.agentSocket = CallContext.ownAgentSocket }
        call.trace = TraceContext(parent: meta["traceparent"]?.string, state: meta["tracestate"]?.string)
        principals.complete(&call, for: principal)
        return call
    }
}
