public import MMCore

/// How a connection stands with its sign-in, as far as the files on this machine tell.
public enum SignInState: Sendable {
    /// There are tokens: of this account, the access token until then (`nil` when only a refresh token is left).
    case signedIn(SignedInAccount, expiresAt: Timestamp?)
    /// A code waits for a person.
    case pending(SignInPrompt)
    /// No tokens.
    case signedOut
    /// Something is in the way: a broken cache, a wrong or renamed account, a missing app id.
    case unusable(MMError)
}
