import MMCore
import MMHTTP
import MMLegacy
import MMOperations
import MMPoolWire
import MMREST

extension PoolFace {
    /// The session pool's own routes, where it always listened.
    static let pool = PoolFace(
        "pool", summary: "the session-pool server: /health /status /connections /run /reset /metrics",
        address: { "127.0.0.1:\(port("SESSION_POOL_PORT", in: $0) ?? 5200)" }
    ) { (context) async throws(MMError) in
        let routes = SessionPoolRoutes(
            service: context.service, services: context.services,
            settings: try SessionPoolRoutes.Settings(environment: context.environment), metrics: context.shared.metrics)
        return answering(routes.router, else: try await PoolFace.standard.handler(context))
    }

    /// The session manager's own routes, where it always listened.
    static let pwshManager = PoolFace(
        "pwsh-manager",
        summary: "the session manager: /health /modules /sessions /login /status /run /disconnect",
        address: { "127.0.0.1:\(port("PWSH_MANAGER_PORT", in: $0) ?? 5100)" }
    ) { (context) async throws(MMError) in
        let sessions = TenantSessions(
            service: context.service, services: context.services,
            settings: try TenantSettings(environment: context.environment))
        // It looks after its sessions for as long as the process lives.
        Task { await sessions.watch() }
        let routes = PwshManagerRoutes(sessions)
        return answering(routes.router, else: try await PoolFace.standard.handler(context))
    }

    /// A server's earlier routes; what the tools of today ask of a pool at an address is answered too.
    /// - Parameters:
    ///   - earlier: the earlier routes.
    ///   - operations: answers what is below `/v1`.
    static func answering(_ earlier: Router<AdmittedPeer>, else operations: @escaping Handler) -> Handler {
        HTTPChain([earlier]) { request, peer in
            request.path.hasPrefix("/v1/") ? await operations(request, peer) : nothing
        }.respond
    }

    private static let nothing = HTTPServerResponse.json(
        Array("{\"status\":\"error\",\"error\":\"Not found\"}\n".utf8), status: 404)

    private static func port(_ name: String, in environment: [String: String]) -> UInt16? {
        environment[name].flatMap { UInt16($0) }
    }
}
