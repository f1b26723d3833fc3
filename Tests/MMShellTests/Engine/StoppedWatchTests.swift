import MMCore
import MMSessions
import TestSupport
import Testing

@testable import MMShell

@Suite("Stopped commands", .timeLimit(.minutes(2)))
struct StoppedWatchTests {
    private static func job(_ run: RunningCommand) -> ShellJob {
        ShellJob(
            id: "c-1", command: ShellCommand("true"), observer: nil,
            reach: .init(cancel: { run.stop($0) }, type: { _ in }, signal: { _ in false }, waiting: { _ in nil }))
    }

    @Test(
        "one that nothing resumes is ended, one that is being cancelled is left to that",
        arguments: [nil, ShellEnd.Cause.cancelled, .deadline])
    func left(reason: ShellEnd.Cause?) async {
        let run = RunningCommand(id: "c-1", ladder: .init([.init(.interrupt, .zero)])) { _ in }
        let job = Self.job(run)
        let ended = Mutex<[Int32]>([])
        let watch = StoppedWatch()
        let watching = watch.begin(job, run, after: .milliseconds(1)) {
            // The cancellation begins while the processes are searched: it has stopped the shell itself.
            if let reason { run.stop(reason) }
            return [4]
        } end: { stopped in
            ended.withLock { $0 = stopped }
            watch.cancel()
        }
        await watching.value
        #expect(ended.withLock { $0 } == (reason == nil ? [4] : []))
    }
}
