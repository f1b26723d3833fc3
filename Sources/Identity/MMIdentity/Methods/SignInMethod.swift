import MMCore

/// The way in which a connection signs in.
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

extension SignInMethod {
    /// Creates the method that a connection's entry names.
    init(_ auth: ConnectionAuth, environment: [String: String]) throws(MMError) {
        switch auth.method {
        case .device: self = .deviceCode
        case .browser: self = .browser
        case .broker: self = .broker
        case .secret:
            guard let source = Self.secret(auth) else { throw Self.missing("secretFile") }
            self = .app(.secret(source))
        case .certificate:
            guard let path = auth.certificatePath else { throw Self.missing("certificatePath") }
            self = .app(.certificate(Self.files(path, auth)))
        case .federated: self = .app(.federated(Self.token(auth)))
        case .onBehalfOf:
            let credential: ClientCredential
            if let source = Self.secret(auth) {
                credential = .secret(source)
            } else if let path = auth.certificatePath {
                credential = .certificate(Self.files(path, auth))
            } else {
                credential = .federated(Self.token(auth))
            }
            self = .onBehalfOf(
                credential,
                assertion: auth.assertionFile.map { .file($0) } ?? auth.assertionVariable.map { .variable($0) })
        case .managedIdentity:
            self = .managedIdentity(
                auth.clientId.map { .clientID($0) } ?? auth.objectId.map { .objectID($0) }
                    ?? auth.resourceId.map { .resourceID($0) } ?? .system)
        case .token:
            guard
                let source = auth.tokenFile.map({ SecretSource.file($0) }) ?? auth.tokenVariable.map({ .variable($0) })
            else { throw Self.missing("tokenFile") }
            self = .token(KeptToken(source: source, environment: environment))
        }
    }

    private static func secret(_ auth: ConnectionAuth) -> SecretSource? {
        auth.secretFile.map { .file($0) } ?? auth.secretVariable.map { .variable($0) }
    }

    private static func files(_ certificate: String, _ auth: ConnectionAuth) -> CertificateFiles {
        var files = CertificateFiles(
            certificatePath: certificate, privateKeyPath: auth.privateKeyPath,
            passwordFile: auth.certificatePasswordFile)
        files.passwordVariable = auth.certificatePasswordVariable
        return files
    }

    private static func token(_ auth: ConnectionAuth) -> FederatedToken {
        auth.tokenFile.map { .file($0) } ?? auth.tokenVariable.map { .variable($0) } ?? .environment
    }

    private static func missing(_ field: String) -> MMError {
        MMError(
            .invalidInput, "auth.\(field) is missing.", hint: "Set it to the file (mm connections edit).",
            details: ["field": .string("auth.\(field)")])
    }
}
