import MMCore
import Testing

@testable import MMOperations

@Suite("The exit code of a script", .timeLimit(.minutes(10)))
struct ExitCodeRunTests {
    @Test("is told to a model, which has no other way to see it")
    func told() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        func notes(_ script: String, _ surface: Caller.Surface, namesEngine: Bool = true) async throws -> [String] {
            var call = CallContext(caller: Caller(surface: surface, name: "t", server: nil))
            call.namesEngine = namesEngine
            let arguments: JSONObject = ["connection": "Demo", "command": .string(script), "module": "exo"]
            return try await home.service.call("run", arguments, in: call).notes.filter { $0.contains("exit code") }
        }
        #expect(try await notes("'b'; exit 3", .mcp) == ["The script ended with exit code 3."])
        #expect(try await notes("'b'; exit 0", .mcp) == [])
        #expect(try await notes("'b'; exit 3", .terminal) == [])
        #expect(try await notes("'b'; exit 3", .mcp, namesEngine: false) == [])
    }
}
