import Glibc
import MMCore

/// Looks after a command that might have been stopped (`kill -STOP`) where nobody could let it go on: one on a host, whose
/// shell has no job control, or the shell of this machine itself. It would wait until the command's time is over.
///
/// What is stopped writes nothing: the longer a command is silent, the seldomer it is looked at.
final class StoppedWatch: Sendable {
    private let task = Mutex<Task<Void, Never>?>(nil)

    /// Begins to look.
    /// - Parameters:
    ///   - pause: until the first look.
    ///   - longest: the time between two looks at the most.
    ///   - find: finds what is stopped.
    ///   - end: ends it.
    func begin(
        _ job: ShellJob, after pause: Duration = .seconds(2), atMost longest: Duration = .seconds(60),
        find: @escaping @Sendable () async -> [Int32],
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
                    Self.tell(job)
                    await end(stopped)
                }
                pause = min(pause * 2, longest)
            }
        }
        task.withLock { $0 = watching }
    }

    /// Tells those who read the command's errors what became of it.
    static func tell(_ job: ShellJob) {
        Array("[the stopped command can't be resumed here, and was ended]\n".utf8)
            .withUnsafeBytes { job.append(.stderr, $0) }
    }

    /// Looks no more: the command has ended, or was stopped by one who means to let it go on.
    func cancel() { task.withLock { $0 }?.cancel() }
}
