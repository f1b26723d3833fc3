package import MMCore
import MMSystem

/// A lease that this node holds, as long as its own clock says so.
///
/// The clock keeps running while the machine sleeps or the process is stopped, and can't be set: a process that wakes
/// up late finds the lease over.
package final class HeldLease: Sendable {
    private struct State {
        var until: ContinuousClock.Instant
        var isOver = false
        var lastUsed: ContinuousClock.Instant
        var uses = 0
        /// Ends the work that runs under the lease, each by the number of its use.
        var ends: [Int: @Sendable () -> Void] = [:]
        var last = 0
    }

    /// The name of what is leased.
    package let name: String
    /// The number of this holding.
    package let token: Int64
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state: Mutex<State>

    init(
        _ name: String, token: Int64, until: ContinuousClock.Instant,
        now: @escaping @Sendable () -> ContinuousClock.Instant
    ) {
        self.name = name
        self.token = token
        self.now = now
        state = Mutex(State(until: until, lastUsed: now()))
    }

    /// Whether the lease may be used at this moment.
    package var isValid: Bool {
        let now = now()
        return state.withLock { !$0.isOver && now < $0.until }
    }

    /// How long the lease is valid without a renewal; zero or negative when it is over.
    package var left: Duration {
        let now = now()
        return state.withLock { $0.isOver ? .zero : now.duration(to: $0.until) }
    }

    /// The error for work that can't be done because the lease is over.
    package var over: MMError {
        MMError(
            .unavailable, "This node's lease of \(name) has expired: nothing more was sent for the call.",
            hint: "Check the objects that the call changes before you repeat it on another node.",
            details: ["lease": "over", "connection": .string(name)])
    }

    func extend(to until: ContinuousClock.Instant) {
        let now = now()
        // A lease that ran out stays over, even if it is renewed: its calls have already been told.
        state.withLock { state in
            if now < state.until, !state.isOver { state.until = max(state.until, until) }
        }
    }

    func end() {
        let ends = state.withLock { state in
            state.isOver = true
            defer { state.ends = [:] }
            return state.ends.values.map(\.self)
        }
        for end in ends { end() }
    }

    /// How long the lease has been unused.
    var idle: Duration {
        let now = now()
        return state.withLock { $0.uses > 0 ? .zero : $0.lastUsed.duration(to: now) }
    }

    /// Runs work and ends it with an error if the lease ends first.
    /// - Throws: the error of the work; `unavailable` with the detail `lease` if the lease ended first.
    package func whileHeld<Value: Sendable>(
        _ work: @escaping @Sendable () async throws(MMError) -> Value
    ) async throws(MMError) -> Value {
        guard isValid else { throw over }
        let now = now
        state.withLock { $0.uses += 1 }
        defer {
            state.withLock { state in
                state.uses -= 1
                state.lastUsed = now()
            }
        }
        let outcome = OneShot<Result<Value, MMError>>()
        let error = over
        let id: Int? = state.withLock { state in
            guard !state.isOver else { return nil }
            state.last += 1
            state.ends[state.last] = { outcome.resolve(.failure(error)) }
            return state.last
        }
        guard let id else { throw error }
        defer { state.withLock { _ = $0.ends.removeValue(forKey: id) } }
        let task = Task { outcome.resolve(await Result(catching: work)) }
        // Work that outlives the lease must not go on.
        defer { task.cancel() }
        return try await withTaskCancellationHandler {
            await outcome.wait()
        } onCancel: {
            task.cancel()
        }.get()
    }
}
