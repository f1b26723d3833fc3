import Glibc
import MMCore
import MMSystem
import TestSupport
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

    @Test(
        "end a command that waits for its standard input",
        arguments: [
            ["run", "Demo", "-"], ["graph", "Demo", "/me", "-X", "PATCH", "-d", "-"], ["guard", "check", "-"],
        ])
    func waitingForInput(words: [String]) async throws {
        let home = try TestHome()
        var command = ChildCommand(Programs.mm, words, environment: home.environment)
        command.input = .pipe
        let child = try await ChildProcess.start(command)
        // More than a pipe holds: once it is written, the command reads.
        try await child.input?.write([UInt8](repeating: UInt8(ascii: "x"), count: 100 << 10))
        child.signal(SIGINT)
        #expect(await child.exit().code == 128 + SIGINT)
    }

    @Test("stop the sandbox tenant and remove its state file")
    func sandbox() async throws {
        let tenant = try await Tenant()
        await tenant.stop()
        #expect(try ProtectedFile.read("\(tenant.home.path)/.m365-state/sandbox.json") == nil)
    }
}
