import CMMSystem
import Glibc
package import MMCore

/// Writes to a pipe, socket or pseudo-terminal without blocking a thread.
package final class PolledWriter: Sendable {
    private struct State {
        var descriptor: Int32
        var isClosed = false
        var watch: PollLoop.Watch?
        var turn: OneShot<Void>?
        var isBusy = false
        var queue: [OneShot<Void>] = []
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

    /// Writes all of these bytes, after those of earlier callers. A cancelled write may have written a part.
    /// - Throws: `.unavailable` when the far end is gone or the writer was closed, `.cancelled`.
    package func write(_ bytes: [UInt8]) async throws(MMError) {
        await enter()
        defer { leave() }
        var done = 0
        while done < bytes.count {
            if Task.isCancelled { throw MMError(.cancelled, "Writing was cancelled.") }
            let start = done
            enum Step {
                case wrote(Int)
                case failed(MMError)
                case wait(OneShot<Void>)
            }
            let step: Step = state.withLock { state in
                if state.isClosed { return .failed(MMError(.unavailable, "The far end was closed.")) }
                let count = bytes.withUnsafeBytes { source in
                    Glibc.write(state.descriptor, source.baseAddress.map { $0 + start }, source.count - start)
                }
                if count >= 0 { return .wrote(count) }
                switch errno {
                case EINTR: return .wrote(0)
                case EAGAIN: break
                case EPIPE, ECONNRESET, EIO: return .failed(MMError(.unavailable, "The far end takes no more."))
                default: return .failed(SystemError.error("Writing"))
                }
                let turn = OneShot<Void>()
                do throws(MMError) {
                    try wait(for: turn, &state)
                    return .wait(turn)
                } catch {
                    return .failed(error)
                }
            }
            switch step {
            case .wrote(let count): done += count
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

    /// Closes the descriptor; a writer that waits fails.
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

    /// Lets one caller write at a time, in the order they came.
    private func enter() async {
        let turn: OneShot<Void>? = state.withLock { state in
            guard state.isBusy else {
                state.isBusy = true
                return nil
            }
            let turn = OneShot<Void>()
            state.queue.append(turn)
            return turn
        }
        await turn?.wait()
    }

    private func leave() {
        let next: OneShot<Void>? = state.withLock { state in
            guard !state.queue.isEmpty else {
                state.isBusy = false
                return nil
            }
            return state.queue.removeFirst()
        }
        next?.give(())
    }

    private func wait(for turn: OneShot<Void>, _ state: inout State) throws(MMError) {
        if let watch = state.watch {
            loop.rearm(watch, for: .write)
        } else {
            state.watch = try loop.watch(state.descriptor, for: .write, once: true) { [weak self] _ in
                self?.state.withLock { $0.turn }?.give(())
            }
        }
        state.turn = turn
    }
}
