import MMCore
import MMHTTP
import MMOperations
import MMREST

extension PoolFace {
    /// The pool's own face: every operation by name, jobs and their events, the dashboard.
    static let standard = PoolFace(
        "mm", summary: "operations by name, jobs, dashboard"
    ) { (context) async throws(MMError) in
        let router = RESTRouter(
            service: context.service, handshake: context.handshake, settings: context.names,
            services: context.services, shared: context.shared)
        return { request, peer in await router.respond(to: request, from: peer) }
    }
}
