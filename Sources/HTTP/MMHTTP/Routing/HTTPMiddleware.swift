/// Responds to a request from a known sender.
package typealias HTTPResponder<Peer> = @Sendable (HTTPServerRequest, Peer) async -> HTTPServerResponse

/// A step in a listener's chain: responds to a request, or passes it on and may change the response.
package protocol HTTPMiddleware<Peer>: Sendable {
    /// The information about the sender of a request.
    associatedtype Peer: Sendable

    /// Responds to a request.
    /// - Parameters:
    ///   - request: the request.
    ///   - peer: its sender.
    ///   - next: the rest of the chain.
    func respond(
        to request: HTTPServerRequest, from peer: Peer, next: HTTPResponder<Peer>
    ) async -> HTTPServerResponse
}

/// A listener's steps, applied in order.
package struct HTTPChain<Peer: Sendable>: Sendable {
    private let responder: HTTPResponder<Peer>

    /// Creates a chain.
    /// - Parameters:
    ///   - steps: the steps, in order.
    ///   - end: responds to requests that every step has passed on; by default with `notFound`.
    package init(
        _ steps: [any HTTPMiddleware<Peer>],
        end: @escaping HTTPResponder<Peer> = { request, _ in Problem.notFound(at: request.path) }
    ) {
        responder = steps.reversed().reduce(end) { next, step in
            { request, peer in await step.respond(to: request, from: peer, next: next) }
        }
    }

    /// Responds to a request.
    /// - Parameters:
    ///   - request: the request.
    ///   - peer: its sender.
    package func respond(to request: HTTPServerRequest, from peer: Peer) async -> HTTPServerResponse {
        await responder(request, peer)
    }
}
