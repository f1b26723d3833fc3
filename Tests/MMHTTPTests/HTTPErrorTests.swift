import MMCore
import Testing

@testable import MMHTTP

@Suite("Remedies for network failures")
struct HTTPErrorTests {
    @Test(
        "every network failure has a hint",
        arguments: [
            (HTTPError.Kind.resolve, "proxy"), (.connect, "network"), (.proxy, "HTTPS_PROXY"), (.tls, "clock"),
            (.timeout, "--timeout"), (.tooLarge, "request less"), (.connectionLost, "Try again"),
            (.protocolViolation, "Another server may be answering"),
        ])
    func hints(kind: HTTPError.Kind, word: String) {
        let error = HTTPError(kind, "It broke.").mmError(for: "Reading")
        let hint = error.hint ?? ""
        #expect(hint.contains(word))
    }

    @Test("a failure with its own hint keeps it")
    func ownHint() {
        let error = HTTPError(.timeout, "It broke.", hint: "Wait for the moon.").mmError(for: "Reading")
        #expect(error.hint == "Wait for the moon.")
    }
}
