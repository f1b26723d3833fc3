package import MMCore
package import MMHTTP

/// The routes about the pool itself; everything else goes on to the face.
package struct PoolLifeRoutes: HTTPMiddleware {
    private let router: Router<AdmittedPeer>

    /// The routes.
    /// - Parameters:
    ///   - status: how the pool stands.
    ///   - stop: stops it.
    ///   - drain: lets it give its place to a later one; false when it can't now.
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

    /// Answers what is about the pool, and that to its owner alone.
    package func respond(
        to request: HTTPServerRequest, from peer: AdmittedPeer, next: HTTPResponder<AdmittedPeer>
    ) async -> HTTPServerResponse {
        guard !request.path.hasPrefix("/v1/pool") || peer.isOwn else {
            return Problem.response(MMError(.forbidden, "This is for the pool's owner."))
        }
        return await router.respond(to: request, from: peer, next: next)
    }
}
