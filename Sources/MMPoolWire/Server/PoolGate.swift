import MMCore
package import MMHTTP
import MMSystem

/// Counts the calls that a pool carries out, and lets no more in once it is to end.
package final class PoolGate: Sendable {
    private struct State {
        var calls = 0
        var total = 0
        var isDraining = false
        var lastCall = ContinuousClock.now
        var waiting: [OneShot<Bool>] = []
    }

    private let state = Mutex(State())
    private let afterCall: @Sendable () -> Void

    /// A gate.
    /// - Parameter afterCall: told of each call that ended.
    package init(afterCall: @escaping @Sendable () -> Void = {}) {
        self.afterCall = afterCall
    }

    /// A call that was let in; it has ended when this value goes.
    package final class Pass: Sendable {
        private let gate: PoolGate

        fileprivate init(_ gate: PoolGate) { self.gate = gate }

        deinit { gate.leave() }
    }

    /// Lets a call in.
    /// - Returns: `nil` when no more are taken.
    package func enter() -> Pass? {
        let isIn = state.withLock { state in
            guard !state.isDraining else { return false }
            state.calls += 1
            state.total += 1
            state.lastCall = .now
            return true
        }
        return isIn ? Pass(self) : nil
    }

    private func leave() {
        let waiting: [OneShot<Bool>] = state.withLock { state in
            state.calls -= 1
            state.lastCall = .now
            guard state.calls == 0 else { return [] }
            defer { state.waiting = [] }
            return state.waiting
        }
        for waiter in waiting { waiter.give(true) }
        afterCall()
    }

    /// Calls under way.
    package var calls: Int { state.withLock { $0.calls } }
    /// Calls so far.
    package var total: Int { state.withLock { $0.total } }
    /// Whether no more are taken.
    package var isDraining: Bool { state.withLock { $0.isDraining } }
    /// How long no call has been under way.
    package var quiet: Duration { state.withLock { $0.calls > 0 ? .zero : $0.lastCall.duration(to: .now) } }

    /// Takes no more calls.
    package func close() { state.withLock { $0.isDraining = true } }

    /// Waits until no call is under way.
    /// - Returns: false when the time ran out first.
    package func empty(within limit: Duration) async -> Bool {
        let outcome = OneShot<Bool>()
        let isEmpty = state.withLock { state in
            if state.calls > 0 { state.waiting.append(outcome) }
            return state.calls == 0
        }
        if isEmpty { return true }
        let timer = Task {
            try? await Task.sleep(for: limit)
            outcome.give(false)
        }
        defer { timer.cancel() }
        return await outcome.wait()
    }

    /// The answer to a call that came too late: nothing was done, another pool will.
    private static var refusal: HTTPServerResponse {
        Problem.response(closedError)
    }

    /// The error that tells a client to look for the pool anew.
    private static var closedError: MMError {
        MMError(
            .unavailable, "The pool is stopping and takes no more calls.", hint: "Call again: another one is started.",
            retry: .now, details: ["pool": "draining"])
    }
}

extension PoolGate: HTTPMiddleware {
    /// Counts a call. What only looks at the pool is let through uncounted, and so are answers to questions: they belong to
    /// calls that are under way.
    package func respond(
        to request: HTTPServerRequest, from peer: AdmittedPeer, next: HTTPResponder<AdmittedPeer>
    ) async -> HTTPServerResponse {
        let isLook = ["GET", "HEAD", "OPTIONS"].contains(request.method)
        guard !isLook, !request.path.hasPrefix("/v1/calls/") else { return await next(request, peer) }
        guard let pass = enter() else { return Self.refusal }
        var response = await next(request, peer)
        if case .stream(let heartbeat, let write) = response.body {
            response.body = .stream(heartbeat: heartbeat) { (writer) async throws(HTTPError) in
                // The pass goes with the stream's closure, also when that never runs.
                defer { withExtendedLifetime(pass) {} }
                try await write(writer)
            }
        }
        withExtendedLifetime(pass) {}
        return response
    }
}
