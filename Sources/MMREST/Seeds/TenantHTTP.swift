import MMCore
package import MMHTTP
package import MMOperations

/// The session manager's routes over HTTP.
package struct TenantHTTP: Sendable {
    private let sessions: TenantSessions
    private let serverName: String

    /// Routes to a manager.
    /// - Parameters:
    ///   - sessions: the manager.
    ///   - serverName: what connections' `mcps` lists are compared with, beside the manager's own name.
    package init(_ sessions: TenantSessions, serverName: String = "mm") {
        self.sessions = sessions
        self.serverName = serverName
    }

    /// Answers a request.
    /// - Returns: `nil` when the path is none of the manager's.
    package func respond(to request: HTTPServerRequest) async -> HTTPServerResponse? {
        guard let route = TenantSessions.routes.first(where: { $0.path == request.path }) else { return nil }
        if request.method == "OPTIONS" {
            let allow = route.method == "GET" ? "GET, HEAD, OPTIONS" : "POST, OPTIONS"
            return HTTPServerResponse(status: 204, headers: ["Allow": allow])
        }
        let isHead = route.method == "GET" && request.method == "HEAD"
        guard request.method == route.method || isHead else { return SeedExchange.wrongMethod(route.method) }
        var arguments = JSONObject()
        if route.method == "POST" {
            switch SeedExchange.body(request) {
            case .success(let body): arguments = body
            case .failure(let refusal):
                return SeedExchange.response(
                    SeedReply(["success": false, "error": .string(refusal.message)], status: refusal.status))
            }
        }
        let conversation = arguments["conversation_id"]?.string.map { " \($0.prefix(40))" } ?? ""
        let caller = Caller(surface: .rest, name: "pwsh-manager\(conversation)", server: serverName)
        return SeedExchange.response(await sessions.answer(route.path, arguments, for: caller))
    }
}
