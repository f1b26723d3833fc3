public import MMCore
import MMSystem

/// Lets callers use a session one after the other, in the order they came.
///
/// Who waits may give up, by deadline or cancellation, without holding up those behind. Upkeep that may be put off (asking
/// how the session is) is told to make room as soon as somebody waits.
public final class TurnQueue: Sendable {
    /// The right to use the session until it is given back.
    public final class Turn: Sendable {
        let queue: TurnQueue
        private let isBack = Mutex(false)

        fileprivate init(_ queue: TurnQueue) { self.queue = queue }

        deinit { giveBack() }

        /// Lets the next one in. Only the first call counts.
        public func giveBack() { if void() { queue.giveBack() } }

        /// Makes the turn worth nothing.
        /// - Returns: whether it was worth anything.
        @discardableResult
        fileprivate func void() -> Bool {
            isBack.withLock { isBack in
                defer { isBack = true }
                return !isBack
            }
        }
    }

    /// A place in the line.
    package final class Place: Sendable {
        fileprivate let grant = OneShot<Result<Turn, MMError>>()
        private let queue: TurnQueue

        fileprivate init(_ queue: TurnQueue) { self.queue = queue }

        /// Waits for the turn. To be called once.
        /// - Parameters:
        ///   - deadline: when waiting ends.
        ///   - late: the error for it.
        /// - Throws: `deadlineExceeded`, `cancelled`, and what the one was told who sent the callers away.
        package func turn(until deadline: Deadline, orElse late: MMError? = nil) async throws(MMError) -> Turn {
            let timer = deadline.instant.map { instant in
                Task {
                    try? await Task.sleep(until: instant, clock: .continuous)
                    if !Task.isCancelled {
                        dismiss(late ?? deadline.exceeded("waiting for the commands before this one; it was not sent"))
                    }
                }
            }
            let outcome = await withTaskCancellationHandler {
                await grant.wait()
            } onCancel: {
                dismiss(MMError(.cancelled, "The command was called off before it was sent."))
            }
            timer?.cancel()
            return try outcome.get()
        }

        /// Sends this caller away.
        package func dismiss(_ error: MMError) {
            queue.forget(self)
            grant.give(.failure(error))
        }
    }

    /// What somebody who comes gets.
    package enum Entry: Sendable {
        /// The turn: nobody had it.
        case turn(Turn)
        /// A place in the line.
        case place(Place)
    }

    private struct State {
        /// How many hold the turn together.
        var holders = 0
        var makeRoom: (@Sendable () -> Void)?
        var line: [Place] = []
        var closed: MMError?
    }

    private let state = Mutex(State())
    private let limit: Int

    /// A free session.
    /// - Parameter limit: most callers that may wait.
    public init(limit: Int = .max) { self.limit = limit }

    /// How many wait.
    public var waiting: Int { state.withLock { $0.line.count } }
    /// Whether somebody has the turn.
    public var isTaken: Bool { state.withLock { $0.holders > 0 } }

    /// Waits for the turn.
    /// - Parameter first: in front of all who wait.
    /// - Throws: `deadlineExceeded`, `cancelled`, `limitExceeded` when too many wait, and what the queue was closed with.
    public func take(_ deadline: Deadline, first: Bool = false) async throws(MMError) -> Turn {
        switch try enter(first: first) {
        case .turn(let turn): return turn
        case .place(let place): return try await place.turn(until: deadline)
        }
    }

    /// Takes the turn if nobody has it, else a place in the line.
    /// - Parameter first: in front of all who wait.
    /// - Throws: `limitExceeded` when too many wait, and what the queue was closed with.
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

    /// The turn, if nobody has it or waits for it.
    /// - Parameter makeRoom: called once as soon as somebody waits.
    public func takeIfFree(makeRoom: (@Sendable () -> Void)? = nil) -> Turn? {
        state.withLock { state in
            guard state.holders == 0, state.closed == nil else { return nil }
            state.holders = 1
            state.makeRoom = makeRoom
            return Turn(self)
        }
    }

    /// A share in the turn that the caller, or who called it, has: the next one is let in when all shares are back.
    /// - Parameter makeRoom: called once as soon as somebody waits.
    public func share(makeRoom: (@Sendable () -> Void)? = nil) -> Turn {
        let isAwaited = state.withLock { state in
            state.holders += 1
            state.makeRoom = state.line.isEmpty ? makeRoom : nil
            return !state.line.isEmpty
        }
        if isAwaited { makeRoom?() }
        return Turn(self)
    }

    /// Sends everybody away who waits.
    package func dismiss(_ error: MMError) {
        for place in state.withLock({ $0.line }) { place.dismiss(error) }
    }

    /// Sends everybody away who waits, and all who come later.
    public func close(_ error: MMError) {
        state.withLock { $0.closed = $0.closed ?? error }
        dismiss(error)
    }

    private func giveBack() {
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
            if next.grant.give(.success(turn)) { return }
            // Who gave up at this very moment doesn't get the turn: the one behind does.
            turn.void()
        }
    }

    private func forget(_ place: Place) {
        state.withLock { state in state.line.removeAll { $0 === place } }
    }

    private var full: MMError {
        MMError(
            .limitExceeded, "\(limit) commands wait for this session already.",
            hint: "Wait until some of them are done.",
            retry: .after(.seconds(5)))
    }
}
