package import MMCore
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

/// Stops the running command of a session when its deadline passes.
///
/// Most commands end long before. One sleeping task is therefore kept for many of them: it looks again when it wakes.
final class CommandAlarm: Sendable {
    private struct State {
        var run: RunningCommand?
        var deadline: ContinuousClock.Instant?
        var wakes: ContinuousClock.Instant?
        var task: Task<Void, Never>?
    }

    private let state = Mutex(State())

    deinit { state.withLock { $0.task }?.cancel() }

    /// From now on this command is watched.
    func set(_ run: RunningCommand, _ deadline: Deadline) {
        guard let instant = deadline.instant else { return }
        state.withLock { state in
            state.run = run
            state.deadline = instant
            if let wakes = state.wakes, wakes <= instant { return }
            arm(&state, instant)
        }
    }

    /// The command has ended.
    func clear() {
        state.withLock { state in
            state.run = nil
            state.deadline = nil
        }
    }

    private func arm(_ state: inout State, _ instant: ContinuousClock.Instant) {
        state.task?.cancel()
        state.wakes = instant
        state.task = Task { [weak self] in
            try? await Task.sleep(until: instant, clock: .continuous)
            if !Task.isCancelled { self?.wake() }
        }
    }

    private func wake() {
        let late: RunningCommand? = state.withLock { state in
            state.wakes = nil
            guard let deadline = state.deadline else { return nil }
            guard deadline <= .now else {
                arm(&state, deadline)
                return nil
            }
            defer {
                state.run = nil
                state.deadline = nil
            }
            return state.run
        }
        late?.stop(.deadline)
    }
}

/// What a session knows from one command to the next. Commands end on the thread that reads, so that their answers wait
/// for nobody; the session puts this behind a lock.
struct ShellSessionMemory: Sendable {
    /// What a new shell begins with.
    var snapshot: ShellSnapshot
    /// What `$?` is at the start of the next command.
    var lastStatus: Int32 = 0
    /// The command that runs.
    var running: RunningCommand?
    /// Whether the next command is the first one of a new shell.
    var wasRestarted = false
    /// Whether functions or aliases may have been made: then no word is known to mean what it says.
    var mayRedefine: Bool
    /// Whether the shell may have a trap on SIGINT, after which it would go on with its list.
    var mayTrapInterrupts = false

    init(directory: [UInt8], mayRedefine: Bool = false) {
        snapshot = ShellSnapshot(directory: directory)
        self.mayRedefine = mayRedefine
    }

    /// A command has ended and the shell lives on.
    mutating func end(
        _ run: RunningCommand, status: Int32, directory: [UInt8], duration: Duration
    ) -> ShellEnd {
        snapshot.directory = directory
        lastStatus = status
        running = nil
        defer { wasRestarted = false }
        return ShellEnd(
            cause: run.reason ?? .finished,
            // Some shells give up a list with the status of what they had run before.
            exitCode: run.reason != nil && status == 0 ? 130 : status, signal: nil, directoryBytes: directory,
            duration: duration, restartsSession: false, wasRestarted: wasRestarted)
    }
}

/// What of a shell's state survives its end.
struct ShellSnapshot: Sendable {
    /// The working directory.
    var directory: [UInt8]
    /// The exported variables as `export -p` wrote them, which the same shell reads again.
    var exports: [UInt8] = []

    /// A script that brings it back.
    var script: [UInt8] {
        // A variable that may not be set again must not keep the rest from being set.
        exports + Array("\ncd -- ".utf8) + Self.quoted(directory) + Array(" 2>/dev/null || cd / 2>/dev/null\n".utf8)
    }

    /// Bytes as one word of any POSIX shell.
    static func quoted(_ bytes: [UInt8]) -> [UInt8] {
        var word: [UInt8] = []
        word.reserveCapacity(bytes.count + 2)
        quote(bytes, into: &word)
        return word
    }

    /// Appends bytes as one word of any POSIX shell.
    static func quote(_ bytes: some Sequence<UInt8>, into line: inout [UInt8]) {
        let quote = UInt8(ascii: "'")
        line.append(quote)
        for byte in bytes { if byte == quote { line += "'\\''".utf8 } else { line.append(byte) } }
        line.append(quote)
    }
}

/// How a command ended.
public struct ShellEnd: Sendable, Hashable {
    /// Why it ended.
    public enum Cause: Sendable, Hashable {
        /// It finished.
        case finished
        /// The shell ended with it: `exit`, `exec`, a signal, `set -e`.
        case shellEnded
        /// Its caller cancelled it.
        case cancelled
        /// Its deadline passed.
        case deadline
        /// It exceeded its output limit.
        case flood
        /// The session was closed.
        case closed
        /// The connection or the shell was lost; describes what happened.
        case lost(String)

        /// The name used in answers.
        public var word: String {
            switch self {
            case .finished: "finished"
            case .shellEnded: "shell_ended"
            case .cancelled: "cancelled"
            case .deadline: "timeout"
            case .flood: "output_limit"
            case .closed: "closed"
            case .lost: "lost"
            }
        }
    }

    /// Why it ended.
    public var cause: Cause
    /// The status as the shell reports it: 128 plus the number for a signal, 255 if there is none.
    public var exitCode: Int32
    /// The signal that ended the shell itself, if one did.
    public var signal: Int32?
    /// The working directory after it, exactly.
    package var directoryBytes: [UInt8]
    /// The time since it was sent to the shell.
    public var duration: Duration
    /// Whether variables, functions and options of the shell are lost: the next command starts in a new one, with the
    /// working directory and the exported variables after the last command that ended normally.
    package var restartsSession: Bool
    /// Whether that had happened before this command, so that it ran in a new shell.
    package var wasRestarted: Bool

    /// Creates the end of a command.
    package init(
        cause: Cause, exitCode: Int32, signal: Int32?, directoryBytes: [UInt8], duration: Duration,
        restartsSession: Bool, wasRestarted: Bool
    ) {
        self.cause = cause
        self.exitCode = exitCode
        self.signal = signal
        self.directoryBytes = directoryBytes
        self.duration = duration
        self.restartsSession = restartsSession
        self.wasRestarted = wasRestarted
    }

    /// The error for callers of a session that has been closed.
    package static let closedSession = MMError(.unavailable, "The session was closed.")

    /// The working directory as text.
    public var workingDirectory: String { String(decoding: directoryBytes, as: UTF8.self) }
}
