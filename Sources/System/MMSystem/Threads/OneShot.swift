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

    /// Waits for the value until a deadline, even if the waiting task was cancelled. Call it only once.
    /// - Parameters:
    ///   - deadline: when the wait ends.
    ///   - last: the value that wins if the deadline passes first.
    package func wait(
        until deadline: Deadline, orElse last: @escaping @autoclosure @Sendable () -> Value
    ) async -> Value {
        let watch = deadline.instant.map { DeadlineWatch.shared.watch($0) { [self] in resolve(last()) } }
        defer { if let watch { DeadlineWatch.shared.cancel(watch) } }
        return await wait()
    }
}
