import CMMSystem
import Glibc
import MMCore

/// A non-blocking descriptor that retries when the poll loop reports it ready: the common part of `PolledReader`,
/// `PolledWriter` and `PolledListener`. Supports one caller at a time.
final class PolledDescriptor: Sendable {
    /// The result of one attempt.
    enum Step<Value: Sendable>: Sendable {
        case done(Value)
        case failed(MMError)
        /// Not ready; try again when the loop reports readiness.
        case wait
    }

    private struct State {
        let descriptor: Int32
        var isClosed = false
        var watch: PollLoop.Watch?
        var turn: OneShot<Void>?
    }

    private enum Outcome<Value: Sendable>: Sendable {
        case done(Value)
        case failed(MMError)
        case wait(OneShot<Void>)
    }

    private let loop: PollLoop
    private let readiness: PollLoop.Readiness
    private let state: Mutex<State>

    /// Takes ownership of a descriptor and makes it non-blocking, which affects everyone who shares its open file.
    /// - Throws: `.unavailable` when the loop can't be started; the descriptor is then closed.
    init(_ descriptor: consuming FileDescriptor, for readiness: PollLoop.Readiness) throws(MMError) {
        loop = try PollLoop.shared()
        self.readiness = readiness
        let raw = descriptor.release()
        mm_set_nonblocking(raw, 1)
        state = Mutex(State(descriptor: raw))
    }

    deinit { close() }

    /// Repeats an attempt until it is done or fails.
    /// - Parameters:
    ///   - what: the operation, for error messages, such as “Reading”.
    ///   - attempt: tries once with the descriptor, or with nil once it is closed. It must not wait.
    /// - Throws: `.cancelled` when the task is cancelled, and whatever `attempt` fails with.
    func perform<Value: Sendable>(
        _ what: String, _ attempt: @Sendable (Int32?) -> Step<Value>
    ) async throws(MMError) -> Value {
        while true {
            if Task.isCancelled { throw MMError(.cancelled, "\(what) was cancelled.") }
            let outcome: Outcome<Value> = state.withLock { state in
                switch attempt(state.isClosed ? nil : state.descriptor) {
                case .done(let value): return .done(value)
                case .failed(let error): return .failed(error)
                case .wait: break
                }
                precondition(state.turn == nil && !state.isClosed, "A descriptor has one caller")
                do throws(MMError) {
                    return .wait(try turn(&state))
                } catch {
                    return .failed(error)
                }
            }
            switch outcome {
            case .done(let value): return value
            case .failed(let error): throw error
            case .wait(let turn):
                await withTaskCancellationHandler {
                    await turn.wait()
                } onCancel: {
                    turn.resolve(())
                }
                state.withLock { $0.turn = nil }
            }
        }
    }

    /// Closes the descriptor; a waiting caller makes one more attempt without it.
    func close() {
        let turn: OneShot<Void>? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.isClosed = true
            if let watch = state.watch { loop.forget(watch) }
            Glibc.close(state.descriptor)
            return state.turn
        }
        turn?.resolve(())
    }

    private func turn(_ state: inout State) throws(MMError) -> OneShot<Void> {
        if let watch = state.watch {
            loop.rearm(watch, for: readiness)
        } else {
            state.watch = try loop.watch(state.descriptor, for: readiness, once: true) { [weak self] _ in
                self?.state.withLock { $0.turn }?.resolve(())
            }
        }
        let turn = OneShot<Void>()
        state.turn = turn
        return turn
    }
}
