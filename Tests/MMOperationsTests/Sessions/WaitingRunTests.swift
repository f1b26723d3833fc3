import MMCore
import MMSandbox
import MMSessions
import Testing

@testable import MMOperations

@Suite("A run that waits for another one", .timeLimit(.minutes(10)))
struct WaitingRunTests {
    @Test("says so in its progress and in its answer; the first one doesn't")
    func waiting() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        func run(_ script: String) async throws -> OperationAnswer {
            try await home.call("run", ["connection": "Demo", "command": .string(script), "module": "exo"])
        }
        _ = try await run("0")
        async let first = run("Start-Sleep 4; 1")
        let key = SessionKey(connection: "Demo", module: "exo")
        while true {
            if case .busy? = await home.service.services.sessions.state(of: key) { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        let second = try await run("2")
        let notes = second.notes.filter { $0.hasPrefix("waited ") }
        #expect(notes.count == 1, "\(second.notes)")
        #expect(notes.first?.hasSuffix(" s for another run in Demo/exo, which runs one after the other") == true)
        #expect(try await first.notes.contains { $0.hasPrefix("waited ") } == false)
        #expect(LeaseProgress.words(for: .busy, of: key) == "waiting for another run in Demo/exo")
        #expect(LeaseProgress.words(for: .ready, of: key) == "waiting for Demo/exo")
    }
}
