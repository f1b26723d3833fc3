import MMSessions

/// What one host process is doing, as a pure value: which command runs, how far its stop has come, and whether the
/// process is lost. Who owns it carries out the actions.
///
/// The rungs of a stop and their times were measured on a real PowerShell: a stop ends almost everything within 70 ms;
/// what it doesn't end is a child that keeps a pipe open, and managed code that never looks up.
struct CommandMachine: Sendable {
    /// Why a command is stopped.
    enum StopReason: Sendable, Hashable {
        /// Its deadline passed.
        case deadline
        /// Its caller called it off and waits for nothing more.
        case cancelled
        /// Its caller asked it to stop and waits for its end.
        case asked
        /// The session is closing, or needs its place.
        case closing
    }

    /// How far a stop has come.
    enum Rung: Sendable, Hashable {
        /// PowerShell was asked to stop the pipeline.
        case asked
        /// Every other process of the session was killed.
        case swept
        /// The requests that the session has open were cut off: most cmdlets don't look up while they wait for one.
        case cut
        /// PowerShell was sent SIGTERM.
        case terminated
        /// The process group was sent SIGKILL.
        case killed
    }

    /// What is to be done.
    enum Action: Sendable, Hashable {
        /// Send `stop` for this command.
        case sendStop(id: UInt64)
        /// Kill every process of the session but PowerShell.
        case sweep
        /// Cut off the session's requests until this command has ended.
        case cut(id: UInt64)
        /// Send SIGTERM to PowerShell.
        case terminate
        /// Send SIGKILL to the group.
        case kill
        /// Call `climb` after this time, for this command.
        case wake(id: UInt64, after: Duration)
    }

    /// The command that runs.
    struct Running: Sendable, Hashable {
        let id: UInt64
        var ladder: StopLadder<Rung, StopReason>
        /// Why it is being stopped.
        var stop: StopReason? { ladder.reason }
        /// How far that has come.
        var rung: Rung? { ladder.rung }
    }

    /// Times between the rungs.
    struct Times: Sendable, Hashable {
        var sweepAfter: Duration = .milliseconds(500)
        /// For sessions whose requests can be cut off.
        var cutAfter: Duration = .milliseconds(500)
        /// How long a cmdlet may take to fail when its request was cut off.
        var failWithin: Duration = .seconds(2)
        var terminateAfter: Duration = .seconds(1)
        var killAfter: Duration = .seconds(1)

        func ladder(cuts: Bool) -> StopLadder<Rung, StopReason> {
            typealias Step = StopLadder<Rung, StopReason>.Step
            let first = [Step(.asked, sweepAfter)]
            let middle = cuts ? [Step(.swept, cutAfter), Step(.cut, failWithin)] : [Step(.swept, terminateAfter)]
            return StopLadder(first + middle + [Step(.terminated, killAfter), Step(.killed)])
        }
    }

    private(set) var running: Running?
    private(set) var isLost = false
    private let ladder: StopLadder<Rung, StopReason>
    private var nextID: UInt64 = 1

    /// A process that does nothing yet.
    /// - Parameter cuts: whether its requests can be cut off.
    init(times: Times = Times(), cuts: Bool = false) { ladder = times.ladder(cuts: cuts) }

    /// Takes the place of the running command.
    /// - Returns: its id; `nil` when a command runs or the process is lost.
    mutating func begin() -> UInt64? {
        guard running == nil, !isLost else { return nil }
        defer { nextID += 1 }
        running = Running(id: nextID, ladder: ladder)
        return nextID
    }

    /// A number for a request that is no command.
    mutating func nextNumber() -> UInt64 {
        defer { nextID += 1 }
        return nextID
    }

    /// Gives the place back for a command that was never sent.
    mutating func withdraw(_ id: UInt64) {
        if running?.id == id { running = nil }
    }

    /// Whether records with this id belong to the command that runs.
    func owns(_ id: UInt64) -> Bool { running?.id == id }

    /// Starts to stop the command. A second stop changes nothing but the reason, if the caller no longer waits.
    mutating func stop(_ id: UInt64, _ reason: StopReason) -> [Action] {
        guard owns(id), running?.ladder.stop(reason, outranking: { $0 == .asked }) == true else { return [] }
        return climb(id)
    }

    /// The time of a rung is over and the command still runs: the next one.
    mutating func climb(_ id: UInt64) -> [Action] {
        guard owns(id), let step = running?.ladder.climb() else { return [] }
        return switch step.rung {
        case .asked: [.sendStop(id: id), .wake(id: id, after: step.time)]
        case .swept: [.sweep, .wake(id: id, after: step.time)]
        case .cut: [.cut(id: id), .wake(id: id, after: step.time)]
        case .terminated: [.terminate, .wake(id: id, after: step.time)]
        case .killed: [.kill]
        }
    }

    /// The command's end came.
    /// - Returns: the command, or `nil` when no such command runs: an end that was sent twice, or of nobody.
    mutating func end(_ id: UInt64) -> Running? {
        guard let current = running, current.id == id else { return nil }
        running = nil
        return current
    }

    /// The process ended, or can't be used any more.
    /// - Returns: the command that ran.
    mutating func lose() -> Running? {
        isLost = true
        defer { running = nil }
        return running
    }
}
