package import MMCore
import MMSessions
import MMSystem

/// The running command and the progress of its stop.
final class RunningCommand: Sendable {
    /// The steps of stopping a command, each firmer than the one before. Only the last one ends the shell itself.
    enum Rung: Sendable, Hashable {
        /// The command is interrupted, as with Ctrl-C.
        case interrupt
        /// Its program receives SIGTERM.
        case terminate
        /// Its program receives SIGKILL.
        case kill
        /// Everything that the shell started is killed.
        case sweep
        /// The shell is killed and replaced by a new one.
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

    /// Creates the state of a command.
    /// - Parameters:
    ///   - ladder: the rungs and the time of each.
    ///   - climb: carries out one rung after the other; begun at most once, and cancelled as soon as the command has
    ///     ended.
    init(id: String, ladder: Ladder, climb: @escaping @Sendable (RunningCommand) async -> Void) {
        self.id = id
        self.climb = climb
        state = Mutex(State(ladder: ladder))
    }

    /// Returns an unguessable number for a command.
    static func newID() -> String {
        var generator = SystemRandomNumberGenerator()
        return String(generator.next() as UInt64, radix: 36) + String(generator.next() as UInt64, radix: 36)
    }

    /// Sets the job to tell when the command is to be stopped.
    func belongs(to job: ShellJob) { state.withLock { $0.job = job } }

    /// Asks the command to stop; the first reason counts.
    func stop(_ reason: ShellEnd.Cause) {
        let job = state.withLock { state -> ShellJob? in
            guard state.ladder.stop(reason) else { return nil }
            state.climbing = Task { await climb(self) }
            return state.job
        }
        job?.stopping()
    }

    /// Returns the next rung; `nil` if the command has ended or no rung is left.
    /// - Parameter isHopeless: whether only the last rung can still have an effect.
    func nextRung(toLast isHopeless: Bool = false) -> Ladder.Step? {
        state.withLock { $0.ladder.climb(toLast: isHopeless) }
    }

    /// Why the command was asked to stop.
    var reason: ShellEnd.Cause? { state.withLock { $0.ladder.reason } }

    /// Records that the command has ended, and cancels the climb.
    func over() {
        let climbing = state.withLock { state in
            state.ladder.end()
            // The job refers to its command and the command to its job; this breaks the cycle.
            state.job = nil
            return state.climbing
        }
        climbing?.cancel()
    }
}

/// Acts for the running command of a session at a moment: when its deadline passes, or when it is to be looked at.
///
/// Most commands end long before, so one sleeping task serves many of them: it checks again when it wakes.
final class CommandAlarm: Sendable {
    private struct State {
        var due: ContinuousClock.Instant?
        var act: (@Sendable () async -> Void)?
        var wakes: ContinuousClock.Instant?
        var task: Task<Void, Never>?
    }

    private let state = Mutex(State())

    deinit { state.withLock { $0.task }?.cancel() }

    /// Acts at this moment, in place of an earlier one.
    func set(_ moment: Deadline, _ act: @escaping @Sendable () async -> Void) {
        guard let instant = moment.instant else { return }
        state.withLock { state in
            state.due = instant
            state.act = act
            if let wakes = state.wakes, wakes <= instant { return }
            arm(&state, instant)
        }
    }

    /// Gives the moment up: the command has ended.
    func clear() {
        state.withLock { state in
            state.due = nil
            state.act = nil
        }
    }

    private func arm(_ state: inout State, _ instant: ContinuousClock.Instant) {
        state.task?.cancel()
        state.wakes = instant
        state.task = Task { [weak self] in
            try? await Task.sleep(until: instant, clock: .continuous)
            if !Task.isCancelled { await self?.wake() }
        }
    }

    private func wake() async {
        let act = state.withLock { state -> (@Sendable () async -> Void)? in
            state.wakes = nil
            guard let due = state.due else { return nil }
            guard due <= .now else {
                arm(&state, due)
                return nil
            }
            defer {
                state.due = nil
                state.act = nil
            }
            return state.act
        }
        await act?()
    }
}

/// The session state that is kept from one command to the next. Commands end on the reading thread, so that answers
/// aren't delayed; the session keeps this value behind a lock.
struct ShellSessionMemory: Sendable {
    /// The state with which a new shell begins.
    var snapshot: ShellSnapshot
    /// The value of `$?` at the start of the next command.
    var lastStatus: Int32 = 0
    /// The command that runs.
    var running: RunningCommand?
    /// Why the next command is the first one of a new shell; `nil` if it isn't.
    var restart: ShellEnd.Restart?
    /// Whether no command has changed anything in the shell, so that a new one would do as well.
    var isBlank = true
    /// Whether functions or aliases may have been defined; then no word can be assumed to have its usual meaning.
    var mayRedefine: Bool
    /// Whether the shell may have a trap on SIGINT, after which it would continue with its list.
    var mayTrapInterrupts = false

    init(directory: [UInt8], mayRedefine: Bool = false) {
        snapshot = ShellSnapshot(directory: directory)
        self.mayRedefine = mayRedefine
    }

    /// Records that a new shell goes on where a session of before ended.
    mutating func continues(in directory: [UInt8]) {
        snapshot.directory = directory
        restart = .anotherSession
        isBlank = false
    }

    /// Returns the possible effects of a command that is about to run, and records them.
    mutating func expect(_ text: String) -> CommandEffects {
        let effects = CommandEffects(of: text, known: !mayRedefine)
        if effects.mayRedefine { mayRedefine = true }
        if effects.mayRedefine || effects.mayExport { isBlank = false }
        return effects
    }

    /// Records that a command has ended while the shell lives on.
    mutating func end(
        _ run: RunningCommand, status: Int32, directory: [UInt8], duration: Duration
    ) -> ShellEnd {
        snapshot.directory = directory
        lastStatus = status
        running = nil
        defer { restart = nil }
        return ShellEnd(
            cause: run.reason ?? .finished,
            // Some shells that give up a list report the status of the command before it.
            exitCode: run.reason != nil && status == 0 ? 130 : status, signal: nil, directoryBytes: directory,
            duration: duration, restartsSession: false, restart: restart)
    }
}

/// The part of a shell's state that survives its end.
struct ShellSnapshot: Sendable {
    /// The working directory.
    var directory: [UInt8]
    /// The exported variables as `export -p` wrote them, which the same shell reads again.
    var exports: [UInt8] = []

    /// A script that restores the state.
    var script: [UInt8] {
        // A variable that can't be set again, such as a read-only one, must not prevent the rest from being set.
        exports + Array("\ncd -- ".utf8) + Self.quoted(directory) + Array(" 2>/dev/null || cd / 2>/dev/null\n".utf8)
    }

    /// Returns bytes as one word of any POSIX shell.
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
    /// The status as the shell reports it: 128 plus the signal's number after a signal, 255 if there is none.
    public var exitCode: Int32
    /// The signal that ended the shell itself, if one did.
    public var signal: Int32?
    /// The working directory afterwards, as exact bytes.
    package var directoryBytes: [UInt8]
    /// The time since it was sent to the shell.
    public var duration: Duration
    /// Whether variables, functions and options of the shell are lost: the next command starts in a new one, with the
    /// working directory and the exported variables after the last command that ended normally.
    package var restartsSession: Bool
    /// Why it ran in a new shell; `nil` if it ran in that of the command before.
    package var restart: Restart?

    /// Why a command ran in a new shell.
    package enum Restart: Sendable, Hashable {
        /// The session's shell had ended; the new one has its directory and exported variables.
        case ownShell
        /// The session of before had ended, with its pool or because it was unused; the new one has its directory.
        case anotherSession
    }

    /// Creates the end of a command.
    package init(
        cause: Cause, exitCode: Int32, signal: Int32?, directoryBytes: [UInt8], duration: Duration,
        restartsSession: Bool, restart: Restart? = nil
    ) {
        self.cause = cause
        self.exitCode = exitCode
        self.signal = signal
        self.directoryBytes = directoryBytes
        self.duration = duration
        self.restartsSession = restartsSession
        self.restart = restart
    }

    /// The error for callers of a session that has been closed.
    package static let closedSession = MMError(.unavailable, "The session was closed.")

    /// The error for a caller that stopped waiting for a new shell.
    static let cancelledStart = MMError(.cancelled, "The start of the shell was cancelled.")

    /// The working directory as text.
    public var workingDirectory: String { String(decoding: directoryBytes, as: UTF8.self) }
}
