import Glibc
import MMCore

/// Watches for commands of a session that were stopped (`kill -STOP`) where nothing can resume them: one on a host,
/// whose shell has no job control, or the local shell itself. Without this, such a command would wait until its
/// deadline.
///
/// A stopped command writes nothing: the longer it is silent, the less often it is checked.
final class StoppedWatch: Sendable {
    private struct Watched: Sendable {
        weak var job: ShellJob?
        let run: RunningCommand
        var pause: Duration
        let longest: Duration
        /// The bytes that the command had written at the last check.
        var seen = -1
        let find: @Sendable () async -> [Int32]
        let end: @Sendable ([Int32]) async -> Void
    }

    private let watched = Mutex<Watched?>(nil)
    private let alarm = CommandAlarm()

    /// Watches this command from now on. One that is being stopped is left alone: its shell is stopped, too, so that it
    /// doesn't go on with its list.
    /// - Parameters:
    ///   - job: the job of the command.
    ///   - run: the command.
    ///   - pause: the time until the first check.
    ///   - longest: the maximum time between two checks.
    ///   - find: returns the stopped processes.
    ///   - end: ends them.
    func begin(
        _ job: ShellJob, _ run: RunningCommand, after pause: Duration = .seconds(2),
        atMost longest: Duration = .seconds(60),
        find: @escaping @Sendable () async -> [Int32],
        end: @escaping @Sendable ([Int32]) async -> Void
    ) {
        let new = Watched(job: job, run: run, pause: pause, longest: longest, find: find, end: end)
        watched.withLock { $0 = new }
        alarm.set(.after(pause)) { [weak self] in await self?.check(run) }
    }

    /// Writes a notice to the command's standard error.
    static func tell(_ job: ShellJob) {
        Array("[the stopped command can't be resumed here, and was ended]\n".utf8)
            .withUnsafeBytes { job.append(.stderr, $0) }
    }

    /// Stops watching a command: it has ended, or was stopped by a caller who will resume it.
    func cancel(_ run: RunningCommand) {
        watched.withLock { watched in
            guard watched?.run === run else { return }
            watched = nil
            alarm.clear()
        }
    }

    private func check(_ run: RunningCommand) async {
        guard var current = watched(run), let job = current.job, job.end == nil, run.reason == nil else { return }
        let written = ShellCommand.Stream.allCases.reduce(0) { $0 + job.output($1).total }
        if written == current.seen {
            let stopped = await current.find()
            guard run.reason == nil else { return }
            if !stopped.isEmpty, watched(run) != nil {
                Self.tell(job)
                await current.end(stopped)
            }
            current.pause = min(current.pause * 2, current.longest)
        }
        current.seen = written
        watched.withLock { watched in
            guard watched?.run === run else { return }
            watched = current
            alarm.set(.after(current.pause)) { [weak self] in await self?.check(run) }
        }
    }

    private func watched(_ run: RunningCommand) -> Watched? { watched.withLock { $0?.run === run ? $0 : nil } }
}
