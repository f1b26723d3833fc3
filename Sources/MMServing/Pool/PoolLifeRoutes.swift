import MMCore
import MMHTTP
import MMREST

/// The routes about the pool itself; everything else goes on to the face.
struct PoolLifeRoutes: HTTPMiddleware {
    /// What the pool does when it is asked about itself.
    struct Actions: Sendable {
        /// What it tells of itself.
        let handshake: @Sendable () async -> JSONObject
        /// How it stands.
        let status: @Sendable () async -> JSONObject
        /// Stops it.
        let stop: @Sendable () async -> Void
        /// Lets it give its place to a later one; false when it can't now.
        let drain: @Sendable () async -> Bool
    }

    private let router: Router<RESTPeer>

    /// The routes.
    init(_ actions: Actions) {
        var router = Router<RESTPeer>(.problems)
        router.get("/v1/handshake") { _ in .json(JSONWriter.bytes(.object(await actions.handshake()))) }
        router.get("/v1/pool") { _ in .json(JSONWriter.bytes(.object(await actions.status()))) }
        router.post("/v1/pool/stop") { _ in
            await actions.stop()
            return .json(JSONWriter.bytes(["stopping": true]), status: 202)
        }
        router.post("/v1/pool/drain") { _ in
            let gives = await actions.drain()
            return .json(JSONWriter.bytes(["draining": .bool(gives)]), status: gives ? 202 : 409)
        }
        self.router = router
    }

    /// Answers what is about the pool, and that to its owner alone.
    func respond(
        to request: HTTPServerRequest, from peer: RESTPeer, next: HTTPResponder<RESTPeer>
    ) async -> HTTPServerResponse {
        guard !request.path.hasPrefix("/v1/pool") || peer.isOwn else {
            return .json(
                JSONWriter.bytes(.object(MMError(.forbidden, "This is for the pool's owner.").json)), status: 403)
        }
        return await router.respond(to: request, from: peer, next: next)
    }
}
