import MMCore
import MMSessions
import MMSystem

/// The one command that runs, and how far its stop has come.
final class RunningCommand: Sendable {
    /// What is done to a command that is to stop, more firmly with each rung. The shell itself goes with the last alone.
    enum Rung: Sendable, Hashable {
        /// It is interrupted, as the key does.
        case interrupt
        /// Its program is told to end.
        case terminate
        /// Its program is ended.
        case kill
        /// Everything that the shell started is ended.
        case sweep
        /// The shell is ended; another takes its place.
        case replace
    }

    typealias Ladder = StopLadder<Rung, ShellEnd.Cause>

    private struct State {
        var ladder: Ladder
        var climbing: Task<Void, Never>?
        var job: ShellJob?
    }

    let id: String
    private let climb: @Sendable (RunningCommand) async -> Void
    private let state: Mutex<State>

    /// A command.
    /// - Parameters:
    ///   - ladder: the rungs, and the time that each has.
    ///   - climb: takes one rung after the other; begun at most once, and cancelled as soon as the command has ended.
    init(id: String, ladder: Ladder, climb: @escaping @Sendable (RunningCommand) async -> Void) {
        self.id = id
        self.climb = climb
        state = Mutex(State(ladder: ladder))
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
            guard state.ladder.stop(reason) else { return nil }
            state.climbing = Task { await climb(self) }
            return state.job
        }
        job?.stopping()
    }

    /// The next rung; `nil` when the command has ended, or no rung is left.
    /// - Parameter isHopeless: whether only the last rung can still come to something.
    func nextRung(toLast isHopeless: Bool = false) -> Ladder.Step? {
        state.withLock { $0.ladder.climb(toLast: isHopeless) }
    }

    /// Why it was asked to stop.
    var reason: ShellEnd.Cause? { state.withLock { $0.ladder.reason } }

    /// It has ended: nobody needs to stop it any more.
    func over() {
        let climbing = state.withLock { state in
            state.ladder.end()
            // A job reaches its command, and a command its job.
            state.job = nil
            return state.climbing
        }
        climbing?.cancel()
    }
}
