import Glibc
import MMCore

/// Watches for commands of a session that were stopped (`kill -STOP`) where nothing can resume them: one on a host,
/// whose shell has no job control, or the local shell itself. Without this, such a command would wait until its
/// deadline.
///
/// A stopped command writes nothing: the longer it is silent, the less often it is checked. Most commands end before
/// their first check, so one sleeping task serves many of them.
final class StoppedWatch: Sendable {
    private struct Watched: Sendable {
        weak var job: ShellJob?
        let run: RunningCommand
        var due: ContinuousClock.Instant
        var pause: Duration
        let longest: Duration
        /// The bytes that the command had written at the last check.
        var seen = -1
        let find: @Sendable () async -> [Int32]
        let end: @Sendable ([Int32]) async -> Void
    }

    private struct State {
        var watched: Watched?
        var wakes: ContinuousClock.Instant?
        var task: Task<Void, Never>?
    }

    private let state = Mutex(State())

    deinit { state.withLock { $0.task }?.cancel() }

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
        let due = ContinuousClock.now + pause
        state.withLock { state in
            state.watched = Watched(
                job: job, run: run, due: due, pause: pause, longest: longest, find: find, end: end)
            if let wakes = state.wakes, wakes <= due { return }
            arm(&state, due)
        }
    }

    /// Writes a notice to the command's standard error.
    static func tell(_ job: ShellJob) {
        Array("[the stopped command can't be resumed here, and was ended]\n".utf8)
            .withUnsafeBytes { job.append(.stderr, $0) }
    }

    /// Stops watching a command: it has ended, or was stopped by a caller who will resume it.
    func cancel(_ run: RunningCommand) {
        state.withLock { if $0.watched?.run === run { $0.watched = nil } }
    }

    private func arm(_ state: inout State, _ instant: ContinuousClock.Instant) {
        state.task?.cancel()
        state.wakes = instant
        state.task = Task { [weak self] in
            try? await Task.sleep(until: instant, clock: .continuous)
            if !Task.isCancelled { await self?.wake() }
        }
    }

    private func wake() async {
        let due = state.withLock { state -> Watched? in
            state.wakes = nil
            guard let watched = state.watched else { return nil }
            if watched.due <= .now { return watched }
            arm(&state, watched.due)
            return nil
        }
        guard var watched = due, let job = watched.job, job.end == nil, watched.run.reason == nil else { return }
        let written = ShellCommand.Stream.allCases.reduce(0) { $0 + job.output($1).total }
        if written == watched.seen {
            let stopped = await watched.find()
            guard watched.run.reason == nil else { return }
            if !stopped.isEmpty, isWatching(watched.run) {
                Self.tell(job)
                await watched.end(stopped)
            }
            watched.pause = min(watched.pause * 2, watched.longest)
        }
        watched.seen = written
        watched.due = .now + watched.pause
        state.withLock { state in
            guard state.watched?.run === watched.run else { return }
            state.watched = watched
            arm(&state, watched.due)
        }
    }

    private func isWatching(_ run: RunningCommand) -> Bool { state.withLock { $0.watched?.run === run } }
}
