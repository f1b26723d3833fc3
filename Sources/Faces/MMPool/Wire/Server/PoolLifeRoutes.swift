package import MMCore
package import MMHTTP

/// The routes that concern the pool itself; all other requests go on to the next responder.
package struct PoolLifeRoutes: HTTPMiddleware {
    private let router: Router<AdmittedPeer>

    /// Creates the routes.
    /// - Parameters:
    ///   - status: returns the pool's status.
    ///   - stop: stops the pool.
    ///   - drain: makes the pool give way to a later one; returns `false` when it can't at present.
    package init(
        status: @escaping @Sendable () async -> JSONObject, stop: @escaping @Sendable () async -> Void,
        drain: @escaping @Sendable () async -> Bool
    ) {
        var router = Router<AdmittedPeer>(.problems)
        router.get("/v1/pool") { _ in .json(JSONWriter.bytes(.object(await status()))) }
        router.post("/v1/pool/stop") { _ in
            await stop()
            return .json(JSONWriter.bytes(["stopping": true]), status: 202)
        }
        router.post("/v1/pool/drain") { _ in
            let gives = await drain()
            return .json(JSONWriter.bytes(["draining": .bool(gives)]), status: gives ? 202 : 409)
        }
        self.router = router
    }

    /// Answers requests about the pool, from its owner only.
    package func respond(
        to request: HTTPServerRequest, from peer: AdmittedPeer, next: HTTPResponder<AdmittedPeer>
    ) async -> HTTPServerResponse {
        guard !request.path.hasPrefix("/v1/pool") || peer.isOwn else {
            return Problem.response(MMError(.forbidden, "Only the pool's owner can do this."))
        }
        return await router.respond(to: request, from: peer, next: next)
    }
}
