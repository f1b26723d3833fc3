package import MMCore

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
