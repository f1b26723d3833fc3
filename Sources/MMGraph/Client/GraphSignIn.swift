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

    /// A browser of this machine (RFC 8252). The request waits until the person has signed in there, and is sent then. The app
    /// registration needs the redirect address `http://localhost` for mobile and desktop applications.
    public static var browser: GraphSignIn { browser { _ in } }

    /// A browser of this machine, for programs that say so.
    /// - Parameter show: gets the address, for a person whose browser could not be opened; `message` of it says what to do.
    public static func browser(_ show: @escaping @Sendable (SignInPrompt) async -> Void) -> GraphSignIn {
        GraphSignIn(method: .browser, show: show)
    }

    /// An app with a client secret; no person stands behind its requests.
    public static func clientSecret(_ secret: Secret) -> GraphSignIn { clientSecret(.value(secret)) }

    /// An app with a client secret that lies in a file or a variable.
    public static func clientSecret(_ source: SecretSource) -> GraphSignIn {
        GraphSignIn(method: .app(.secret(source)), show: nil)
    }

    /// An app with a certificate ("Microsoft identity platform application authentication certificate credentials").
    public static func certificate(_ files: CertificateFiles) -> GraphSignIn {
        GraphSignIn(method: .app(.certificate(files)), show: nil)
    }

    /// An app that another issuer vouches for ("Workload identity federation"): a job of GitHub or GitLab, a workload of
    /// Kubernetes, a token of one's own.
    public static func federated(_ token: FederatedToken = .surroundings) -> GraphSignIn {
        GraphSignIn(method: .app(.federated(token)), show: nil)
    }

    /// The identity of this machine ("Managed identities for Azure resources").
    public static func managedIdentity(_ identity: ManagedIdentity = .system) -> GraphSignIn {
        GraphSignIn(method: .managedIdentity(identity), show: nil)
    }

    /// Tokens that the program fetches itself.
    /// - Parameter give: gives a token that is good now; asked for each request.
    public static func token(
        _ give: @escaping @Sendable (AccessTokenRequest) async throws -> ProvidedAccessToken
    ) -> GraphSignIn { token(from: ClosureTokenProvider(give)) }

    /// Tokens that a part of the program fetches.
    public static func token(from provider: any AccessTokenProvider) -> GraphSignIn {
        GraphSignIn(method: .token(provider), show: nil)
    }

    /// Nobody is asked: a request answers with `.signInNeeded`, with code and address in its details, and goes through when
    /// it is repeated after the approval.
    public static let none = GraphSignIn(method: nil, show: nil)
}
