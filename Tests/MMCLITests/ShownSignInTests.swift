import MMCore
import Testing

@testable import MMCLI

@Suite("The sign-in that a person was shown")
struct ShownSignInTests {
    @Test("a code is shown once, trouble with it is added, and another code is shown again")
    func news() {
        var shown = ShownSignIn()
        func news(_ code: String?, _ trouble: String? = nil) -> ShownSignIn.News {
            var details: JSONObject = [:]
            details["userCode"] = code.map { .string($0) }
            details["trouble"] = trouble.map { .string($0) }
            return shown.news(of: details)
        }
        #expect(news("A") == .signIn)
        #expect(news("A") == .nothing)
        #expect(news("A", "No network.") == .trouble("No network."))
        #expect(news("A", "No network.") == .nothing)
        #expect(news("A", "Refused.") == .trouble("Refused."))
        #expect(news("A") == .troubleIsOver)
        #expect(news("B", "Refused.") == .signIn)
        #expect(news(nil) == .signIn)
        #expect(news(nil) == .signIn)
    }
}
