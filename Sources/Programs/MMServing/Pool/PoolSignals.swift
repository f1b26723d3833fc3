import Glibc
import MMCore
import MMSystem

/// The signals of a pool's process: TERM and INT end it, a second one at once; HUP makes it read its files again.
final class PoolSignals: Sendable {
    /// The request that a signal stands for.
    enum Wish: Sendable {
        case stop
        case reload
    }

    /// The requests in the order of their signals.
    let wishes: AsyncStream<Wish>
    private let signals: Signals

    /// Takes over the signals; must be called before anything starts a thread or a task.
    /// - Throws: `unavailable` if the system has no descriptor left.
    static func take() throws(MMError) -> PoolSignals {
        let (wishes, continuation) = AsyncStream.makeStream(of: Wish.self)
        let stops = Mutex(0)
        let signals = try Signals.handle([SIGTERM, SIGINT, SIGHUP]) { signal in
            guard signal != SIGHUP else {
                continuation.yield(.reload)
                return
            }
            let count = stops.withLock { count in
                count += 1
                return count
            }
            if count > 1 { leave(signal) }
            continuation.yield(.stop)
        }
        return PoolSignals(wishes, signals)
    }

    /// Ends at once, together with all processes below: processes that sessions have started get no death signal.
    private static func leave(_ signal: Int32) -> Never {
        for process in Descendants.running() { process.signal(SIGKILL) }
        _exit(128 + signal)
    }

    private init(_ wishes: AsyncStream<Wish>, _ signals: Signals) {
        self.wishes = wishes
        self.signals = signals
    }
}
