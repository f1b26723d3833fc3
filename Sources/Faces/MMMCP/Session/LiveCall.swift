import MMCore

/// A call between its registration and its answer.
///
/// A single lock orders all messages about the call, so that nothing follows the answer and a cancelled call is never
/// answered.
final class LiveCall: Sendable {
    let id: RequestID
    private let channel: any MessageChannel

    private struct State: Sendable {
        var isOpen = true
        var isCalledOff = false
        var task: Task<Void, Never>?
        var progress = ProgressThrottle()
    }

    private let state = Mutex(State())

    init(_ id: RequestID, channel: any MessageChannel) {
        self.id = id
        self.channel = channel
    }

    /// Whether the call still awaits its answer.
    var isOpen: Bool { state.withLock { $0.isOpen } }

    /// Waits until the client has read enough of what was already sent.
    func waitForRoom() async { await channel.waitForRoom() }

    /// Attaches the task that carries out the call; cancels it if the call was cancelled in the meantime.
    func attach(_ task: Task<Void, Never>) {
        let isCalledOff = state.withLock { state in
            // A quick task may already have answered, and may still be sending.
            if state.isOpen { state.task = task }
            return state.isCalledOff
        }
        if isCalledOff { task.cancel() }
    }

    /// Sends a message that belongs to the call, unless it is over.
    /// - Returns: whether it was sent.
    @discardableResult
    func send(_ message: @autoclosure () -> [UInt8]) -> Bool {
        state.withLock { state in
            guard state.isOpen else { return false }
            channel.send(message())
            return true
        }
    }

    /// Sends a message that may be dropped when the client doesn't keep up.
    func sendIfRoom(_ message: @autoclosure () -> [UInt8]) {
        guard !channel.isCongested else { return }
        send(message())
    }

    /// Sends a progress message if the call's gate admits it.
    func sendProgress(_ progress: Double, of total: Double?, _ message: @autoclosure () -> [UInt8]) {
        state.withLock { state in
            guard state.isOpen, state.progress.admits(progress, of: total, at: .now) else { return }
            channel.send(message())
        }
    }

    /// Answers the call, unless it is over.
    func answer(_ answer: @autoclosure () -> Reply) {
        // Encoding a large result may take long, so it happens outside the lock and only while the answer is awaited.
        guard isOpen else { return }
        let reply = answer()
        state.withLock { state in
            guard state.isOpen else { return }
            state.isOpen = false
            state.task = nil
            channel.finish(reply)
        }
    }

    /// Answers the call with a reply that contains long texts, unless it is over.
    func answer(streaming reply: StreamedReply) async {
        let isDue = state.withLock { state in
            defer {
                state.isOpen = false
                state.task = nil
            }
            return state.isOpen
        }
        if isDue { await channel.finish(streaming: reply) }
    }

    /// Closes the client's connection, where the client can reconnect.
    func release(retryAfter wait: Duration) { channel.release(retryAfter: wait) }

    /// Cancels the call: nothing more is sent for it, and its task is cancelled.
    /// - Parameter reply: what the client is told; `nil` for a call that the client cancelled.
    func cancel(answering reply: Reply? = nil) {
        let task: Task<Void, Never>? = state.withLock { state in
            guard state.isOpen else { return nil }
            state.isOpen = false
            state.isCalledOff = true
            channel.finish(reply)
            defer { state.task = nil }
            return state.task
        }
        task?.cancel()
    }
}

/// Decides which progress messages of a call are sent: strictly increasing ones, first in a small burst, then about
/// four a second.
struct ProgressThrottle: Sendable {
    private static let burst = 8.0
    private static let perSecond = 4.0
    private var last: Double?
    private var allowance = ProgressThrottle.burst
    private var refilled: ContinuousClock.Instant?

    /// Returns whether to send this message.
    /// - Parameters:
    ///   - progress: the amount of work done.
    ///   - total: the amount of work in all, if known; reaching it is always admitted.
    ///   - now: the current time.
    mutating func admits(_ progress: Double, of total: Double?, at now: ContinuousClock.Instant) -> Bool {
        guard progress.isFinite else { return false }
        if let last, progress <= last { return false }
        if let refilled {
            let (seconds, attoseconds) = (now - refilled).components
            let elapsed = Double(seconds) + Double(attoseconds) / 1e18
            allowance = min(Self.burst, allowance + elapsed * Self.perSecond)
        }
        refilled = now
        let isEnd = total.map { progress >= $0 && (last ?? -.infinity) < $0 } ?? false
        guard allowance >= 1 || isEnd else { return false }
        allowance = max(0, allowance - 1)
        last = progress
        return true
    }
}
