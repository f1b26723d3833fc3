import MMCore
import MMSandbox
import MMSessions
import Testing

@testable import MMOperations

@Suite("A reset during a run", .timeLimit(.minutes(10)))
struct ResetRunTests {
    @Test("ends the script of the native engine, and nothing after it is sent")
    func native() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        @Sendable func run(_ script: String) async throws -> OperationAnswer {
            try await home.call("run", ["connection": "Demo", "command": .string(script), "module": "exo"])
        }
        func mark() async throws -> String? {
            let answer = try await run("(Get-Mailbox admin@contoso-sandbox.example).CustomAttribute1")
            guard case .text(let text) = answer.body else { return nil }
            return text
        }
        let before = try #require(try await mark())
        let write = "Set-Mailbox admin@contoso-sandbox.example -CustomAttribute1 'after the reset'"
        let running = Task { try await run("Start-Sleep 20; \(write)") }
        let key = SessionKey(connection: "Demo", module: "exo")
        while true {
            if case .busy? = await home.service.services.sessions.state(of: key) { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        _ = try await home.call("reset", ["connection": "Demo", "module": "exo"])
        let error = await #expect(throws: MMError.self) { try await running.value }
        #expect(error?.code == .cancelled)
        #expect(error?.message == "The session was closed while the command ran.")
        #expect(try await mark() == before)
    }
}
