import MMHTTP
import MMPool

/// The probes that supervisors send: `/health`, whether the server answers, and `/ready`, whether it accepts calls.
///
/// Any client may send them, since a supervisor has no secret; the responses reveal nothing else.
struct ProbeRoutes: HTTPMiddleware {
    /// The gate, which knows whether calls are accepted.
    let gate: PoolGate

    private static let health = "/health"
    private static let ready = "/ready"

    /// Returns whether a request is a supervisor's probe, which needs no secret.
    static func isProbe(_ request: HTTPServerRequest) -> Bool {
        ["GET", "HEAD"].contains(request.method) && [health, ready].contains(request.path)
    }

    func respond(
        to request: HTTPServerRequest, from peer: AdmittedPeer, next: HTTPResponder<AdmittedPeer>
    ) async -> HTTPServerResponse {
        guard Self.isProbe(request) else { return await next(request, peer) }
        guard request.path == Self.ready else {
            // A face with a more detailed `/health` keeps its own.
            let answer = await next(request, peer)
            return answer.status == 404 ? .json(Array("{\"status\":\"healthy\"}\n".utf8)) : answer
        }
        return gate.isDraining
            ? .json(Array("{\"status\":\"draining\"}\n".utf8), status: 503)
            : .json(Array("{\"status\":\"ready\"}\n".utf8))
    }
}
