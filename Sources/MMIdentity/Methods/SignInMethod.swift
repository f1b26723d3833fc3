/// How a connection signs in.
public enum SignInMethod: Sendable {
    /// A person enters a code in the browser of any machine (RFC 8628). Many tenants forbid it.
    case deviceCode
    /// A person signs in in a browser of this machine (RFC 8252: authorization code with PKCE).
    case browser
    /// An app signs in by itself; no person stands behind it.
    case app(ClientCredential)
    /// The machine's own identity, which Azure vouches for; no person stands behind it.
    case managedIdentity(ManagedIdentity)
    /// Somebody else fetches the tokens.
    case token(any AccessTokenProvider)

    /// Whether an app signs in by itself, as far as that is known before there is a token.
    var isAppOnly: Bool {
        switch self {
        case .app, .managedIdentity: true
        case .deviceCode, .browser, .token: false
        }
    }

    /// Whether a person signs in, and is asked when that is over.
    var isInteractive: Bool {
        switch self {
        case .deviceCode, .browser: true
        case .app, .managedIdentity, .token: false
        }
    }
}
