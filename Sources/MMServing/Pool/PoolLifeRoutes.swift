import MMCore
import MMHTTP
import MMREST

/// The routes about the pool itself; everything else goes on to the face.
struct PoolLifeRoutes: Sendable {
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

    let actions: Actions

    /// A handler with these routes in front.
    func inFront(of handler: @escaping PoolFace.Handler) -> PoolFace.Handler {
        { request, peer in
            switch (request.method, request.path) {
            case (_, let path) where path.hasPrefix("/v1/pool") && peer == .network:
                return .json(
                    JSONWriter.bytes(.object(MMError(.forbidden, "This is for the pool's owner.").json)), status: 403)
            case ("GET", "/v1/handshake"): return .json(JSONWriter.bytes(.object(await actions.handshake())))
            case ("GET", "/v1/pool"): return .json(JSONWriter.bytes(.object(await actions.status())))
            case ("POST", "/v1/pool/stop"):
                await actions.stop()
                return .json(JSONWriter.bytes(["stopping": true]), status: 202)
            case ("POST", "/v1/pool/drain"):
                let gives = await actions.drain()
                return .json(JSONWriter.bytes(["draining": .bool(gives)]), status: gives ? 202 : 409)
            case ("HEAD", "/v1/pool"): return .json(JSONWriter.bytes(.object(await actions.status())))
            case (_, "/v1/pool"): return Self.wrongMethod("GET, HEAD")
            case (_, "/v1/pool/stop"), (_, "/v1/pool/drain"): return Self.wrongMethod("POST")
            default: return await handler(request, peer)
            }
        }
    }

    private static func wrongMethod(_ allowed: String) -> HTTPServerResponse {
        let error = MMError(.invalidInput, "This path answers other methods.", hint: "It answers \(allowed).")
        var answer = Problem.response(error, status: 405)
        answer.headers.set("Allow", allowed)
        return answer
    }
}
