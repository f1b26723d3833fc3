package import MMCore
import MMSessions
package import MMShell

/// A session without a shell: each command is one admitted program with its arguments (the confinement `argv`).
package actor ArgumentShell: ShellSession {
    /// The session's name.
    package nonisolated let name: String
    private let programs: ArgumentPolicy
    private let directory: String
    private let environment: [String: String]
    private let turns = TurnQueue()

    /// A session over a list of programs.
    package init(name: String, programs: ArgumentPolicy, directory: String, environment: [String: String]) {
        self.name = name
        self.programs = programs
        self.directory = directory
        self.environment = environment
    }

    /// The working directory, which nothing changes.
    package var workingDirectory: String { directory }

    /// Runs an admitted program as soon as those before it have ended.
    package func start(
        _ command: ShellCommand, deadline: Deadline,
        observer: (@Sendable (ShellCommand.Stream, UnsafeRawBufferPointer) -> Void)?
    ) async throws(MMError) -> ShellJob {
        let words = try ArgumentPolicy.words(of: command.text)
        _ = try programs.check(words, directory: directory)
        let turn = try await turns.take(deadline)
        let work = Mutex<Task<Void, Never>?>(nil)
        let job = ShellJob(
            id: RandomBytes.text(bytes: 16), command: command, observer: observer,
            reach: ShellJob.Reach(
                cancel: { _ in work.withLock { $0 }?.cancel() }, type: { _ in }, signal: { _ in false },
                waiting: { _ in nil }))
        let task = Task {
            await self.run(words, job, deadline)
            turn.release()
        }
        work.withLock { $0 = task }
        return job
    }

    private func run(_ words: [String], _ job: ShellJob, _ deadline: Deadline) async {
        let begin = ContinuousClock.now
        var end = ShellEnd(
            cause: .finished, exitCode: 255, signal: nil, directoryBytes: Array(directory.utf8), duration: .zero,
            restartsSession: false, wasRestarted: false)
        do throws(MMError) {
            let outcome = try await programs.run(
                words, directory: directory, environment: environment,
                limit: job.command.limits.head + job.command.limits.tail, timeout: deadline.remaining)
            outcome.stdout.withUnsafeBytes { job.append(.stdout, $0) }
            outcome.stderr.withUnsafeBytes { job.append(.stderr, $0) }
            end.exitCode = outcome.code
        } catch {
            switch error.code {
            case .deadlineExceeded: end.cause = .deadline
            case .cancelled: end.cause = .cancelled
            default: end.cause = .lost(error.message)
            }
        }
        end.duration = ContinuousClock.now - begin
        job.finish(end)
    }

    /// There is no state to lose.
    package func reset() async throws(MMError) {}

    /// Takes no more commands.
    package func close() async { turns.close(ShellEnd.closedSession) }
}
