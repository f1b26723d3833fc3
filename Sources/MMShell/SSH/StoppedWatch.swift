import Glibc
import MMCore

/// Looks after a command on a host that might have been stopped (`kill -STOP`): nobody there could let it go on, and its
/// shell, which has no job control, would wait for it until the command's time is over.
///
/// What is stopped writes nothing: the longer a command is silent, the seldomer it is looked at.
final class StoppedWatch: Sendable {
    private let task = Mutex<Task<Void, Never>?>(nil)

    /// Begins to look.
    /// - Parameters:
    ///   - pause: until the first look.
    ///   - find: finds what is stopped.
    ///   - end: ends it.
    func begin(
        _ job: ShellJob, after pause: Duration = .seconds(2), find: @escaping @Sendable () async -> [Int32],
        end: @escaping @Sendable ([Int32]) async -> Void
    ) {
        let watching = Task { [weak job] in
            var (pause, seen) = (pause, -1)
            while true {
                try? await Task.sleep(for: pause)
                guard !Task.isCancelled, let job, job.end == nil else { return }
                let written = ShellCommand.Stream.allCases.reduce(0) { $0 + job.output($1).total }
                guard written == seen else {
                    seen = written
                    continue
                }
                let stopped = await find()
                if !stopped.isEmpty, !Task.isCancelled {
                    Array("[the stopped command can't be resumed here, and was ended]\n".utf8)
                        .withUnsafeBytes { job.append(.stderr, $0) }
                    await end(stopped)
                }
                pause = min(pause * 2, .seconds(60))
            }
        }
        task.withLock { $0 = watching }
    }

    /// Looks no more: the command has ended, or was stopped by one who means to let it go on.
    func cancel() { task.withLock { $0 }?.cancel() }
}
