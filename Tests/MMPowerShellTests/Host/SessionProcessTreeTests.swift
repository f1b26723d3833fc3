import Glibc
import MMCore
import MMSystem
import Testing

@testable import MMPowerShell

@Suite("The processes of a session", .timeLimit(.minutes(10)))
struct ProcessTreeTests {
    @Test("children, also those in other sessions and without a parent, are found and ended; other processes aren't")
    func found() async throws {
        let mark = RandomBytes.text(bytes: 9)
        var command = ChildCommand(
            "/bin/sh", ["-c", "sleep 300 & setsid sleep 301 & setsid sh -c 'sleep 302 & exit 0' & wait"],
            environment: ["PATH": "/usr/bin:/bin", SessionProcessTree.markVariable: mark])
        command.output = .null
        command.error = .null
        command.endsGroup = false
        let child = try await ChildProcess.start(command)
        var stranger = command
        stranger.arguments = ["-c", "sleep 303"]
        stranger.environment[SessionProcessTree.markVariable] = "another"
        let other = try await ChildProcess.start(stranger)
        try await until("three sleepers") {
            let others = try await BlockingWork.run { () throws(MMError) in
                SessionProcessTree.others(leader: child.pid, host: child.pid, mark: mark)
            }
            return others.filter { $0.name == "sleep" }.count == 3
        }
        let sleepers = SessionProcessTree.others(leader: child.pid, host: child.pid, mark: mark).map(\.id)
        SessionProcessTree.endOthers(leader: child.pid, host: child.pid, mark: mark)
        try await until("their end") { !sleepers.contains { runs($0) } }
        #expect(other.exited == nil)
        child.signalGroup(SIGKILL)
        other.signalGroup(SIGKILL)
        _ = await child.exit()
        _ = await other.exit()
    }

    @Test("a missing process has no children")
    func nothing() {
        #expect(SessionProcessTree.others(leader: 0x3FFF_FFFF, host: 0x3FFF_FFFF, mark: "x").isEmpty)
    }
}
