import CMMSystem
import Glibc
package import MMCore

/// Reads a pipe, socket or pseudo-terminal without blocking a thread and without holding a buffer while nothing comes.
/// Nothing is read before somebody asks, which holds the far end back.
package final class PolledReader: Sendable {
    private struct State {
        var descriptor: Int32
        var isClosed = false
        var watch: PollLoop.Watch?
        var turn: OneShot<Void>?
    }

    private let loop: PollLoop
    private let state: Mutex<State>

    /// Takes over a descriptor, which becomes non-blocking for everybody who shares its open file.
    /// - Throws: `.unavailable` when the loop can't be started.
    package init(_ descriptor: consuming FileDescriptor) throws(MMError) {
        loop = try PollLoop.shared()
        let raw = descriptor.release()
        mm_set_nonblocking(raw, 1)
        state = Mutex(State(descriptor: raw))
    }

    deinit { close() }

    /// What is there, as soon as there is something. For one reader at a time.
    /// - Parameter limit: the most bytes to give.
    /// - Returns: nil at the end, and after `close`.
    /// - Throws: `.cancelled` when the task is cancelled; what the system says when reading fails.
    package func read(upTo limit: Int = 64 << 10) async throws(MMError) -> [UInt8]? {
        enum Step {
            case bytes([UInt8])
            case end
            case failed(MMError)
            case wait(OneShot<Void>)
        }
        while true {
            if Task.isCancelled { throw MMError(.cancelled, "Reading was cancelled.") }
            let step: Step = state.withLock { state in
                if state.isClosed { return .end }
                let bytes = Self.take(from: state.descriptor, upTo: limit)
                if let bytes { return bytes.isEmpty ? .end : .bytes(bytes) }
                switch errno {
                case EAGAIN: break
                // The last user of a pseudo-terminal, or the far end of a socket, has gone.
                case EIO, ECONNRESET: return .end
                default: return .failed(SystemError.error("Reading"))
                }
                precondition(state.turn == nil, "A descriptor has one reader")
                let turn = OneShot<Void>()
                do throws(MMError) {
                    try wait(for: turn, &state)
                    return .wait(turn)
                } catch {
                    return .failed(error)
                }
            }
            switch step {
            case .bytes(let bytes): return bytes
            case .end: return nil
            case .failed(let error): throw error
            case .wait(let turn):
                await withTaskCancellationHandler {
                    await turn.wait()
                } onCancel: {
                    turn.give(())
                }
                state.withLock { $0.turn = nil }
            }
        }
    }

    /// Closes the descriptor; a reader that waits gets the end.
    package func close() {
        let turn: OneShot<Void>? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.isClosed = true
            if let watch = state.watch { loop.forget(watch) }
            Glibc.close(state.descriptor)
            return state.turn
        }
        turn?.give(())
    }

    private func wait(for turn: OneShot<Void>, _ state: inout State) throws(MMError) {
        if let watch = state.watch {
            loop.rearm(watch, for: .read)
        } else {
            state.watch = try loop.watch(state.descriptor, for: .read, once: true) { [weak self] _ in
                self?.state.withLock { $0.turn }?.give(())
            }
        }
        state.turn = turn
    }

    /// The bytes that are there; none at the end; nil with `errno` when there is nothing yet.
    private static func take(from descriptor: Int32, upTo limit: Int) -> [UInt8]? {
        withUnsafeTemporaryAllocation(byteCount: max(1, limit), alignment: 16) { room in
            var count: Int
            repeat { count = Glibc.read(descriptor, room.baseAddress, room.count) } while count < 0 && errno == EINTR
            return count < 0 ? nil : Array(room.prefix(count))
        }
    }
}
