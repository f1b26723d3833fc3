package import MMCore

/// A value that several parties may try to provide and one awaits; the first one wins.
///
/// It arbitrates between an answer, a cancellation and a deadline.
package final class OneShot<Value: Sendable>: Sendable {
    private enum State {
        case empty
        case waiting(CheckedContinuation<Value, Never>)
        case given(Value)
        case done
    }

    private let state = Mutex<State>(.empty)

    /// Creates an empty one-shot value.
    package init() {}

    /// Provides the value, unless one was provided before.
    /// - Returns: whether this value won.
    @discardableResult
    package func resolve(_ value: Value) -> Bool {
        let (counts, waiter): (Bool, CheckedContinuation<Value, Never>?) = state.withLock { state in
            switch state {
            case .empty:
                state = .given(value)
                return (true, nil)
            case .waiting(let continuation):
                state = .done
                return (true, continuation)
            case .given, .done: return (false, nil)
            }
        }
        waiter?.resume(returning: value)
        return counts
    }

    /// Waits for the value. Call it only once.
    package func wait() async -> Value {
        await withCheckedContinuation { continuation in
            let given: Value? = state.withLock { state in
                switch state {
                case .given(let value):
                    state = .done
                    return value
                case .empty:
                    state = .waiting(continuation)
                    return nil
                case .waiting, .done:
                    preconditionFailure("A one-shot value has one waiter")
                }
            }
            if let given { continuation.resume(returning: given) }
        }
    }

    /// Waits for the value. If the deadline passes first, `late` becomes the value.
    package func wait(until deadline: Deadline, late: @escaping @autoclosure @Sendable () -> Value) async -> Value {
        let timer = deadline.instant.map { DeadlineWatch.shared.watch($0) { self.resolve(late()) } }
        defer { if let timer { DeadlineWatch.shared.cancel(timer) } }
        return await wait()
    }

    /// Waits for the value. If the deadline passes first, `late` becomes the value; if the caller is cancelled first,
    /// `cancelled` does.
    package func wait(
        until deadline: Deadline, late: @escaping @autoclosure @Sendable () -> Value,
        cancelled: @escaping @autoclosure @Sendable () -> Value
    ) async -> Value {
        await withTaskCancellationHandler {
            await wait(until: deadline, late: late())
        } onCancel: {
            resolve(cancelled())
        }
    }
}
