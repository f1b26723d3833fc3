internal import MMCore

/// The proof that a code is redeemed by the client that requested it (RFC 7636).
struct ProofKey: Sendable {
    /// The secret that only this client knows until the code is redeemed.
    let verifier: Secret
    /// The digest of it that the sign-in page receives.
    let challenge: String

    init() {
        // 43 characters, of 256 random bits.
        let text = Base64.text(RandomBytes.make(32), alphabet: .url)
        verifier = Secret(text)
        challenge = Base64.text(SHA256.digest(text.utf8), alphabet: .url)
    }
}
