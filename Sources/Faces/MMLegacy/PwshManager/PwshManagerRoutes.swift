import MMCore
package import MMHTTP
import MMOperations
package import MMPool

/// The session manager's HTTP routes.
package struct PwshManagerRoutes: Sendable {
    private let sessions: TenantSessions
    private let serverName: String

    /// Creates routes to a manager.
    /// - Parameters:
    ///   - sessions: the manager.
    ///   - serverName: the name that connections' `mcps` lists are compared with, in addition to the manager's own.
    package init(_ sessions: TenantSessions, serverName: String = "mm") {
        self.sessions = sessions
        self.serverName = serverName
    }

    /// The routes.
    package var router: Router<AdmittedPeer> {
        var router = Router<AdmittedPeer>(.errorObjects)
        for route in TenantSessions.routes {
            router.on(route.method, route.path) {
                await answer($0.http, at: route.path, takesBody: route.method == "POST")
            }
        }
        return router
    }

    private func answer(_ request: HTTPServerRequest, at path: String, takesBody: Bool) async -> HTTPServerResponse {
        var arguments = JSONObject()
        if takesBody {
            switch RouteExchange.body(request) {
            case .success(let body): arguments = body
            case .failure(let refusal):
                return RouteExchange.response(
                    RouteReply(["success": false, "error": .string(refusal.message)], status: refusal.status))
            }
        }
        let conversation = arguments["conversation_id"]?.string.map { " \($0.prefix(40))" } ?? ""
        let caller = Caller(surface: .rest, name: "pwsh-manager\(conversation)", server: serverName)
        return RouteExchange.response(await sessions.answer(path, arguments, for: caller))
    }
}
