package import MMCore

extension Connection {
    /// The identity behind the connection's name: cloud, tenant, app and account. A confirmation for one identity is
    /// not valid for another one that the owner later gives the same name.
    package var identity: String {
        let parts: [String?] = [
            cloud, tenant, tenantId, appId, auth.clientId, expectedEmail?.lowercased(), homeAccountId, pin?.tenantId,
            pin?.objectId,
        ]
        let list = parts.map { $0.map { JSONValue.string($0) } ?? .null }
        return Hex.text(SHA256.digest(JSONWriter.bytes(.array(list))))
    }
}

extension Connection {
    /// The actor if an app signs in on its own behalf: `app ID, no person`; `nil` if a person acts, or if only the
    /// token shows it.
    package var actor: String? {
        switch auth.method {
        case .secret, .certificate, .federated: "app \(appId ?? "without id"), no person"
        case .managedIdentity: "app \(auth.clientId ?? appId ?? "of this machine"), no person"
        case .device, .browser, .broker, .onBehalfOf, .token: nil
        }
    }
}
