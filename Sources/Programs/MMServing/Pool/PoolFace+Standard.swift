import MMCore
import MMHTTP
import MMPool

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
