import MMCore

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
