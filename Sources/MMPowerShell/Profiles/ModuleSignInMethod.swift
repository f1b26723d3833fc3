package import MMCore

/// How a session signs in.
package enum ModuleSignInMethod: Sendable, Hashable {
    /// With tokens that somebody else keeps.
    case tokens([FedToken])
    /// A person enters a code in a browser.
    case device
    /// The app shows a certificate.
    case certificate(path: String, password: Secret?)
    /// The machine's own identity; `clientID` picks one where there are several.
    case managedIdentity(clientID: String?)
    /// The app shows a token of another identity provider.
    case federated(token: Secret?)

    /// The word for it in messages and logs.
    package var word: String {
        switch self {
        case .tokens: "token"
        case .device: "device code"
        case .certificate: "certificate"
        case .managedIdentity: "managed identity"
        case .federated: "federated token"
        }
    }

    /// Whether a person must do something.
    package var needsPerson: Bool { self == .device }

    /// Whether an app signs in, not a person.
    package var isAppOnly: Bool {
        switch self {
        case .certificate, .managedIdentity, .federated: true
        case .device: false
        case .tokens(let tokens): tokens.contains { $0.claims.isApp }
        }
    }
}
