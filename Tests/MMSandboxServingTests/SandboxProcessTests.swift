import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMSandboxServing

@Suite("The tenant's process", .timeLimit(.minutes(5)))
struct SandboxProcessTests {
    private let home: TestHome

    init() throws { home = try TestHome() }

    /// A state file that names a process.
    private func write(_ process: ProcessIdentity) throws {
        let file: JSONValue = [
            "login": "http://127.0.0.1:9", "secret": "s", "pid": .int(Int64(process.pid)),
            "startTime": .int(Int64(process.startTime)),
        ]
        try ProtectedFile.replace(home.paths.sandboxFile, with: JSONWriter.bytes(file))
    }

    @Test("a file that a tenant left behind is no tenant, and who has its process's number now is let alone")
    func leftBehind() async throws {
        let other = try await ChildProcess.start(ChildCommand("/bin/sleep", ["600"], environment: [:]))
        let identity = try #require(ProcessIdentity(running: other.pid))
        try write(ProcessIdentity(pid: other.pid, startTime: identity.startTime + 1))
        #expect(throws: MMError.self) { try SandboxControl(home.paths) }
        #expect(try await SandboxProcess.stop(home.paths) == false)
        #expect(identity.isRunning)
        #expect(try ProtectedFile.read(home.paths.sandboxFile) == nil)
        other.signal(SIGKILL)
    }

    @Test("a tenant that runs is not started twice, and is ended by a stop")
    func running() async throws {
        let tenant = try await ChildProcess.start(ChildCommand("/bin/sleep", ["600"], environment: [:]))
        let identity = try #require(ProcessIdentity(running: tenant.pid))
        try write(identity)
        let error = await #expect(throws: MMError.self) {
            try await SandboxProcess.start([], environment: home.environment, home.paths)
        }
        #expect(error?.code == .conflict)
        #expect(try await SandboxProcess.stop(home.paths))
        #expect(await tenant.exit().code == 128 + SIGTERM)
        #expect(try await SandboxProcess.stop(home.paths) == false)
    }

    @Test("its connection is added once; one of another cloud with that name is not touched")
    func connection() throws {
        try SandboxProcess.addConnection("Demo", home.paths)
        let first = try ProtectedFile.read(home.paths.registry)
        try SandboxProcess.addConnection("Demo", home.paths)
        #expect(try ProtectedFile.read(home.paths.registry) == first)
        let added = try #require(try ConnectionRegistry(path: home.paths.registry).snapshot().connections.first)
        #expect(added.name == "Demo" && added.cloud == "sandbox")
        let own = #"{"connections": {"Demo": {"tenant": "contoso.com"}}}"#
        try ProtectedFile.replace(home.paths.registry, with: Array(own.utf8))
        let error = #expect(throws: MMError.self) { try SandboxProcess.addConnection("Demo", home.paths) }
        #expect(error?.code == .conflict)
        #expect(try ProtectedFile.read(home.paths.registry) == Array(own.utf8))
    }
}
