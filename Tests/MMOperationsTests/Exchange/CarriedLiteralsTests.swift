import MMNative
import Testing

@testable import MMPowerShell

@Suite("The self-test's texts of carried values", .timeLimit(.minutes(5)))
struct CarriedLiteralsTests {
    @Test("are those that the native engine makes", arguments: DoctorCheck.carriedLiterals.map(\.text))
    func same(text: String) async throws {
        var session = NativeSession()
        guard case .completed = await NativeEngine().run("$x = \(text)", in: &session) else {
            Issue.record("\(text) is beyond the engine")
            return
        }
        #expect(session.assignment(of: "x") == "${x} = \(text)")
    }
}
