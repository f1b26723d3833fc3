import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@Suite("The mark on a session's processes", .timeLimit(.minutes(5)))
struct SessionMarkTests {
    @Test("isn't on an unmarked process, and is assumed on one that can't be examined")
    func unmarked() throws {
        #expect(try !SessionMark.isMarked(getpid()))
        #expect(try SessionMark.isMarked(Int32.max))
    }

    @Test(
        "stays on a process that leaves its environment, its session and its parent",
        arguments: ["exec SLEEP", "env -i setsid -f SLEEP; SLEEP", "(setsid SLEEP &); SLEEP"])
    func inherited(script: String) async throws {
        // Other tests of this process have sleeping children too.
        let own = "600.\(UInt32.random(in: 1...UInt32.max))"
        // A marked process has a lowered hard limit on file locks; bash can lower it too.
        try #require(access("/bin/bash", X_OK) == 0)
        var command = ChildCommand(
            "/bin/bash", ["-c", "ulimit -x 1048576; \(script.replacing("SLEEP", with: "sleep \(own)"))"],
            environment: ["PATH": "/usr/bin:/bin"])
        command.output = .null
        let process = try await ChildProcess.start(command)
        defer { process.signalGroup(SIGKILL) }
        Descendants.adopt()
        let isThere = await eventually {
            let all = Self.sleeping(own)
            for one in all { #expect((try? SessionMark.isMarked(one.pid)) == true, "\(one)") }
            return !all.isEmpty
        }
        #expect(isThere)
        for one in Self.sleeping(own) { one.signal(SIGKILL) }
    }

    @Test("names the process that set it, and only its descendants are found")
    func bearers() async throws {
        let gone = ProcessIdentity(pid: 4_000_000, startTime: 77)
        let later = ProcessIdentity(pid: 4_000_000, startTime: 78)
        // A marked descendant can still set a mark of its own.
        #expect(SessionMark.value(of: later) < SessionMark.value(of: gone))
        #expect(SessionMark.value(of: gone) != SessionMark.value(of: ProcessIdentity(pid: 4_000_001, startTime: 77)))
        var command = ChildCommand("/usr/bin/tail", ["-f", "/dev/null"], environment: [:])
        command.limits = [ChildCommand.Limit(resource: 10, value: SessionMark.value(of: gone))]
        let ours = try await ChildProcess.start(command)
        command.limits = [ChildCommand.Limit(resource: 10, value: SessionMark.value(of: later))]
        let other = try await ChildProcess.start(command)
        defer { for process in [ours, other] { process.signalGroup(SIGKILL) } }
        #expect(SessionMark.descendants(of: gone).map(\.pid) == [ours.pid])
        #expect(SessionMark.descendants(of: later).map(\.pid) == [other.pid])
        #expect(try SessionMark.isMarked(ours.pid))
    }

    private static func sleeping(_ time: String) -> [ProcessIdentity] {
        Descendants.running().filter { one in
            let words = (try? ProtectedFile.read("/proc/\(one.pid)/cmdline", limit: 4096)) ?? nil
            return words.map { Array($0) == Array("sleep\0\(time)\0".utf8) } ?? false
        }
    }
}
