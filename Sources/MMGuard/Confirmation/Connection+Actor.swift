package import MMCore

extension Connection {
    /// Who acts where an app signs in on its own behalf: `app ID, no person`; `nil` where a person acts, or where only
    /// the token shows it.
    package var actor: String? {
        switch auth.method {
        case .secret, .certificate, .federated: "app \(appId ?? "without id"), no person"
        case .managedIdentity: "app \(auth.clientId ?? appId ?? "of this machine"), no person"
        case .device, .browser, .broker, .onBehalfOf, .token: nil
        }
    }
}
