public import MMCore
import MMSystem

/// A place where commands of a shell run one after the other and find what the last one left: a local shell or a host.
public protocol ShellSession: Sendable {
    /// The session's name.
    var name: String { get }

    /// Sends a command as soon as the earlier ones have ended.
    /// - Parameters:
    ///   - command: the command.
    ///   - deadline: when it is cancelled, by rungs, if it still runs. Also bounds the wait for its turn.
    ///   - observer: sees what is written as it comes, on the thread that reads it; it must not block or call back.
    /// - Returns: at once; the command runs on whatever becomes of the caller.
    /// - Throws: `.invalidInput`, `.deadlineExceeded` or `.cancelled` before it was started, `.unavailable` when no shell
    ///   can be had.
    func start(
        _ command: ShellCommand, deadline: Deadline,
        observer: (@Sendable (ShellCommand.Stream, UnsafeRawBufferPointer) -> Void)?
    ) async throws(MMError) -> ShellJob

    /// Runs a command beside the session, whatever runs in it, with its directory and exported variables.
    /// - Throws: as `start`; `.unsupported` where there can be no second shell.
    func detach(
        _ command: ShellCommand, deadline: Deadline,
        observer: (@Sendable (ShellCommand.Stream, UnsafeRawBufferPointer) -> Void)?
    ) async throws(MMError) -> ShellJob

    /// Returns what background jobs wrote while no command was running; each output is returned once.
    func takeBackgroundOutput() async -> [UInt8]

    /// Replaces the shell by a new one in its first state. What runs is cancelled first.
    /// - Throws: `.unavailable` when no shell can be had, `.deadlineExceeded` when what runs can't be ended.
    func reset() async throws(MMError)

    /// Whether a command waits for whoever takes its output, and can be handed input.
    var waitsForReader: Bool { get }

    /// Ends the shell and all that it started. The session can't be used any more.
    func close() async
}

extension ShellSession {
    /// What a command writes is taken as it comes.
    public var waitsForReader: Bool { false }

    /// Nothing: most kinds of sessions have no background.
    public func takeBackgroundOutput() async -> [UInt8] { [] }

    /// Refuses: most kinds of sessions have one shell.
    /// - Throws: `.unsupported`.
    public func detach(
        _ command: ShellCommand, deadline: Deadline,
        observer: (@Sendable (ShellCommand.Stream, UnsafeRawBufferPointer) -> Void)?
    ) async throws(MMError) -> ShellJob {
        throw MMError(.unsupported, "Nothing can run beside \(name).", hint: "Use a second session.")
    }

    /// Runs a command to its end. A cancelled task cancels the command.
    /// - Throws: as `start`, and `.cancelled` when the task was cancelled.
    public func run(_ command: ShellCommand, deadline: Deadline) async throws(MMError) -> ShellAnswer {
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

    /// Runs a command to its end.
    /// - Throws: as `start`.
    public func run(_ text: String, deadline: Deadline = .after(.seconds(300))) async throws(MMError) -> ShellAnswer {
        try await run(ShellCommand(text), deadline: deadline)
    }
}

/// A command's end and all that is kept of what it wrote.
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

/// The shells beside a session, each for one command: they end with it, or with the session.
final class ShellSiblings: Sendable {
    private struct State {
        var sessions: [UInt64: any ShellSession] = [:]
        var next: UInt64 = 0
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Runs a command in a shell that nobody else uses.
    /// - Parameter prepare: makes the shell ready.
    /// - Throws: what starting throws; the shell is closed then.
    func run(
        _ command: ShellCommand, in sibling: any ShellSession, deadline: Deadline,
        observer: (@Sendable (ShellCommand.Stream, UnsafeRawBufferPointer) -> Void)?,
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
        // Whoever closes them all meanwhile waits for it, too.
        await state.withLock { $0.sessions[number] }?.close()
        state.withLock { $0.sessions[number] = nil }
    }

    /// Ends them all, and lets no more begin.
    func close() async {
        let left = state.withLock { state in
            state.isClosed = true
            defer { state.sessions = [:] }
            return Array(state.sessions.values)
        }
        for sibling in left { await sibling.close() }
    }
}
