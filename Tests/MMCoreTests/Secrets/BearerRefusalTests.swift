import MMCore
import Testing

@Suite("Refusing a request without the right bearer secret")
struct BearerRefusalTests {
    @Test(
        "the answer distinguishes a wrong secret from a missing one",
        arguments: [
            (nil, false), ("", false), ("Bearer wrong", true), ("bearer wrong", true), ("BEARER wrong", true),
            ("Bearer", false), ("Basic d3Jvbmc=", false), ("Bearers wrong", false),
        ] as [(String?, Bool)])
    func wrong(given: String?, isWrong: Bool) {
        let refusal = BearerRefusal(given: given)
        #expect(refusal.message.hasPrefix(isWrong ? "The bearer secret is wrong." : "A bearer secret is needed."))
        #expect(refusal.challenge == (isWrong ? #"Bearer realm="mm", error="invalid_token""# : #"Bearer realm="mm""#))
    }

    @Test("a client is told where it gets tokens")
    func metadata() {
        #expect(
            BearerRefusal(given: nil, resourceMetadata: "https://mm.example/m").challenge
                == #"Bearer realm="mm", resource_metadata="https://mm.example/m""#)
    }
}
