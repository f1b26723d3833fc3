import Glibc
import MMCore
import MMSystem
import Testing

@Suite("Signals", .timeLimit(.minutes(15)))
struct SignalTests {
    @Test(
        "end a waiting command with the shell's exit code, and leave no process behind",
        arguments: [SIGINT, SIGTERM])
    func waitingCommand(signal: Int32) async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        try await tenant.fault(["kind": "latency", "milliseconds": 60_000, "path": "/v1.0/me"])
        let child = try await ChildProcess.start(
            ChildCommand(Programs.mm, ["graph", "Demo", "/me"], environment: tenant.home.environment))
        while try await tenant.requests(to: "/v1.0/me") == 0 { try await Task.sleep(for: .milliseconds(20)) }
        child.signal(signal)
        #expect(await child.exit().code == 128 + signal)
    }

    @Test("stop the sandbox tenant and remove its state file")
    func sandbox() async throws {
        let tenant = try await Tenant()
        await tenant.stop()
        #expect(try ProtectedFile.read("\(tenant.home.path)/.m365-state/sandbox.json") == nil)
    }
}
