import MMCore
import Testing

@Suite("Removing held secrets from answers in any encoding")
struct DisguisedSecretTests {
    private static let secret = "1.SANDBOX.8WlWq0c3-ZzRk_7pYtQm2vX9hBn4sLd6"

    private func clean(_ text: String) -> String {
        let held = HeldSecrets()
        held.hold(Secret(Self.secret))
        return OutgoingFilter(held: held, detectsShapes: false).text(text)
    }

    /// A text in base64, broken into lines like `base64`, after a number of other bytes.
    private static func base64(behind count: Int, width: Int) -> String {
        let whole = Base64.text(Array((String(repeating: "x", count: count) + secret + "\"}").utf8))
        var lines = ""
        for (index, letter) in whole.enumerated() {
            if index > 0, index % width == 0 { lines += "\n" }
            lines.append(letter)
        }
        return lines
    }

    @Test("removes them reversed, in base64 at any place and width, and as hex digits")
    func disguises() {
        let bytes = Array(Self.secret.utf8)
        var written = [String(Self.secret.reversed()), "{" + String(Self.secret.reversed()) + "}"]
        for count in 0..<6 {
            for width in [16, 76, 10_000] { written.append(Self.base64(behind: count, width: width)) }
        }
        written.append(Hex.text(bytes))
        written.append(Hex.text(bytes).uppercased())
        written.append(bytes.map { Hex.text([$0]) }.joined(separator: " "))
        for text in written {
            let clean = clean(text)
            #expect(clean.contains("redacted"), "\(text)")
            let dense = clean.filter { !$0.isWhitespace }
            let most = text.filter { !$0.isWhitespace }
            #expect(dense.count < most.count / 2 + 24, "\(clean)")
        }
    }

    @Test("keeps what stands before, between and after them")
    func surroundings() {
        let hex = Hex.text(Array(Self.secret.utf8))
        let broken = hex.prefix(30) + "\n  " + hex.dropFirst(30)
        #expect(
            clean("first: \(hex)! second,\t\(broken)? The end.")
                == "first: \(Redactor.mark)! second,\t\(Redactor.mark)? The end.")
    }

    @Test("leaves other texts unchanged")
    func others() {
        for text in [
            "plain", Base64.text(Array("something else, long enough to be a secret".utf8)), "deadbeef deadbeef", "",
        ] {
            #expect(clean(text) == text)
        }
    }
}
