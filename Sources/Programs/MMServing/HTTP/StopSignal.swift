import Glibc
import MMCore
import MMSystem
import Synchronization

/// The wish that a server ends: SIGTERM or SIGINT. The first lets it finish, a second ends the process at once.
final class StopSignal: Sendable {
    private let signals: Signals
    private let wish: OneShot<Void>

    /// Takes the signals over; to be called before anything starts a thread or a task.
    /// - Throws: `.unavailable` when the system gives no descriptor.
    static func take() throws(MMError) -> StopSignal {
        let wish = OneShot<Void>()
        let count = SignalCount()
        let signals = try Signals.handle([SIGTERM, SIGINT]) { signal in
            if count.another() > 1 { _exit(128 + signal) }
            wish.resolve(())
        }
        return StopSignal(signals, wish)
    }

    private init(_ signals: Signals, _ wish: OneShot<Void>) {
        self.signals = signals
        self.wish = wish
    }

    /// Waits for the first.
    func wait() async { await wish.wait() }
}

private final class SignalCount: Sendable {
    private let count = Atomic(0)
    func another() -> Int { count.add(1, ordering: .relaxed).newValue }
}
