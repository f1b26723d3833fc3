import MMCore
import MMSystem

/// Passes a streamed request body from the task that reads it to curl's thread, which sends it.
final class CurlUpload: Sendable {
    /// The result of curl's request for bytes.
    enum Portion {
        case bytes(Int)
        /// No bytes yet; curl is told when there are some.
        case later
        case end
        /// The body's source has failed.
        case broken
    }

    private enum End { case complete, broken }

    private struct State {
        var bytes: [UInt8] = []
        var taken = 0
        var end: End?
        var isCurlWaiting = false
        var feeder: OneShot<Void>?
        var isOver = false
    }

    /// The buffer size at which the source is held back until the server has taken some.
    private static let highWater = 256 << 10
    private let state = Mutex(State())

    /// The number of bytes that wait for curl, and the size of the buffer that holds them.
    var load: (waiting: Int, held: Int) { state.withLock { ($0.bytes.count - $0.taken, $0.bytes.count) } }

    /// Reads a body to its end, as fast as curl sends it.
    /// - Parameter resume: tells curl that there are bytes again.
    func feed(_ pieces: HTTPBody, resume: @Sendable () -> Void) async {
        var iterator = pieces.makeAsyncIterator()
        while true {
            let piece: [UInt8]?
            do throws(HTTPError) { piece = try await iterator.next() } catch {
                finish(.broken, resume)
                return
            }
            guard let piece else {
                finish(.complete, resume)
                return
            }
            let room: OneShot<Void>? = state.withLock { state in
                // Drop what curl has taken, even if it never takes everything; this moves fewer bytes than it frees.
                if state.taken > state.bytes.count / 2 {
                    state.bytes.removeFirst(state.taken)
                    state.taken = 0
                }
                state.bytes.append(contentsOf: piece)
                guard state.bytes.count - state.taken >= Self.highWater, !state.isOver else { return nil }
                let room = OneShot<Void>()
                state.feeder = room
                return room
            }
            wake(resume)
            await room?.wait()
            if state.withLock({ $0.isOver }) || Task.isCancelled { return }
        }
    }

    /// Copies the available bytes, on curl's thread.
    func take(into room: UnsafeMutableRawBufferPointer) -> Portion {
        let (portion, feeder): (Portion, OneShot<Void>?) = state.withLock { state in
            let count = min(room.count, state.bytes.count - state.taken)
            guard count > 0 else {
                switch state.end {
                case .complete: return (.end, nil)
                case .broken: return (.broken, nil)
                case nil:
                    state.isCurlWaiting = true
                    return (.later, nil)
                }
            }
            state.bytes.withUnsafeBytes { bytes in
                room.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[state.taken..<(state.taken + count)]))
            }
            state.taken += count
            if state.taken == state.bytes.count {
                state.bytes.removeAll(keepingCapacity: true)
                state.taken = 0
            }
            guard state.bytes.count - state.taken < Self.highWater else { return (.bytes(count), nil) }
            defer { state.feeder = nil }
            return (.bytes(count), state.feeder)
        }
        feeder?.resolve(())
        return portion
    }

    /// Ends the upload because the transfer has ended; the rest isn't sent.
    func close() {
        let feeder: OneShot<Void>? = state.withLock { state in
            state.isOver = true
            state.bytes = []
            state.taken = 0
            defer { state.feeder = nil }
            return state.feeder
        }
        feeder?.resolve(())
    }

    private func finish(_ end: End, _ resume: @Sendable () -> Void) {
        state.withLock { $0.end = end }
        wake(resume)
    }

    private func wake(_ resume: @Sendable () -> Void) {
        let isWaiting = state.withLock { state in
            defer { state.isCurlWaiting = false }
            return state.isCurlWaiting
        }
        if isWaiting { resume() }
    }
}
