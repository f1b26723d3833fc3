import MMCore
import MMSystem

/// Who takes the signals of this process instead of the command that runs: a prompt takes Ctrl-C for its line, a terminal in
/// a session takes the changes of its size.
package final class SignalTakers: Sendable {
    /// Those of this process, as signals are the process's.
    package static let shared = SignalTakers()

    private struct Taker {
        let number: Int
        let signal: Int32
        let take: @Sendable () -> Void
    }

    /// A signal that is taken until this value is given up.
    package final class Taking: Sendable {
        private let number: Int
        private let takers: SignalTakers

        fileprivate init(_ number: Int, _ takers: SignalTakers) {
            self.number = number
            self.takers = takers
        }

        deinit { end() }

        /// Takes it no longer.
        package func end() { takers.state.withLock { $0.takers.removeAll { $0.number == number } } }
    }

    private struct State {
        var takers: [Taker] = []
        var next = 0
    }

    private let state = Mutex(State())

    /// Takes a signal; the last one to do so gets it.
    /// - Parameter take: called for each, on a thread that must not be blocked.
    package func take(_ signal: Int32, _ take: @escaping @Sendable () -> Void) -> Taking {
        let number = state.withLock { state in
            state.next += 1
            state.takers.append(Taker(number: state.next, signal: signal, take: take))
            return state.next
        }
        return Taking(number, self)
    }

    /// A signal has come.
    /// - Returns: whether somebody took it.
    func deliver(_ signal: Int32) -> Bool {
        let taker = state.withLock { state in state.takers.last { $0.signal == signal } }
        taker?.take()
        return taker != nil
    }
}
