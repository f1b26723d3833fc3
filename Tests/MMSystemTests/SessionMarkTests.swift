import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@Suite("The mark on what a session starts", .timeLimit(.minutes(2)))
struct SessionMarkTests {
    @Test("is not on a process that nobody marked, and counts as on one that can't be looked at")
    func unmarked() {
        #expect(!SessionMark.isOn(getpid()))
        #expect(SessionMark.isOn(Int32.max))
    }

    @Test(
        "stays on what leaves its environment, its session and its parent behind",
        arguments: ["exec sleep 600", "env -i setsid -f sleep 600; sleep 600", "(setsid sleep 600 &); sleep 600"])
    func inherited(script: String) async throws {
        // A marked process is one with a lowered hard limit on file locks; bash can lower it as we do.
        try #require(access("/bin/bash", X_OK) == 0)
        var command = ChildCommand(
            "/bin/bash", ["-c", "ulimit -x 1048576; \(script)"], environment: ["PATH": "/usr/bin:/bin"])
        command.output = .null
        let process = try await ChildProcess.start(command)
        defer { process.signalGroup(SIGKILL) }
        Descendants.adopt()
        let isThere = await eventually {
            let all = Descendants.running().filter { Self.name(of: $0.pid) == "sleep" }
            defer { if !all.isEmpty { for one in all { #expect(SessionMark.isOn(one.pid), "\(one)") } } }
            return !all.isEmpty
        }
        #expect(isThere)
        for one in Descendants.running() where Self.name(of: one.pid) == "sleep" { one.signal(SIGKILL) }
    }

    @Test("names the process that left it: what carries it is found, and what carries another's is not")
    func bearers() async throws {
        let gone = ProcessIdentity(pid: 4_000_000, startTime: 77)
        let later = ProcessIdentity(pid: 4_000_000, startTime: 78)
        // One that is marked as a descendant can still leave a mark of its own.
        #expect(SessionMark.value(of: later) < SessionMark.value(of: gone))
        #expect(SessionMark.value(of: gone) != SessionMark.value(of: ProcessIdentity(pid: 4_000_001, startTime: 77)))
        // Not a sleep: those are ended by the test above.
        var command = ChildCommand("/usr/bin/tail", ["-f", "/dev/null"], environment: [:])
        command.limits = [ChildCommand.Limit(resource: 10, value: SessionMark.value(of: gone))]
        let ours = try await ChildProcess.start(command)
        command.limits = [ChildCommand.Limit(resource: 10, value: SessionMark.value(of: later))]
        let other = try await ChildProcess.start(command)
        defer { for process in [ours, other] { process.signalGroup(SIGKILL) } }
        #expect(SessionMark.bearers(of: gone).map(\.pid) == [ours.pid])
        #expect(SessionMark.bearers(of: later).map(\.pid) == [other.pid])
        #expect(SessionMark.isOn(ours.pid))
    }

    private static func name(of process: Int32) -> String? {
        (try? ProtectedFile.read("/proc/\(process)/comm", limit: 64)).flatMap { $0 }.map {
            String(decoding: $0.dropLast(), as: UTF8.self)
        }
    }
}
