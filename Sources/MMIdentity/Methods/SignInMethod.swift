/// How a connection signs in.
public enum SignInMethod: Sendable {
    /// A person enters a code in a browser on any machine (RFC 8628). Many tenants forbid it.
    case deviceCode
    /// A person signs in with a browser on this machine (RFC 8252: authorization code with PKCE).
    case browser
    /// The identity broker of this machine signs the person in, and keeps the tokens (Linux, Intune).
    case broker
    /// An app signs in by itself, without a person.
    case app(ClientCredential)
    /// An app acts for the person whose token came with a request ("OAuth 2.0 On-Behalf-Of flow"). Without a source,
    /// each call brings the person's token: `token(onBehalfOf:for:)`.
    case onBehalfOf(ClientCredential, assertion: SecretSource?)
    /// The machine's own identity, which Azure vouches for, without a person.
    case managedIdentity(ManagedIdentity)
    /// Another party obtains the tokens.
    case token(any AccessTokenProvider)

    /// Whether an app signs in by itself, as far as that is known before there is a token.
    var isAppOnly: Bool {
        switch self {
        case .app, .managedIdentity: true
        case .deviceCode, .browser, .broker, .onBehalfOf, .token: false
        }
    }

    /// Whether a person signs in whose tokens this program keeps, and who is asked again when the sign-in ends.
    var isInteractive: Bool {
        switch self {
        case .deviceCode, .browser: true
        case .broker, .app, .onBehalfOf, .managedIdentity, .token: false
        }
    }
}
