package import MMCore
package import MMHTTP
import MMLegacy
package import MMOperations
package import MMPool

/// The routes that a pool offers to one kind of client, for the operations that this process carries out.
///
/// `mm pool serve --profile NAME` selects one; a new face only needs an entry in `all`.
package struct PoolFace: Sendable {
    /// The parts from which a face is made.
    package struct Context: Sendable {
        /// The services that operations work with.
        package let services: OperationServices
        /// The service that carries out operations, in this process or elsewhere.
        package let service: any OperationService
        /// The environment that the pool was started with.
        package let environment: [String: String]
        /// Returns the identity of this process.
        package let handshake: @Sendable () async -> PoolHandshake
        /// The state that the addresses of this process share.
        package var shared = RESTShared()
    }

    /// The middleware that handles requests after authentication.
    package typealias Steps = [any HTTPMiddleware<AdmittedPeer>]

    /// The face's name for `--profile`.
    package let name: String
    /// The face's purpose, in one line.
    package let summary: String
    /// Returns the default address, from the pool's environment; `nil` if the face only listens where `--listen` says.
    /// - Throws: `invalidInput`, naming the variable of a bad address.
    package let address: @Sendable ([String: String]) throws(MMError) -> String?
    /// Creates the face's middleware.
    package let steps: @Sendable (Context) throws(MMError) -> Steps

    /// Creates a face.
    /// - Parameters:
    ///   - name: the name for `--profile`.
    ///   - summary: the purpose, in one line.
    ///   - address: returns the default address.
    ///   - steps: creates the middleware; called once, before the face listens.
    init(
        _ name: String, summary: String,
        address: @escaping @Sendable ([String: String]) throws(MMError) -> String? = { _ in nil },
        steps: @escaping @Sendable (Context) throws(MMError) -> Steps
    ) {
        self.name = name
        self.summary = summary
        self.address = address
        self.steps = steps
    }

    /// All faces, the pool's own first.
    package static let all: [PoolFace] = [standard, pool, pwshManager]

    /// Returns the face with a name.
    /// - Throws: `invalidInput` that lists the names.
    package static func named(_ name: String) throws(MMError) -> PoolFace {
        if let face = all.first(where: { $0.name == name }) { return face }
        let names = all.map(\.name).joined(separator: ", ")
        throw MMError(.invalidInput, "There is no profile `\(name.prefix(60))`.", hint: "Profiles: \(names).")
    }
}

extension PoolFace {
    /// The session pool's original routes, at its original address.
    static let pool = PoolFace(
        "pool", summary: "the session-pool server: /health /status /connections /run /reset /metrics",
        address: { (environment) throws(MMError) in
            "127.0.0.1:\(try SessionPoolRoutes.Settings(environment: environment).port)"
        }
    ) { (context) throws(MMError) in
        let routes = SessionPoolRoutes(
            service: context.service, services: context.services,
            settings: try SessionPoolRoutes.Settings(environment: context.environment), metrics: context.shared.metrics)
        return try steps(routes.router, before: standard.steps(context))
    }

    /// The session manager's original routes, at its original address.
    static let pwshManager = PoolFace(
        "pwsh-manager",
        summary: "the session manager: /health /modules /sessions /login /status /run /disconnect",
        address: { (environment) throws(MMError) in
            "127.0.0.1:\(try TenantSettings(environment: environment).port)"
        }
    ) { (context) throws(MMError) in
        let sessions = TenantSessions(
            service: context.service, services: context.services,
            settings: try TenantSettings(environment: context.environment))
        // Maintains the sessions for as long as the process lives.
        Task { await sessions.watch() }
        let routes = PwshManagerRoutes(sessions)
        return try steps(routes.router, before: standard.steps(context))
    }

    /// Returns the middleware for an earlier server's routes, which also serves the operations that today's front-ends
    /// call.
    /// - Parameters:
    ///   - earlier: the earlier server's routes.
    ///   - operations: the middleware for paths below `/v1`.
    static func steps(_ earlier: Router<AdmittedPeer>, before operations: Steps) -> Steps {
        [earlier, OnlyOperations()] + operations
    }

    /// Passes on requests below `/v1`, and for their description: at an earlier server's address, none of today's other
    /// paths are served.
    private struct OnlyOperations: HTTPMiddleware {
        func respond(
            to request: HTTPServerRequest, from peer: AdmittedPeer, next: HTTPResponder<AdmittedPeer>
        ) async -> HTTPServerResponse {
            if request.path.hasPrefix("/v1/") || request.path == "/openapi.json" { return await next(request, peer) }
            return .json(Array("{\"status\":\"error\",\"error\":\"Not found\"}\n".utf8), status: 404)
        }
    }
}

extension PoolFace {
    /// The pool's own face: every operation by name, jobs and their events, the dashboard.
    static let standard = PoolFace("mm", summary: "operations by name, jobs, dashboard") { (context) throws(MMError) in
        [
            RESTRouter(
                service: context.service, handshake: context.handshake, settings: .ofPrograms,
                services: context.services, shared: context.shared)
        ]
    }
}

extension RESTRouter.Settings {
    /// The settings of the programs, whose messages to other programs name operations in place of commands.
    static var ofPrograms: RESTRouter.Settings {
        var settings = RESTRouter.Settings()
        settings.words = { AgentWords.ofPrograms.translated($0) }
        return settings
    }
}
