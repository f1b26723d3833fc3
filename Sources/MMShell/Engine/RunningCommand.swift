import MMCore
import MMSystem

/// The one command that runs, and why it is to stop.
final class RunningCommand: Sendable {
    private struct State {
        var cause: ShellEnd.Cause?
        var ladder: Task<Void, Never>?
        var isOver = false
        var job: ShellJob?
    }

    let id: String
    private let climb: @Sendable () async -> Void
    private let state = Mutex(State())

    /// A command.
    /// - Parameter climb: ends it, rung by rung; begun at most once, and cancelled as soon as the command has ended.
    init(id: String, climb: @escaping @Sendable () async -> Void) {
        self.id = id
        self.climb = climb
    }

    /// A number for a command that nobody can guess.
    static func newID() -> String {
        var generator = SystemRandomNumberGenerator()
        return String(generator.next() as UInt64, radix: 36) + String(generator.next() as UInt64, radix: 36)
    }

    /// Whose command it is: told when it is to stop.
    func belongs(to job: ShellJob) { state.withLock { $0.job = job } }

    /// Asks it to stop; the first reason counts.
    func stop(_ reason: ShellEnd.Cause) {
        let job = state.withLock { state -> ShellJob? in
            guard !state.isOver, state.ladder == nil else { return nil }
            state.cause = reason
            state.ladder = Task { [climb] in await climb() }
            return state.job
        }
        job?.stopping()
    }

    /// Why it was asked to stop.
    var reason: ShellEnd.Cause? { state.withLock { $0.cause } }

    /// It has ended: nobody needs to stop it any more.
    func over() {
        let ladder = state.withLock { state in
            state.isOver = true
            // A job reaches its command, and a command its job.
            state.job = nil
            return state.ladder
        }
        ladder?.cancel()
    }
}
