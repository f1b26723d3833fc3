import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@Suite("The mark on what one program starts", .timeLimit(.minutes(5)))
struct LineageMarkTests {
    @Test("is on that program in whatever it becomes, and on no other one's")
    func own() async throws {
        let (one, other) = (LineageMark(), LineageMark())
        #expect(one != other)
        // Not a sleep: those are ended by other tests.
        var command = ChildCommand(
            "/bin/sh", ["-c", "exec env -i tail -f /dev/null"], environment: ["PATH": "/usr/bin:/bin"])
        command.limits = [one.limit]
        let process = try await ChildProcess.start(command)
        defer { process.signalGroup(SIGKILL) }
        #expect(one.marks(process.pid))
        #expect(!other.marks(process.pid))
        #expect(!one.marks(getpid()))
        // A pool is known by another limit.
        #expect(!SessionMark.isMarked(process.pid))
    }
}
