import CMMSystem
import Glibc
package import MMCore

/// Accepts connections without blocking a thread.
package final class PolledListener: Sendable {
    private struct State {
        var descriptor: Int32
        var isClosed = false
        var watch: PollLoop.Watch?
        var turn: OneShot<Void>?
    }

    private let loop: PollLoop
    private let file: UnixSocket.SocketFile
    private let state: Mutex<State>

    /// Takes over a listener. Its file is removed when it is closed.
    /// - Throws: `.unavailable` when the loop can't be started.
    package init(_ listener: consuming UnixSocket.Listener) throws(MMError) {
        loop = try PollLoop.shared()
        let (descriptor, file) = listener.take()
        mm_set_nonblocking(descriptor, 1)
        self.file = file
        state = Mutex(State(descriptor: descriptor))
    }

    deinit { close() }

    /// The next connection. For one caller at a time.
    /// - Throws: `.cancelled`, `.unavailable` after `close`, and what the system says.
    package func accept() async throws(MMError) -> FileDescriptor {
        enum Step {
            case accepted(Int32)
            case failed(MMError)
            case wait(OneShot<Void>)
        }
        while true {
            if Task.isCancelled { throw MMError(.cancelled, "Accepting was cancelled.") }
            let step: Step = state.withLock { state in
                if state.isClosed { return .failed(MMError(.unavailable, "The listener was closed.")) }
                let accepted = mm_accept(state.descriptor)
                if accepted >= 0 { return .accepted(accepted) }
                guard errno == EAGAIN else { return .failed(SystemError.error("Accepting a connection")) }
                precondition(state.turn == nil, "A listener has one caller")
                let turn = OneShot<Void>()
                do throws(MMError) {
                    if let watch = state.watch {
                        loop.rearm(watch, for: .read)
                    } else {
                        state.watch = try loop.watch(state.descriptor, for: .read, once: true) { [weak self] _ in
                            self?.state.withLock { $0.turn }?.give(())
                        }
                    }
                } catch {
                    return .failed(error)
                }
                state.turn = turn
                return .wait(turn)
            }
            switch step {
            case .accepted(let descriptor): return FileDescriptor(owning: descriptor)
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

    /// Takes no more connections and removes the socket's file.
    package func close() {
        let turn: OneShot<Void>? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.isClosed = true
            if let watch = state.watch { loop.forget(watch) }
            Glibc.close(state.descriptor)
            return state.turn
        }
        file.remove()
        turn?.give(())
    }
}
