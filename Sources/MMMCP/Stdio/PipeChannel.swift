import MMCore
import MMSystem

/// The pipe as a place for messages: all calls of a pipe answer there.
///
/// Nothing here waits, so what a client doesn't read piles up; the channel knows how much may have, and holds the reader
/// back until there is room again. A client that reads nothing is then not read from either.
final class PipeChannel: MessageChannel {
    private struct State: Sendable {
        /// Bytes handed over since there last was room for certain.
        var unconfirmed = 0
        var isAsking = false
        var isReleased = false
        var isReaderWaiting = false
        /// Whether a message is on its way in pieces: the others wait until it is whole.
        var isStreaming = false
        var held: [[UInt8]] = []
        var turns: [OneShot<Void>] = []
    }

    private let writer: SerialWriter
    private let limit: Int
    private let state = Mutex(State())
    private let room = ThreadSemaphore()

    /// A channel.
    /// - Parameters:
    ///   - writer: writes the pipe; its capacity is at most half the limit.
    ///   - limit: most bytes that wait to be read before the client is held back.
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
            // An empty frame waits its turn like every other; when it fails nobody reads, and nobody need wait.
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
                // Half a message would spoil all that follow: only the end of the pipe ends it early.
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
        next?.give(())
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
        // Fails when nobody will read any more, or when the call is called off: then nobody need wait.
        while isCongested {
            guard (try? await writer.write([])) != nil else { return }
            confirmRoom()
        }
    }

    /// Blocks the reader's thread while too much waits to be read.
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

    /// Holds nobody back any more: the reading is about to end.
    func release() {
        let wakes = state.withLock { state in
            state.isReleased = true
            defer { state.isReaderWaiting = false }
            return state.isReaderWaiting
        }
        if wakes { room.post() }
    }
}
