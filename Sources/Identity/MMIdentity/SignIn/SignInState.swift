public import MMCore

/// A connection's sign-in state, as far as it can be determined from the files on this machine.
public enum SignInState: Sendable {
    /// Tokens of this account are there, or can be got without a person. The access token expires at `expiresAt`; `nil`
    /// when there is none: a person's refresh token or an app's credential gets one.
    case signedIn(SignedInAccount, expiresAt: Timestamp?)
    /// A code awaits a person's approval.
    case pending(SignInPrompt)
    /// There are no tokens.
    case signedOut
    /// Something prevents the use of the tokens: a malformed cache, a wrong or renamed account, a missing app id.
    case unusable(MMError)
}
