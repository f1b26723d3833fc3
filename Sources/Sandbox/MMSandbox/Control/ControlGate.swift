internal import MMCore
internal import MMHTTP

/// The step in front of the control plane: only those go on to it who know the secret of the state file.
struct ControlGate: HTTPMiddleware {
    let secret: Secret

    func respond(
        to request: HTTPServerRequest, from peer: Void, next: HTTPResponder<Void>
    ) async -> HTTPServerResponse {
        guard request.segments.first?.lowercased() == "sandbox" else { return await next(request, peer) }
        let bearer = request.headers["authorization"].flatMap {
            $0.lowercased().hasPrefix("bearer ") ? String($0.dropFirst(7)) : nil
        }
        let given = request.headers["x-sandbox-secret"] ?? bearer ?? ""
        guard ConstantTime.equal(Array(given.utf8), Array(secret.reveal().utf8)) else {
            return .failure(401, "unauthorized", "Send the secret of the sandbox's state file as X-Sandbox-Secret.")
        }
        return await next(request, peer)
    }
}
