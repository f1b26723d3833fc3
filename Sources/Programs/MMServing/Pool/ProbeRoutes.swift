import MMHTTP
import MMPool

/// What supervisors ask a server again and again: `/health`, whether it answers, and `/ready`, whether it takes calls.
///
/// Whoever reaches the address may ask: a supervisor has no secret, and learns nothing else.
struct ProbeRoutes: HTTPMiddleware {
    /// Tells whether calls are taken.
    let gate: PoolGate

    private static let health = "/health"
    private static let ready = "/ready"

    /// Whether a request is a supervisor's question, which needs no secret.
    static func isProbe(_ request: HTTPServerRequest) -> Bool {
        ["GET", "HEAD"].contains(request.method) && [health, ready].contains(request.path)
    }

    func respond(
        to request: HTTPServerRequest, from peer: AdmittedPeer, next: HTTPResponder<AdmittedPeer>
    ) async -> HTTPServerResponse {
        guard Self.isProbe(request) else { return await next(request, peer) }
        guard request.path == Self.ready else {
            // A face whose `/health` says more keeps its own.
            let answer = await next(request, peer)
            return answer.status == 404 ? .json(Array("{\"status\":\"healthy\"}\n".utf8)) : answer
        }
        return gate.isDraining
            ? .json(Array("{\"status\":\"draining\"}\n".utf8), status: 503)
            : .json(Array("{\"status\":\"ready\"}\n".utf8))
    }
}
