internal import MMHTTP

/// The step at which something goes wrong on purpose: an answer instead of the service's own, or one that is held back,
/// broken off or changed.
struct FaultStep: HTTPMiddleware {
    let services: TenantServices

    func respond(
        to request: HTTPServerRequest, from peer: Void, next: HTTPResponder<Void>
    ) async -> HTTPServerResponse {
        let fault = await services.use { $0.faults.take(for: request) }
        guard let fault else { return await next(request, peer) }
        if let answer = await services.use({ $0.faultAnswers.early(fault, request) }) { return answer }
        let answer = await next(request, peer)
        switch fault.kind {
        case .latency(let wait):
            try? await Task.sleep(for: wait)
            return answer
        case .torn(let bytes): return Self.torn(answer, after: bytes)
        default: return await services.use { $0.faultAnswers.changed(answer, by: fault, of: request) }
        }
    }

    private static func torn(_ answer: HTTPServerResponse, after bytes: Int) -> HTTPServerResponse {
        let part = Array(answer.bytes.prefix(min(bytes, max(0, answer.bytes.count - 1))))
        var torn = answer
        torn.body = .stream(heartbeat: nil) { (writer) async throws(HTTPError) in
            try await writer.write(part)
            throw HTTPError(.connectionLost, "The sandbox broke off on purpose.")
        }
        return torn
    }
}
