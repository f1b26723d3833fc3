public import MMCore

/// A connection's sign-in state, as far as it can be determined from the files on this machine.
public enum SignInState: Sendable {
    /// There are tokens for this account. The access token expires at `expiresAt`; `nil` when only a refresh token is
    /// left.
    case signedIn(SignedInAccount, expiresAt: Timestamp?)
    /// A code awaits a person's approval.
    case pending(SignInPrompt)
    /// There are no tokens.
    case signedOut
    /// Something prevents the use of the tokens: a malformed cache, a wrong or renamed account, a missing app id.
    case unusable(MMError)
}
