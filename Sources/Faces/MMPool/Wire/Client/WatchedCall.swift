package import MMCore
import MMSystem

/// A wait for another process, given up when that process turns out not to answer any more.
package enum WatchedCall {
    /// Waits for the answer.
    /// - Parameters:
    ///   - pause: the time between two checks of the process.
    ///   - first: the time until the first check; `nil` for `pause`.
    ///   - fault: returns the reason why there will be no answer; `nil` while there may be one.
    ///   - work: the call; it is cancelled when it is abandoned.
    /// - Throws: the fault, or the error of the call.
    package static func answer<Answer: Sendable>(
        lookingEvery pause: Duration, from first: Duration? = nil, for fault: @escaping @Sendable () async -> MMError?,
        _ work: @escaping @Sendable () async throws(MMError) -> Answer
    ) async throws(MMError) -> Answer {
        let outcome = OneShot<Result<Answer, MMError>>()
        let call = Task { outcome.resolve(await Result(catching: work)) }
        let watch = Watch(pause) {
            guard let fault = await fault() else { return false }
            outcome.resolve(.failure(fault))
            return true
        }
        watch.look(in: first ?? pause)
        defer {
            watch.end()
            call.cancel()
        }
        return try await withTaskCancellationHandler {
            await outcome.wait()
        } onCancel: {
            call.cancel()
        }.get()
    }

    /// The repeated checks. Most calls end before the first one, which then has cost no task.
    private final class Watch: Sendable {
        private struct State {
            var timer: DeadlineWatch.Token?
            var check: Task<Void, Never>?
            var isOver = false
        }

        private let state = Mutex(State())
        private let pause: Duration
        private let isOver: @Sendable () async -> Bool

        /// - Parameter isOver: checks the process, and returns whether no further check is needed.
        init(_ pause: Duration, _ isOver: @escaping @Sendable () async -> Bool) {
            self.pause = pause
            self.isOver = isOver
        }

        func look(in wait: Duration) {
            state.withLock { state in
                guard !state.isOver else { return }
                state.timer = DeadlineWatch.shared.watch(.now + wait) { self.look() }
            }
        }

        private func look() {
            state.withLock { state in
                guard !state.isOver else { return }
                state.check = Task { if await !isOver() { look(in: pause) } }
            }
        }

        func end() {
            state.withLock { state in
                state.isOver = true
                state.check?.cancel()
                if let timer = state.timer { DeadlineWatch.shared.cancel(timer) }
            }
        }
    }
}

/// How long a pool may take for one call.
///
/// A pool ends each call at its deadline. When that has passed, the pool is asked for its handshake again and again:
/// one that answers is still at work, for example stopping a command; one that doesn't would be waited for in vain.
struct CallPatience: Sendable {
    let pool: PoolClient
    /// The name of the operation.
    let work: String
    let deadline: Deadline
    /// For the whole call: a list that is read beyond the deadline is waited for in many parts.
    private let standing = Standing()

    /// What the pool has beyond the deadline to tell how the call ended.
    private static let grace = Duration.seconds(1)
    /// How long it may take for its first handshake, and for each after that: some calls outlast their deadline by
    /// hours, and one stall of the machine must not end them.
    private static let limits = (first: Duration.seconds(2), later: Duration.seconds(20))
    /// The time between two handshakes.
    private static let pause = Duration.seconds(5)

    /// Whether the pool has answered since the deadline.
    private final class Standing: Sendable {
        let isAlive = Mutex(false)
    }

    /// Does a part of the call that waits for the pool.
    /// - Throws: the error of the work; `deadlineExceeded` if the deadline has passed and the pool doesn't answer.
    func wait<Answer: Sendable>(
        _ part: @escaping @Sendable () async throws(MMError) -> Answer
    ) async throws(MMError) -> Answer {
        try await WatchedCall.answer(
            lookingEvery: Self.pause, from: max(.zero, deadline.remaining) + Self.grace,
            for: {
                let limit = standing.isAlive.withLock { $0 } ? Self.limits.later : Self.limits.first
                // The time of the first attempt may have passed while the machine slept.
                for _ in 0..<2 {
                    // Every answer shows that it is alive, also that it stops, or refuses to tell who it is.
                    guard (try? await pool.ask("GET", PoolHandshake.path, within: limit)) == nil else {
                        standing.isAlive.withLock { $0 = true }
                        return nil
                    }
                }
                return PoolFailure.silent(pool.address, during: work)
            }, part)
    }
}
