import MMCore
import MMSystem

/// The pipe as a message channel, shared by all of its calls.
///
/// Writing never waits, so output accumulates when a client doesn't read. The channel counts the bytes that may be
/// unread and blocks the reader until there is room again: a client that reads nothing is not read from either.
final class PipeChannel: MessageChannel {
    private struct State: Sendable {
        /// The number of bytes handed over since the pipe was last known to have room.
        var unconfirmed = 0
        var isAsking = false
        var isReleased = false
        var isReaderWaiting = false
        /// Whether a message is being sent in pieces; the others wait until it is complete.
        var isStreaming = false
        var held: [[UInt8]] = []
        var turns: [OneShot<Void>] = []
    }

    private let writer: SerialWriter
    private let limit: Int
    private let state = Mutex(State())
    private let room = ThreadSemaphore()

    /// Creates a channel.
    /// - Parameters:
    ///   - writer: writes to the pipe; its capacity is at most half of `limit`.
    ///   - limit: the number of unread bytes at which the client is no longer read from.
    init(writer: SerialWriter, limit: Int) {
        self.writer = writer
        self.limit = limit
    }

    var isCongested: Bool { state.withLock { $0.unconfirmed >= limit } }

    func send(_ message: [UInt8]) { put(message) }

    func finish(_ answer: Reply?) {
        if let answer { put(answer.bytes) }
    }

    private func put(_ message: [UInt8]) {
        var line = message
        line.append(0x0A)
        let asks = state.withLock { state in
            if state.isStreaming { state.held.append(line) } else { writer.writeNow(line) }
            state.unconfirmed += line.count
            guard state.unconfirmed >= limit / 4, !state.isAsking else { return false }
            state.isAsking = true
            return true
        }
        guard asks else { return }
        Task {
            // An empty frame queues like every other. When writing it fails, nobody reads, and nobody needs to wait.
            try? await writer.write([])
            self.confirmRoom()
        }
    }

    func finish(streaming reply: StreamedReply) async {
        let turn: OneShot<Void>? = state.withLock { state in
            guard state.isStreaming else {
                state.isStreaming = true
                return nil
            }
            let turn = OneShot<Void>()
            state.turns.append(turn)
            return turn
        }
        await turn?.wait()
        try? await reply.send { (piece) async throws(MMError) in
            do throws(MMError) {
                try await writer.write(piece)
            } catch {
                // A truncated message would corrupt all that follow, so only the end of the pipe cuts it short.
                guard writer.writeNow(piece) else { throw error }
            }
        }
        writer.writeNow([0x0A])
        let next: OneShot<Void>? = state.withLock { state in
            for line in state.held { writer.writeNow(line) }
            state.held = []
            state.isStreaming = !state.turns.isEmpty
            return state.turns.isEmpty ? nil : state.turns.removeFirst()
        }
        next?.resolve(())
    }

    private func confirmRoom() {
        let wakes = state.withLock { state in
            state.unconfirmed = 0
            state.isAsking = false
            defer { state.isReaderWaiting = false }
            return state.isReaderWaiting
        }
        if wakes { room.post() }
    }

    func waitForRoom() async {
        // Fails when nobody reads any more or the call is cancelled; then nobody needs to wait.
        while isCongested {
            guard (try? await writer.write([])) != nil else { return }
            confirmRoom()
        }
    }

    /// Blocks the reader thread while too many bytes are unread.
    func blockUntilRoom() {
        while true {
            let waits = state.withLock { state in
                guard state.unconfirmed >= limit, !state.isReleased else { return false }
                state.isReaderWaiting = true
                return true
            }
            guard waits else { return }
            room.wait()
        }
    }

    /// Stops blocking the reader thread, because reading is about to end.
    func release() {
        let wakes = state.withLock { state in
            state.isReleased = true
            defer { state.isReaderWaiting = false }
            return state.isReaderWaiting
        }
        if wakes { room.post() }
    }
}
