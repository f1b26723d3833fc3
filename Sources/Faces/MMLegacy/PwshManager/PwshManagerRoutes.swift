import MMCore
package import MMHTTP
import MMOperations
package import MMPool

/// The session manager's HTTP routes.
package struct PwshManagerRoutes: Sendable {
    private let sessions: TenantSessions

    /// The name that connections' `mcps` lists are compared with, in addition to the manager's own.
    private static let serverName = "mm"

    /// Creates routes to a manager.
    package init(_ sessions: TenantSessions) { self.sessions = sessions }

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
        let caller = Caller(surface: .rest, name: "pwsh-manager\(conversation)", server: Self.serverName)
        return RouteExchange.response(await sessions.answer(path, arguments, for: caller))
    }
}
