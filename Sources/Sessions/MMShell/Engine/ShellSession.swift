public import MMCore
import MMSystem

/// A session in which shell commands run one after the other and keep its state: on this machine or on a host.
public protocol ShellSession: Sendable {
    /// The session's name.
    var name: String { get }

    /// Sends a command as soon as the earlier ones have ended.
    /// - Parameters:
    ///   - command: the command.
    ///   - deadline: when the command is stopped, step by step, if it still runs. Also limits the wait for its turn.
    ///   - observer: receives the output as it comes, on the reading thread; it must not block or call back.
    /// - Returns: the job, at once; the command keeps running whatever happens to the caller.
    /// - Throws: `.invalidInput`, `.deadlineExceeded` or `.cancelled` before the command was started, `.unavailable` if
    ///   no shell is available.
    func start(
        _ command: ShellCommand, deadline: Deadline, observer: ShellCommand.Observer?
    ) async throws(MMError) -> ShellJob

    /// Runs a command beside the session, whether or not another one runs in it, with the session's directory and
    /// exported variables.
    /// - Parameters:
    ///   - command: the command.
    ///   - deadline: when the command is stopped, step by step, if it still runs.
    ///   - observer: receives the output as it comes, on the reading thread; it must not block or call back.
    /// - Returns: the job, at once.
    /// - Throws: as `start`; `.unsupported` if there can be no second shell.
    func detach(
        _ command: ShellCommand, deadline: Deadline, observer: ShellCommand.Observer?
    ) async throws(MMError) -> ShellJob

    /// Returns what background jobs wrote while no command was running; each output is returned once.
    func takeBackgroundOutput() async -> [UInt8]

    /// Replaces the shell with a new one in its initial state. A running command is cancelled first.
    /// - Throws: `.unavailable` if no shell is available, `.deadlineExceeded` if the running command can't be ended.
    func reset() async throws(MMError)

    /// Whether a command waits for the reader of its output and can receive input.
    var waitsForReader: Bool { get }

    /// Ends the shell and everything that it started. The session can't be used any more.
    func close() async
}

extension ShellSession {
    /// `false`: output is taken as it comes.
    public var waitsForReader: Bool { false }

    /// Returns nothing: most kinds of sessions have no background jobs.
    public func takeBackgroundOutput() async -> [UInt8] { [] }

    /// Throws: most kinds of sessions have only one shell.
    /// - Throws: `.unsupported`.
    public func detach(
        _ command: ShellCommand, deadline: Deadline, observer: ShellCommand.Observer?
    ) async throws(MMError) -> ShellJob {
        throw MMError(.unsupported, "Nothing can run beside \(name).", hint: "Use a second session.")
    }

    /// Runs a command to its end. A cancelled task cancels the command.
    /// - Parameters:
    ///   - command: the command.
    ///   - deadline: when the command is stopped, step by step, if it still runs. Also limits the wait for its turn.
    /// - Throws: as `start`, and `.cancelled` if the task was cancelled. A command that fails is an answer with its
    ///   exit code.
    public func run(
        _ command: ShellCommand, deadline: Deadline = .after(.seconds(300))
    ) async throws(MMError) -> ShellAnswer {
        let job = try await start(command, deadline: deadline, observer: nil)
        let end = await withTaskCancellationHandler {
            await job.waitForEnd()
        } onCancel: {
            job.cancel()
        }
        if Task.isCancelled { throw MMError(.cancelled, "The command was cancelled.") }
        return ShellAnswer(
            end: end, stdout: job.output(.stdout), stderr: job.output(.stderr), terminal: job.output(.terminal))
    }

    /// Runs a command to its end. A cancelled task cancels the command.
    /// - Parameters:
    ///   - text: the command, as it would be written in a script.
    ///   - deadline: when the command is stopped, step by step, if it still runs. Also limits the wait for its turn.
    /// - Throws: as `run` of a `ShellCommand`.
    public func run(_ text: String, deadline: Deadline = .after(.seconds(300))) async throws(MMError) -> ShellAnswer {
        try await run(ShellCommand(text), deadline: deadline)
    }
}

/// The end of a command and the stored part of its output.
public struct ShellAnswer: Sendable, Hashable {
    /// How it ended.
    public var end: ShellEnd
    /// Standard output.
    public var stdout: ShellJob.Output
    /// Standard error.
    public var stderr: ShellJob.Output
    /// What was written to the terminal itself.
    public var terminal: ShellJob.Output
}

/// The additional shells of a session, each for one command; a shell ends with its command or with the session.
final class ShellSiblings: Sendable {
    private struct State {
        var sessions: [UInt64: any ShellSession] = [:]
        var next: UInt64 = 0
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Runs a command in a shell that is used for nothing else.
    /// - Parameter prepare: prepares the shell.
    /// - Throws: what starting throws; the shell is closed then.
    func run(
        _ command: ShellCommand, in sibling: any ShellSession, deadline: Deadline, observer: ShellCommand.Observer?,
        prepare: () async throws(MMError) -> Void = {}
    ) async throws(MMError) -> ShellJob {
        let number: UInt64? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.next += 1
            state.sessions[state.next] = sibling
            return state.next
        }
        guard let number else {
            await sibling.close()
            throw MMError(.unavailable, "The session was closed.")
        }
        do throws(MMError) {
            try await prepare()
            let job = try await sibling.start(command, deadline: deadline, observer: observer)
            Task {
                _ = await job.waitForEnd()
                await self.end(number)
            }
            return job
        } catch {
            await end(number)
            throw error
        }
    }

    private func end(_ number: UInt64) async {
        // A `close` of all siblings in the meantime waits for this one, too.
        await state.withLock { $0.sessions[number] }?.close()
        state.withLock { $0.sessions[number] = nil }
    }

    /// Ends all these shells, and prevents new ones.
    func close() async {
        let left = state.withLock { state in
            state.isClosed = true
            defer { state.sessions = [:] }
            return Array(state.sessions.values)
        }
        for sibling in left { await sibling.close() }
    }
}
