/// Answers a request, knowing who sent it.
package typealias HTTPResponder<Peer> = @Sendable (HTTPServerRequest, Peer) async -> HTTPServerResponse

/// A step on a request's way to its answer: answers it, or hands it on and may change what comes back.
package protocol HTTPMiddleware<Peer>: Sendable {
    /// What is known of who sent a request.
    associatedtype Peer: Sendable

    /// Answers a request.
    /// - Parameters:
    ///   - request: what came.
    ///   - peer: who sent it.
    ///   - next: the rest of the way.
    func respond(
        to request: HTTPServerRequest, from peer: Peer, next: HTTPResponder<Peer>
    ) async -> HTTPServerResponse
}

/// The way of a listener's requests: one step after the other, in the order in which they stand here.
package struct HTTPChain<Peer: Sendable>: Sendable {
    private let responder: HTTPResponder<Peer>

    /// A way.
    /// - Parameters:
    ///   - steps: the steps, the first one first.
    ///   - end: answers what every step has handed on: that there is nothing, unless said otherwise.
    package init(
        _ steps: [any HTTPMiddleware<Peer>],
        end: @escaping HTTPResponder<Peer> = { request, _ in Problem.nothing(at: request.path) }
    ) {
        responder = steps.reversed().reduce(end) { next, step in
            { request, peer in await step.respond(to: request, from: peer, next: next) }
        }
    }

    /// Answers a request.
    /// - Parameters:
    ///   - request: what came.
    ///   - peer: who sent it.
    package func respond(to request: HTTPServerRequest, from peer: Peer) async -> HTTPServerResponse {
        await responder(request, peer)
    }
}
