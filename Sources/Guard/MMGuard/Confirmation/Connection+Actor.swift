package import MMCore

extension Connection {
    /// What its name stands for: the cloud, the tenant, the app and the account. A yes to what would happen there is no yes to the
    /// same in the place that an owner gives the name afterwards.
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
