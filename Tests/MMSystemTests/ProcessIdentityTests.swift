import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMSystem

@Suite("Distinguishing a process from others with the same number", .timeLimit(.minutes(5)))
struct ProcessIdentityTests {
    @Test("it is recognised while it runs, and not once it has ended")
    func life() async throws {
        // A name with a bracket and spaces, which is in the middle of the kernel's line.
        let folder = try TestFolder()
        let odd = folder.path + "/a) Z 1 ("
        symlink("/bin/sleep", odd)
        let child = try await ChildProcess.start(ChildCommand(odd, ["1000"], environment: [:]))
        let identity = try #require(ProcessIdentity(running: child.pid))
        #expect(identity.pid == child.pid)
        #expect(identity.isRunning)
        let successor = ProcessIdentity(pid: child.pid, startTime: identity.startTime + 1)
        #expect(!successor.isRunning)
        #expect(!successor.signal(SIGKILL))
        #expect(identity.isRunning)
        #expect(identity.signal(SIGTERM))
        #expect(await child.exit() == .signal(SIGTERM))
        #expect(!identity.isRunning)
        #expect(!identity.signal(SIGTERM))
    }

    @Test("numbers without a process give nil", arguments: [0, -1, Int32.max])
    func nobody(pid: Int32) {
        #expect(ProcessIdentity(running: pid) == nil)
        #expect(!ProcessIdentity(pid: pid, startTime: 0).signal(SIGTERM))
    }

    @Test("the limit of descriptors is raised to the allowed maximum, but for those that Swift's runtime may need")
    func descriptors() {
        var limit = rlimit()
        let now = ResourceLimits.raiseDescriptors()
        #expect(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
        #expect(limit.rlim_cur == now)
        #expect(limit.rlim_cur < limit.rlim_max && limit.rlim_max - limit.rlim_cur <= 16)
    }

    @Test(
        "a limit below what any program needs is an error",
        arguments: [(12, true), (31, true), (32, false), (0, false)])
    func shortage(limit: UInt64, isShort: Bool) {
        #expect((ResourceLimits.shortage(at: limit)?.code == .unavailable) == isShort)
    }
}
