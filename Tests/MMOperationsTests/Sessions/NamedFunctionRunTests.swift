import MMCore
import Testing

@testable import MMOperations

@Suite("A line of a session whose functions have other names", .timeLimit(.minutes(10)))
struct NamedFunctionRunTests {
    @Test("may still be run by PowerShell if the native engine can't")
    func unrelated() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        func refusal(of script: String) async -> String {
            do throws(MMError) {
                _ = try await home.call("run", ["connection": "Demo", "command": .string(script), "module": "exo"])
                return ""
            } catch { return "\(error.message) \(error.hint ?? "")" }
        }
        let fresh = await refusal(of: "Get-Process")
        #expect(await refusal(of: "function Get-Report { 1 }") == "")
        #expect(await refusal(of: "Get-Process") == fresh)
    }
}
