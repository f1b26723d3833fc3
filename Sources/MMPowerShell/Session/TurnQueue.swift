import MMCore
import MMSystem

/// Lets callers into a session one after the other, in the order they came.
///
/// Who waits may give up, by deadline or cancellation, without holding up those behind. Work of our own that may be put
/// off (asking how the session is) is asked to make room as soon as somebody waits.
final class TurnQueue: Sendable {
    /// The right to use the session, until it is given back.
    final class Turn: Sendable {
        private let queue: TurnQueue
        private let isBack = Mutex(false)

        fileprivate init(_ queue: TurnQueue) { self.queue = queue }

        deinit { giveBack() }

        /// Lets the next one in. Only the first call counts.
        func giveBack() {
            let isFirst = isBack.withLock { isBack in
                defer { isBack = true }
                return !isBack
            }
            if isFirst { queue.next() }
        }
    }

    private enum Grant: Sendable {
        case granted
        case late
        case cancelled
        case closed
    }

    private struct State {
        var isTaken = false
        var makeRoom: (@Sendable () -> Void)?
        var waiting: [OneShot<Grant>] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let limit: Int

    /// A free session.
    /// - Parameter limit: most callers that may wait.
    init(limit: Int) { self.limit = limit }

    /// How many wait.
    var waiting: Int { state.withLock { $0.waiting.count } }
    /// Whether somebody has the turn.
    var isTaken: Bool { state.withLock { $0.isTaken } }

    /// The turn, if nobody has it or waits for it.
    /// - Parameter makeRoom: called once as soon as somebody waits.
    func takeIfFree(makeRoom: (@Sendable () -> Void)? = nil) -> Turn? {
        let isMine = state.withLock { state in
            guard !state.isTaken, state.waiting.isEmpty, !state.isClosed else { return false }
            state.isTaken = true
            state.makeRoom = makeRoom
            return true
        }
        return isMine ? Turn(self) : nil
    }

    /// Waits for the turn.
    /// - Throws: `deadlineExceeded`, `cancelled`, `limitExceeded` when too many wait, `cancelled` when the session closes.
    func take(_ deadline: Deadline) async throws(MMError) -> Turn {
        let place = OneShot<Grant>()
        let (isMine, refusal, makeRoom) = state.withLock { state -> (Bool, MMError?, (@Sendable () -> Void)?) in
            if state.isClosed { return (false, Self.closed, nil) }
            if !state.isTaken {
                state.isTaken = true
                return (true, nil, nil)
            }
            guard state.waiting.count < limit else { return (false, full, nil) }
            state.waiting.append(place)
            defer { state.makeRoom = nil }
            return (false, nil, state.makeRoom)
        }
        if let refusal { throw refusal }
        if isMine { return Turn(self) }
        makeRoom?()
        let timer = deadline.instant.map { instant in
            Task {
                try? await Task.sleep(until: instant, clock: .continuous)
                if !Task.isCancelled { place.give(.late) }
            }
        }
        let grant = await withTaskCancellationHandler {
            await place.wait()
        } onCancel: {
            place.give(.cancelled)
        }
        timer?.cancel()
        switch grant {
        case .granted: return Turn(self)
        case .closed: throw Self.closed
        case .late:
            forget(place)
            throw deadline.exceeded("waiting for the commands before this one; it was not sent")
        case .cancelled:
            forget(place)
            throw MMError(.cancelled, "The command was called off before it was sent.")
        }
    }

    /// Asks work that can be put off to make room, for somebody who waits elsewhere.
    func askForRoom() {
        let makeRoom = state.withLock { state in
            defer { state.makeRoom = nil }
            return state.makeRoom
        }
        makeRoom?()
    }

    /// Sends everybody away who waits, and all who come later.
    func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for place in waiting { place.give(.closed) }
    }

    private func next() {
        while true {
            let place = state.withLock { state -> OneShot<Grant>? in
                state.makeRoom = nil
                if state.waiting.isEmpty {
                    state.isTaken = false
                    return nil
                }
                return state.waiting.removeFirst()
            }
            // Who gave up at this very moment doesn't get the turn: the one behind does.
            guard let place else { return }
            if place.give(.granted) { return }
        }
    }

    private func forget(_ place: OneShot<Grant>) {
        state.withLock { state in state.waiting.removeAll { $0 === place } }
    }

    private static let closed = MMError(.cancelled, "The session was closed before the command was sent.")
    private var full: MMError {
        MMError(
            .limitExceeded, "\(limit) commands wait for this session already.",
            hint: "Wait until some of them are done.",
            retry: .after(.seconds(5)))
    }
}
