import MMCore
import MMHTTP
import MMLegacy
import MMOperations
import MMPool

extension PoolFace {
    /// The session pool's own routes, where it always listened.
    static let pool = PoolFace(
        "pool", summary: "the session-pool server: /health /status /connections /run /reset /metrics",
        address: { "127.0.0.1:\(port("SESSION_POOL_PORT", in: $0) ?? 5200)" }
    ) { (context) throws(MMError) in
        let routes = SessionPoolRoutes(
            service: context.service, services: context.services,
            settings: try SessionPoolRoutes.Settings(environment: context.environment), metrics: context.shared.metrics)
        return try steps(routes.router, before: standard.steps(context))
    }

    /// The session manager's own routes, where it always listened.
    static let pwshManager = PoolFace(
        "pwsh-manager",
        summary: "the session manager: /health /modules /sessions /login /status /run /disconnect",
        address: { "127.0.0.1:\(port("PWSH_MANAGER_PORT", in: $0) ?? 5100)" }
    ) { (context) throws(MMError) in
        let sessions = TenantSessions(
            service: context.service, services: context.services,
            settings: try TenantSettings(environment: context.environment))
        // It looks after its sessions for as long as the process lives.
        Task { await sessions.watch() }
        let routes = PwshManagerRoutes(sessions)
        return try steps(routes.router, before: standard.steps(context))
    }

    /// A server's earlier routes; what the tools of today ask of a pool at an address is answered too.
    /// - Parameters:
    ///   - earlier: the earlier routes.
    ///   - operations: answers what is below `/v1`.
    static func steps(_ earlier: Router<AdmittedPeer>, before operations: Steps) -> Steps {
        [earlier, OnlyOperations()] + operations
    }

    /// Hands on what is below `/v1`; nothing else of today was served at an earlier server's address.
    private struct OnlyOperations: HTTPMiddleware {
        func respond(
            to request: HTTPServerRequest, from peer: AdmittedPeer, next: HTTPResponder<AdmittedPeer>
        ) async -> HTTPServerResponse {
            guard !request.path.hasPrefix("/v1/") else { return await next(request, peer) }
            return .json(Array("{\"status\":\"error\",\"error\":\"Not found\"}\n".utf8), status: 404)
        }
    }

    private static func port(_ name: String, in environment: [String: String]) -> UInt16? {
        environment[name].flatMap { UInt16($0) }
    }
}
