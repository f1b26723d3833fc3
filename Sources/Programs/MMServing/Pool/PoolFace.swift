package import MMCore
package import MMHTTP
import MMLegacy
package import MMOperations
package import MMPool

/// What a pool shows to clients of one kind: routes over the operations that this process carries out.
///
/// `mm pool serve --profile NAME` picks one; a new one is a line in `all`.
package struct PoolFace: Sendable {
    /// What a face is made from.
    package struct Context: Sendable {
        /// What operations work with.
        package let services: OperationServices
        /// Carries operations out, in this process or where they belong.
        package let service: any OperationService
        /// The environment that the pool was started with.
        package let environment: [String: String]
        /// What this process says of itself.
        package let handshake: @Sendable () async -> PoolHandshake
        /// What the addresses of this process have in common.
        package var shared = RESTShared()
    }

    /// The steps of its requests after authentication.
    package typealias Steps = [any HTTPMiddleware<AdmittedPeer>]

    /// The name, as `--profile` takes it.
    package let name: String
    /// What it is for, in one line.
    package let summary: String
    /// Where it listens unless told otherwise, from the environment of the pool; `nil`: only where `--listen` says.
    package let address: @Sendable ([String: String]) -> String?
    /// Makes its steps.
    package let steps: @Sendable (Context) throws(MMError) -> Steps

    /// A face.
    /// - Parameters:
    ///   - name: as `--profile` takes it.
    ///   - summary: what it is for.
    ///   - address: where it listens unless told otherwise.
    ///   - steps: makes its steps; called once, before the face listens.
    init(
        _ name: String, summary: String,
        address: @escaping @Sendable ([String: String]) -> String? = { _ in nil },
        steps: @escaping @Sendable (Context) throws(MMError) -> Steps
    ) {
        self.name = name
        self.summary = summary
        self.address = address
        self.steps = steps
    }

    /// Every face, the pool's own first.
    package static let all: [PoolFace] = [standard, pool, pwshManager]

    /// The face of a name.
    /// - Throws: `invalidInput` with the names that there are.
    package static func named(_ name: String) throws(MMError) -> PoolFace {
        if let face = all.first(where: { $0.name == name }) { return face }
        let names = all.map(\.name).joined(separator: ", ")
        throw MMError(.invalidInput, "There is no profile `\(name.prefix(60))`.", hint: "Profiles: \(names).")
    }
}

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

extension PoolFace {
    /// The pool's own face: every operation by name, jobs and their events, the dashboard.
    static let standard = PoolFace("mm", summary: "operations by name, jobs, dashboard") { (context) throws(MMError) in
        [
            RESTRouter(
                service: context.service, handshake: context.handshake, services: context.services,
                shared: context.shared)
        ]
    }
}
