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

    private static func name(of process: Int32) -> String? {
        (try? ProtectedFile.read("/proc/\(process)/comm", limit: 64)).flatMap { $0 }.map {
            String(decoding: $0.dropLast(), as: UTF8.self)
        }
    }
}
