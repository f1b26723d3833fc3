import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMServing

@Suite("The processes of a pool", .timeLimit(.minutes(5)))
struct PoolChildrenTests {
    @Test("those started just before it was killed are ended by the next pool, recorded or not")
    func unrecorded() async throws {
        let home = try TestHome()
        let folder = home.path + "/children"
        // Already ended, like a killed pool.
        let killed = ProcessIdentity(pid: 4_000_002, startTime: 91)
        try ProtectedFile.replace("\(folder)/\(killed.pid)", with: Array(#"{"startTime": 91, "processes": []}"#.utf8))
        var command = ChildCommand("/usr/bin/tail", ["-f", "/dev/null"], environment: [:])
        let stranger = try await ChildProcess.start(command)
        command.limits = [ChildCommand.Limit(resource: 10, value: SessionMark.value(of: killed))]
        let left = try await ChildProcess.start(command)
        let own = try #require(ProcessIdentity(running: getpid()))
        #expect(await PoolChildren(folder: folder, pool: own).endLeftovers() == 1)
        #expect(await left.exit() == .signal(SIGKILL))
        #expect(stranger.exited == nil)
        stranger.signalGroup(SIGKILL)
        #expect(TestFolder.names(in: folder).filter { !$0.hasSuffix(".lock") } == [])
    }
}
