import MMSessions

/// The state of one host process as a pure value: the command that runs, the progress of its stop, and whether the
/// process is lost. The owner of the value performs the actions that it returns.
///
/// The steps of a stop and their times were measured on a real PowerShell: a stop ends almost everything within 70 ms.
/// The exceptions are a child process that keeps a pipe open, and managed code that doesn't check for the stop.
struct CommandMachine: Sendable {
    /// The reason for stopping a command.
    enum StopReason: Sendable, Hashable {
        /// Its deadline passed.
        case deadline
        /// Its caller cancelled it and no longer waits.
        case cancelled
        /// Its caller asked it to stop and waits for its end.
        case asked
        /// The session is closing.
        case closing
    }

    /// The step that a stop has reached.
    enum Rung: Sendable, Hashable {
        /// PowerShell was asked to stop the pipeline.
        case asked
        /// Every other process of the session was killed.
        case swept
        /// The session's open requests were cut off: most cmdlets don't check for a stop while they wait for one.
        case cut
        /// PowerShell was sent SIGTERM.
        case terminated
        /// The process group was sent SIGKILL.
        case killed
    }

    /// An action for the owner of the state.
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
        /// Call `climb` for this command after this time.
        case wake(id: UInt64, after: Duration)
    }

    /// The running command.
    struct Running: Sendable, Hashable {
        let id: UInt64
        var ladder: StopLadder<Rung, StopReason>
        /// The reason why it is being stopped.
        var stop: StopReason? { ladder.reason }
        /// The step that the stop has reached.
        var rung: Rung? { ladder.rung }
    }

    /// The times between the steps.
    struct Times: Sendable, Hashable {
        var sweepAfter: Duration = .milliseconds(500)
        /// The time until requests are cut off, for sessions where that is possible.
        var cutAfter: Duration = .milliseconds(500)
        /// The time that a cmdlet gets to fail after its request was cut off.
        var failWithin: Duration = .seconds(2)
        var terminateAfter: Duration = .seconds(1)
        /// The time that a process gets to answer before it is ended.
        var answerWithin: Duration = .seconds(10)
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

    /// Creates the state of an idle process.
    /// - Parameter cuts: whether its requests can be cut off.
    init(times: Times = Times(), cuts: Bool = false) { ladder = times.ladder(cuts: cuts) }

    /// Starts a command.
    /// - Returns: its id; `nil` when a command runs or the process is lost.
    mutating func begin() -> UInt64? {
        guard running == nil, !isLost else { return nil }
        defer { nextID += 1 }
        running = Running(id: nextID, ladder: ladder)
        return nextID
    }

    /// Returns an id for a request that isn't a command.
    mutating func nextNumber() -> UInt64 {
        defer { nextID += 1 }
        return nextID
    }

    /// Returns whether records with this id belong to the running command.
    func owns(_ id: UInt64) -> Bool { running?.id == id }

    /// Starts to stop the command. A second stop only changes the reason, if the caller no longer waits.
    mutating func stop(_ id: UInt64, _ reason: StopReason) -> [Action] {
        guard owns(id), running?.ladder.stop(reason, outranking: { $0 == .asked }) == true else { return [] }
        return climb(id)
    }

    /// Proceeds to the next step of a stop, because the time of the current one is over and the command still runs.
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

    /// Returns whether the next step of a command's stop ends the process, although the session is to continue.
    func endsProcessNext(_ id: UInt64) -> Bool {
        owns(id) && running?.ladder.next == .terminated && running?.stop != .closing
    }

    /// Records that the command has ended.
    /// - Returns: the command, or `nil` when no such command runs: an end that was sent twice or has an unknown id.
    mutating func end(_ id: UInt64) -> Running? {
        guard let current = running, current.id == id else { return nil }
        running = nil
        return current
    }

    /// Records that the process has ended or is unusable.
    /// - Returns: the command that was running.
    mutating func lose() -> Running? {
        isLost = true
        defer { running = nil }
        return running
    }
}
