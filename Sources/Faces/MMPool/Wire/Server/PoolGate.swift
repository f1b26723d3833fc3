import MMCore
package import MMHTTP
import MMSystem

/// Counts the calls that a pool carries out, and admits no more once the pool is to end.
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

    /// Creates a gate.
    /// - Parameter afterCall: called after each call that has ended.
    package init(afterCall: @escaping @Sendable () -> Void = {}) {
        self.afterCall = afterCall
    }

    /// An admitted call, which ends when this value is released.
    package final class Pass: Sendable {
        private let gate: PoolGate

        fileprivate init(_ gate: PoolGate) { self.gate = gate }

        deinit { gate.leave() }
    }

    /// Admits a call.
    /// - Returns: `nil` when no more calls are admitted.
    private func enter() -> Pass? {
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
        for waiter in waiting { waiter.resolve(true) }
        afterCall()
    }

    /// The number of running calls.
    package var calls: Int { state.withLock { $0.calls } }
    /// The number of calls so far.
    package var total: Int { state.withLock { $0.total } }
    /// Whether no more calls are admitted.
    package var isDraining: Bool { state.withLock { $0.isDraining } }
    /// How long no call has been running.
    package var quiet: Duration { state.withLock { $0.calls > 0 ? .zero : $0.lastCall.duration(to: .now) } }

    /// Stops admitting calls.
    package func close() { state.withLock { $0.isDraining = true } }

    /// Waits until no call is running.
    /// - Returns: `false` when the time limit passed first.
    package func empty(within limit: Duration) async -> Bool {
        let outcome = OneShot<Bool>()
        let isEmpty = state.withLock { state in
            if state.calls > 0 { state.waiting.append(outcome) }
            return state.calls == 0
        }
        return isEmpty ? true : await outcome.wait(until: .after(limit), late: false)
    }

    /// The response to a call that came too late: nothing was done, and another pool will carry it out.
    private static var refusal: HTTPServerResponse {
        Problem.response(closedError)
    }

    /// The error that tells a client to look for a pool again.
    private static var closedError: MMError {
        MMError(
            .unavailable, "The pool is stopping and accepts no more calls.",
            hint: "Repeat the call: a new pool is started.",
            retry: .now, details: ["pool": "draining"])
    }
}

extension PoolGate: HTTPMiddleware {
    /// Counts a call. Requests that only read are let through uncounted, and so are answers to questions, which belong
    /// to calls already counted.
    package func respond(
        to request: HTTPServerRequest, from peer: AdmittedPeer, next: HTTPResponder<AdmittedPeer>
    ) async -> HTTPServerResponse {
        let isLook = ["GET", "HEAD", "OPTIONS"].contains(request.method)
        guard !isLook, !request.path.hasPrefix("/v1/calls/") else { return await next(request, peer) }
        guard let pass = enter() else { return Self.refusal }
        var response = await next(request, peer)
        if case .stream(let heartbeat, let write) = response.body {
            response.body = .stream(heartbeat: heartbeat) { (writer) async throws(HTTPError) in
                // The pass is released with the stream's closure, even if that never runs.
                defer { withExtendedLifetime(pass) {} }
                try await write(writer)
            }
        }
        withExtendedLifetime(pass) {}
        return response
    }
}
