public import MMCore
public import MMIdentity

/// How a client signs in.
///
/// ```swift
/// let graph = try GraphClient(
///     tenant: "contoso.com", clientID: id, signIn: .certificate(CertificateFiles(certificatePath: "/etc/mm/app.pem")))
/// ```
public struct GraphSignIn: Sendable {
    let method: SignInMethod?
    let show: (@Sendable (SignInPrompt) async -> Void)?

    /// Signs in with a code that a person enters on another page (RFC 8628). The request waits for that and is then
    /// sent.
    /// - Parameter show: called once with each code; its `message` is the sign-in service's own instructions.
    public static func deviceCode(_ show: @escaping @Sendable (SignInPrompt) async -> Void) -> GraphSignIn {
        GraphSignIn(method: nil, show: show)
    }

    /// Signs in with a browser on this machine (RFC 8252). The request waits until the person has signed in there and is
    /// then sent. The app registration needs the redirect URI `http://localhost` for mobile and desktop applications.
    public static var browser: GraphSignIn { browser { _ in } }

    /// Signs in with a browser on this machine, and lets the program show the URL.
    /// - Parameter show: called with the URL, for a person whose browser couldn't be opened; its `message` says what to
    ///   do.
    public static func browser(_ show: @escaping @Sendable (SignInPrompt) async -> Void) -> GraphSignIn {
        GraphSignIn(method: .browser, show: show)
    }

    /// Signs in as an app with a client secret, without a person.
    public static func clientSecret(_ secret: Secret) -> GraphSignIn { clientSecret(.value(secret)) }

    /// Signs in as an app with a client secret from a file or a variable.
    public static func clientSecret(_ source: SecretSource) -> GraphSignIn {
        GraphSignIn(method: .app(.secret(source)), show: nil)
    }

    /// Signs in as an app with a certificate ("Microsoft identity platform application authentication certificate
    /// credentials").
    public static func certificate(_ files: CertificateFiles) -> GraphSignIn {
        GraphSignIn(method: .app(.certificate(files)), show: nil)
    }

    /// Signs in as an app that another issuer vouches for ("Workload identity federation"): a GitHub or GitLab job, a
    /// Kubernetes workload, or a token of your own.
    public static func federated(_ token: FederatedToken = .environment) -> GraphSignIn {
        GraphSignIn(method: .app(.federated(token)), show: nil)
    }

    /// Acts for the person whose token came with a request to this server ("OAuth 2.0 On-Behalf-Of flow").
    /// - Parameters:
    ///   - assertion: the access token of that request, which was issued for this app.
    ///   - credential: what the app authenticates with.
    public static func onBehalfOf(_ assertion: Secret, _ credential: ClientCredential) -> GraphSignIn {
        GraphSignIn(method: .onBehalfOf(credential, assertion: .value(assertion)), show: nil)
    }

    /// Signs in with the identity of this machine ("Managed identities for Azure resources").
    public static func managedIdentity(_ identity: ManagedIdentity = .system) -> GraphSignIn {
        GraphSignIn(method: .managedIdentity(identity), show: nil)
    }

    /// Uses tokens that the program obtains itself.
    /// - Parameter give: returns a currently valid token; called for each request.
    public static func token(
        _ give: @escaping @Sendable (AccessTokenRequest) async throws -> ProvidedAccessToken
    ) -> GraphSignIn { token(from: ClosureTokenProvider(give)) }

    /// Uses the tokens of a provider.
    public static func token(from provider: any AccessTokenProvider) -> GraphSignIn {
        GraphSignIn(method: .token(provider), show: nil)
    }

    /// Asks nobody: a request that needs a sign-in throws `.signInNeeded`, with code and URL in its details, and
    /// succeeds when it is repeated after the approval.
    public static let none = GraphSignIn(method: nil, show: nil)
}
