import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@Suite("The mark on a program's descendants", .timeLimit(.minutes(5)))
struct LineageMarkTests {
    @Test("stays on a program whatever it becomes, and is on no other")
    func own() async throws {
        let (one, other) = (LineageMark(), LineageMark())
        #expect(one != other)
        // Not a sleep: other tests end those.
        var command = ChildCommand(
            "/bin/sh", ["-c", "exec env -i tail -f /dev/null"], environment: ["PATH": "/usr/bin:/bin"])
        command.limits = [one.limit]
        let process = try await ChildProcess.start(command)
        defer { process.signalGroup(SIGKILL) }
        #expect(one.marks(process.pid))
        #expect(!other.marks(process.pid))
        #expect(!one.marks(getpid()))
        // A pool uses another limit as its mark.
        #expect(try !SessionMark.isMarked(process.pid))
    }
}
