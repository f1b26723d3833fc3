import MMCore
import MMMCP
import MMOperations

extension RequestContext {
    /// Returns the context of a call for this request: the caller, and where progress is reported.
    /// - Parameters:
    ///   - serverName: the server name that a connection's `mcps` list is compared with.
    ///   - principals: the callers who signed in.
    func call(to serverName: String, principals: PrincipalTable) -> CallContext {
        let client = [clientInfo.name, clientInfo.version].filter { !$0.isEmpty }
        var call = CallContext(
            caller: Caller(surface: .mcp, name: client.joined(separator: " "), server: serverName),
            progress: { progress($0.done, of: $0.total, $0.message) })
        call.directory = CallContext.ownDirectory
        // The SSH keys of the user who started this program must not be available to people who sign in to it.
        if principal == .standardPipes { call.agentSocket = CallContext.ownAgentSocket }
        call.trace = TraceContext(parent: meta["traceparent"]?.string, state: meta["tracestate"]?.string)
        principals.complete(&call, for: principal)
        return call
    }
}
