import MMCore
import MMSessions
import MMSystem
import TestSupport
import Testing

@testable import MMShell

@Suite("Stopped commands", .timeLimit(.minutes(2)))
struct StoppedWatchTests {
    private static func job(_ run: RunningCommand) -> ShellJob {
        ShellJob(
            command: ShellCommand("true"), observer: nil,
            reach: .init(cancel: { run.stop($0) }, type: { _ in }, signal: { _ in false }, waiting: { _ in nil }))
    }

    @Test(
        "one that nothing resumes is ended, one that is being cancelled is left to that",
        arguments: [nil, ShellEnd.Cause.cancelled, .deadline])
    func left(reason: ShellEnd.Cause?) async {
        let run = RunningCommand(id: "c-1", ladder: .init([.init(.interrupt, .zero)])) { _ in }
        let job = Self.job(run)
        let ended = Mutex<[Int32]>([])
        let checked = OneShot<Void>()
        var watch: StoppedWatch? = StoppedWatch()
        weak let watching = watch
        watch?.begin(job, run, after: .milliseconds(1)) {
            // The cancellation begins while the processes are searched: it has stopped the shell itself.
            if let reason { run.stop(reason) }
            checked.resolve(())
            return [4]
        } end: { stopped in
            ended.withLock { $0 = stopped }
            watching?.cancel(run)
        }
        await checked.wait()
        // Its check holds it until it is done.
        watch = nil
        #expect(await eventually { watching == nil })
        withExtendedLifetime(job) {}
        #expect(ended.withLock { $0 } == (reason == nil ? [4] : []))
    }

    @Test("one sleeping task serves one command after another")
    func many() async {
        let watch = StoppedWatch()
        let checked = Mutex<[String]>([])
        for id in ["c-1", "c-2", "c-3"] {
            let run = RunningCommand(id: id, ladder: .init([.init(.interrupt, .zero)])) { _ in }
            let job = Self.job(run)
            watch.begin(job, run, after: .milliseconds(id == "c-3" ? 1 : 60_000)) {
                checked.withLock { $0.append(id) }
                return []
            } end: { _ in
            }
            if id != "c-3" { watch.cancel(run) } else { #expect(await eventually { checked.withLock { !$0.isEmpty } }) }
            withExtendedLifetime(job) {}
        }
        #expect(checked.withLock { Set($0) } == ["c-3"])
    }
}
