import MMCore
import TestSupport
import Testing

@Suite("Secrets held by the process", .timeLimit(.minutes(5)))
struct HeldSecretsTests {
    private let opaque = "opaque-token-without-any-shape/" + String(repeating: "q", count: 40)

    @Test("are removed from logs and errors, whatever their position and form")
    func wherever() {
        let held = HeldSecrets()
        let redactor = Redactor(held: held)
        let text = "the service said: \(opaque)\(opaque), twice"
        #expect(redactor.text(text) == text)
        held.hold(Secret(opaque))
        #expect(redactor.text(text) == "the service said: \(Redactor.mark)\(Redactor.mark), twice")
        let error = OutgoingFilter(held: held).error(
            MMError(.remoteFailed, text, hint: opaque, details: ["a": ["b": [.string(opaque)]]], cause: opaque))
        #expect(!"\(error.json)\(error.cause ?? "")".contains("opaque-token"))
    }

    @Test("are removed completely if one is a prefix of another")
    func alike() {
        let held = HeldSecrets()
        for end in ["", "-and-more", "-and-more-still"] { held.hold(Secret("the-same-beginning" + end)) }
        #expect(Redactor(held: held).text("the-same-beginning-and-more-still.") == Redactor.mark + ".")
    }

    @Test("are forgotten after many newer ones; short ones are never searched for")
    func forgotten() {
        let held = HeldSecrets(limit: 8)
        held.hold(Secret("first-secret"))
        for number in 0..<20 { held.hold(Secret("secret-number-\(number)")) }
        held.hold(Secret("short"))
        let redactor = Redactor(held: held)
        #expect(redactor.text("first-secret short") == "first-secret short")
        #expect(redactor.text("secret-number-19") == Redactor.mark)
    }

    @Test("are found exactly as by a plain search in any text")
    func plainSearch() {
        var random = SeededRandom(seed: 11)
        for _ in 0..<200 {
            let secrets = (0..<5).map { _ in
                String(
                    decoding: (0..<Int.random(in: 8...12, using: &random)).map { _ in
                        UInt8.random(in: 0x61...0x63, using: &random)
                    }, as: UTF8.self)
            }
            let held = HeldSecrets()
            for secret in secrets { held.hold(Secret(secret)) }
            let text = String(
                decoding: (0..<300).map { _ in UInt8.random(in: 0x61...0x63, using: &random) }, as: UTF8.self)
            let clean = OutgoingFilter(held: held).text(text)
            // The reversed text is the same secret.
            let writings = secrets + secrets.map { String($0.reversed()) }
            #expect(writings.allSatisfy { !clean.contains($0) })
            #expect(clean.contains(Redactor.mark) == writings.contains { text.contains($0) })
        }
    }

    @Test("a filter for answers leaves codes for people, and removes tokens by their shape")
    func outgoing() {
        let filter = OutgoingFilter(held: HeldSecrets())
        #expect(filter.text("code: F7KQ2M8XA, token: abc") == "code: F7KQ2M8XA, token: abc")
        let jwt = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL2dyYXBoIn0.c2lnbmF0dXJl"
        #expect(filter.text("it is \(jwt) ") == "it is \(Redactor.mark) ")
    }
}
