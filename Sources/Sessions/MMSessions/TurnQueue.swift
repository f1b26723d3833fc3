package import MMCore
import MMSystem

/// Lets callers use a session one after the other, in the order in which they came.
///
/// A waiting caller may give up, by deadline or cancellation, without delaying those behind it. A holder whose work can
/// be postponed (a health check) is asked to make room as soon as a caller waits.
package final class TurnQueue: Sendable {
    /// The right to use the session until it is released.
    package final class Turn: Sendable {
        let queue: TurnQueue
        private let isBack = Mutex(false)

        fileprivate init(_ queue: TurnQueue) { self.queue = queue }

        deinit { release() }

        /// Releases the turn to the next caller. Only the first call counts.
        package func release() { if void() { queue.release() } }

        /// Makes the turn invalid.
        /// - Returns: whether it was valid.
        @discardableResult
        fileprivate func void() -> Bool {
            isBack.withLock { isBack in
                defer { isBack = true }
                return !isBack
            }
        }
    }

    /// A place in the queue.
    package final class Place: Sendable {
        fileprivate let grant = OneShot<Result<Turn, MMError>>()
        private let queue: TurnQueue

        fileprivate init(_ queue: TurnQueue) { self.queue = queue }

        /// Waits for the turn. Call it only once.
        /// - Parameters:
        ///   - deadline: when to stop waiting.
        ///   - late: the error to throw then.
        /// - Throws: `deadlineExceeded`, `cancelled`, or the error with which the callers were dismissed.
        package func turn(until deadline: Deadline, orElse late: MMError? = nil) async throws(MMError) -> Turn {
            let timer = deadline.instant.map { instant in
                DeadlineWatch.shared.watch(instant) { [self] in
                    dismiss(late ?? deadline.exceeded("waiting for the commands before this one; it was not sent"))
                }
            }
            let outcome = await withTaskCancellationHandler {
                await grant.wait()
            } onCancel: {
                dismiss(MMError(.cancelled, "The command was cancelled before it was sent."))
            }
            if let timer { DeadlineWatch.shared.cancel(timer) }
            return try outcome.get()
        }

        /// Dismisses this caller.
        package func dismiss(_ error: MMError) {
            queue.forget(self)
            grant.resolve(.failure(error))
        }
    }

    /// What a caller receives on entering.
    package enum Entry: Sendable {
        /// The turn: it was free.
        case turn(Turn)
        /// A place in the queue.
        case place(Place)
    }

    private struct State {
        /// The number of holders that share the turn.
        var holders = 0
        var makeRoom: (@Sendable () -> Void)?
        var line: [Place] = []
        var closed: MMError?
    }

    private let state = Mutex(State())
    private let limit: Int

    /// Creates the queue of a free session.
    /// - Parameter limit: the maximum number of waiting callers.
    package init(limit: Int = .max) { self.limit = limit }

    /// The number of waiting callers.
    package var waiting: Int { state.withLock { $0.line.count } }
    /// Whether the turn is taken.
    package var isTaken: Bool { state.withLock { $0.holders > 0 } }

    /// Waits for the turn.
    /// - Parameter first: whether to wait in front of all others.
    /// - Throws: `deadlineExceeded`, `cancelled`, `limitExceeded` if too many wait, or the error with which the queue
    ///   was closed.
    package func take(_ deadline: Deadline, first: Bool = false) async throws(MMError) -> Turn {
        switch try enter(first: first) {
        case .turn(let turn): return turn
        case .place(let place): return try await place.turn(until: deadline)
        }
    }

    /// Takes the turn if it is free, or else a place in the queue.
    /// - Parameter first: whether to wait in front of all others.
    /// - Throws: `limitExceeded` if too many wait, or the error with which the queue was closed.
    package func enter(first: Bool = false) throws(MMError) -> Entry {
        let (entry, makeRoom) = try state.withLock { (state) throws(MMError) -> (Entry, (@Sendable () -> Void)?) in
            if let closed = state.closed { throw closed }
            if state.holders == 0 {
                state.holders = 1
                return (.turn(Turn(self)), nil)
            }
            guard state.line.count < limit else { throw full }
            let place = Place(self)
            state.line.insert(place, at: first ? 0 : state.line.count)
            defer { state.makeRoom = nil }
            return (.place(place), state.makeRoom)
        }
        makeRoom?()
        return entry
    }

    /// Returns the turn if it is free.
    /// - Parameter makeRoom: called once as soon as a caller waits.
    package func takeIfFree(makeRoom: (@Sendable () -> Void)? = nil) -> Turn? {
        state.withLock { state in
            guard state.holders == 0, state.closed == nil else { return nil }
            state.holders = 1
            state.makeRoom = makeRoom
            return Turn(self)
        }
    }

    /// Returns a share in the turn that the caller holds: the next one is admitted when all shares have been released.
    /// - Parameter makeRoom: called once as soon as a caller waits.
    package func share(makeRoom: (@Sendable () -> Void)? = nil) -> Turn {
        let isAwaited = state.withLock { state in
            state.holders += 1
            state.makeRoom = state.line.isEmpty ? makeRoom : nil
            return !state.line.isEmpty
        }
        if isAwaited { makeRoom?() }
        return Turn(self)
    }

    /// Dismisses all waiting callers.
    package func dismiss(_ error: MMError) {
        for place in state.withLock({ $0.line }) { place.dismiss(error) }
    }

    /// Dismisses all waiting callers, and all who come later.
    package func close(_ error: MMError) {
        state.withLock { $0.closed = $0.closed ?? error }
        dismiss(error)
    }

    private func release() {
        while true {
            let next = state.withLock { state -> Place? in
                state.makeRoom = nil
                if state.holders > 1 || state.line.isEmpty {
                    state.holders -= 1
                    return nil
                }
                return state.line.removeFirst()
            }
            guard let next else { return }
            let turn = Turn(self)
            if next.grant.resolve(.success(turn)) { return }
            // The caller gave up at this very moment, so the turn goes to the next one in the line.
            turn.void()
        }
    }

    private func forget(_ place: Place) {
        state.withLock { state in state.line.removeAll { $0 === place } }
    }

    private var full: MMError {
        MMError(
            .limitExceeded, "\(limit) commands already wait for this session.",
            hint: "Wait until some of them have ended.",
            retry: .after(.seconds(5)))
    }
}
