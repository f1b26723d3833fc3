internal import MMCore

/// The proof that who redeems a code is who asked for it (RFC 7636).
struct ProofKey: Sendable {
    /// What only we know until the code is redeemed.
    let verifier: Secret
    /// What the sign-in page gets of it.
    let challenge: String

    init() {
        // 43 characters, of 256 random bits.
        let text = Base64.text(RandomBytes.make(32), alphabet: .url)
        verifier = Secret(text)
        challenge = Base64.text(SHA256.digest(text.utf8), alphabet: .url)
    }
}
