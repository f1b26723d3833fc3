package import MMCore

/// How a command ended.
public struct ShellEnd: Sendable, Hashable {
    /// Why it ended.
    public enum Cause: Sendable, Hashable {
        /// By itself.
        case finished
        /// The shell ended with it: `exit`, `exec`, a signal, `set -e`.
        case shellEnded
        /// Its caller cancelled it.
        case cancelled
        /// Its deadline passed.
        case deadline
        /// It wrote more than its limit allows.
        case flood
        /// The session was closed.
        case closed
        /// The connection or the shell was lost; what happened.
        case lost(String)

        /// The word for answers.
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
    /// The status as the shell gives it: 128 and the number for a signal. 255 where there is none.
    public var exitCode: Int32
    /// The signal that ended the shell itself, if one did.
    public var signal: Int32?
    /// The working directory after it, exactly.
    public var directoryBytes: [UInt8]
    /// From the moment it was handed to the shell.
    public var duration: Duration
    /// Whether variables, functions and options of the shell are gone: the next command starts in a new one, with the
    /// working directory and the exported variables of the last command that ended well.
    public var restartsSession: Bool
    /// Whether that had happened before this command: it ran in a new shell.
    public var wasRestarted: Bool

    /// An end.
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

    /// The error for whoever still wants something of a session that was closed.
    package static let closedSession = MMError(.unavailable, "The session was closed.")

    /// The working directory as text.
    public var workingDirectory: String { String(decoding: directoryBytes, as: UTF8.self) }
}
