import MMCore
import MMHTTP
import MMMCP

/// What supervisors ask `mm-mcp` at an address again and again: `/healthz`, whether it answers, and `/readyz`, whether it takes
/// calls.
///
/// Whoever reaches the address may ask, under any name: a supervisor has no secret and calls a container by its address. It
/// learns nothing else.
final class FaceProbes: HTTPMiddleware, Sendable {
    /// Their paths.
    static let paths: Set<String> = ["/healthz", "/readyz"]

    private let stopping = Mutex(false)

    /// Says that no more calls are taken.
    func stop() { stopping.withLock { $0 = true } }

    /// Whether a request is a supervisor's question, which needs no secret.
    static func isProbe(_ request: HTTPServerRequest) -> Bool {
        ["GET", "HEAD"].contains(request.method) && paths.contains(request.path)
    }

    func respond(
        to request: HTTPServerRequest, from peer: MCPHTTPRequest, next: HTTPResponder<MCPHTTPRequest>
    ) async -> HTTPServerResponse {
        guard Self.isProbe(request) else { return await next(request, peer) }
        guard request.path == "/readyz" else { return .json(Array("{\"status\":\"healthy\"}\n".utf8)) }
        return stopping.withLock { $0 }
            ? .json(Array("{\"status\":\"draining\"}\n".utf8), status: 503)
            : .json(Array("{\"status\":\"ready\"}\n".utf8))
    }
}
