import Glibc
import MMCore

/// Watches for a command that was stopped (`kill -STOP`) where nothing can resume it: one on a host, whose shell has no
/// job control, or the local shell itself. Without this, it would wait until its deadline.
///
/// A stopped command writes nothing: the longer it is silent, the less often it is checked.
final class StoppedWatch: Sendable {
    private let task = Mutex<Task<Void, Never>?>(nil)

    /// Starts watching. A command that is being stopped is left alone: its shell is stopped, too, so that it doesn't go
    /// on with its list.
    /// - Parameters:
    ///   - job: the job of the command.
    ///   - run: the command.
    ///   - pause: the time until the first check.
    ///   - longest: the maximum time between two checks.
    ///   - find: returns the stopped processes.
    ///   - end: ends them.
    /// - Returns: the task that watches.
    @discardableResult
    func begin(
        _ job: ShellJob, _ run: RunningCommand, after pause: Duration = .seconds(2),
        atMost longest: Duration = .seconds(60),
        find: @escaping @Sendable () async -> [Int32],
        end: @escaping @Sendable ([Int32]) async -> Void
    ) -> Task<Void, Never> {
        let watching = Task { [weak job] in
            var (pause, seen) = (pause, -1)
            while true {
                try? await Task.sleep(for: pause)
                guard !Task.isCancelled, let job, job.end == nil, run.reason == nil else { return }
                let written = ShellCommand.Stream.allCases.reduce(0) { $0 + job.output($1).total }
                guard written == seen else {
                    seen = written
                    continue
                }
                let stopped = await find()
                guard run.reason == nil else { return }
                if !stopped.isEmpty, !Task.isCancelled {
                    Self.tell(job)
                    await end(stopped)
                }
                pause = min(pause * 2, longest)
            }
        }
        task.withLock { $0 = watching }
        return watching
    }

    /// Writes a notice to the command's standard error.
    static func tell(_ job: ShellJob) {
        Array("[the stopped command can't be resumed here, and was ended]\n".utf8)
            .withUnsafeBytes { job.append(.stderr, $0) }
    }

    /// Stops watching: the command has ended, or was stopped by a caller who will resume it.
    func cancel() { task.withLock { $0 }?.cancel() }
}
