internal import MMCore

/// Under which names a sign-in service issues tokens.
package struct IssuerName: Sendable, Hashable {
    /// What stands in Entra ID's names in place of the tenant.
    private static let blank = "{tenantid}"

    /// The issuer as its own metadata names it.
    package let text: String
    /// The issuer of tokens of version 1.0, which Entra ID gives to apps that don't ask for another
    /// (`requestedAccessTokenVersion`); `nil` for every other service.
    private let versionOne: String?
    /// The tenant whose tokens alone it issues; `nil` where it has none, or serves every tenant.
    private let tenant: String?

    /// Whether it is Entra ID, whose tokens name the tenant and the account: no owner of an account can choose these.
    var namesAccounts: Bool { versionOne != nil }

    /// Whether it issues tokens of every tenant, so that an allow-list must say which are admitted.
    package var servesEveryTenant: Bool { text.contains(Self.blank) }

    /// Whether a service of this address would name itself with a blank for the tenant.
    package static func servesEveryTenant(_ configured: String) -> Bool {
        guard let address = WebAddress(configured), Cloud.signInService(at: address) != nil else { return false }
        let tenant = address.pathAndQuery.split(separator: "/").first.map { $0.lowercased() }
        return ["common", "organizations", "consumers", blank].contains(tenant)
    }

    /// The names of a service.
    /// - Parameters:
    ///   - given: the issuer of its metadata.
    ///   - configured: the issuer that was asked for. Only Entra ID may call itself something else: by its tenant's id.
    /// - Returns: `nil` where the metadata are another service's.
    init?(_ given: String, configured: String) {
        text = given
        guard let asked = WebAddress(configured), let cloud = Cloud.signInService(at: asked) else {
            guard given == configured else { return nil }
            (versionOne, tenant) = (nil, nil)
            return
        }
        guard let address = WebAddress(given.replacing(Self.blank, with: "common")),
            Cloud.signInService(at: address)?.login == cloud.login
        else { return nil }
        let named = given.split(separator: "/").dropFirst(2).first.map { $0.lowercased() } ?? ""
        guard named == Self.blank || GUID.isValid(named) else { return nil }
        tenant = named == Self.blank ? nil : named
        let host = cloud.name == "china" ? "sts.chinacloudapi.cn" : "sts.windows.net"
        versionOne = "https://\(host)/\(named)/"
    }

    /// Whether a token says that it was issued by this service.
    func issued(_ token: SignedToken) -> Bool {
        guard let issuer = token.text("iss") else { return false }
        guard let versionOne else { return issuer == text }
        guard let tenantID = token.text("tid")?.lowercased(), GUID.isValid(tenantID), tenant ?? tenantID == tenantID
        else { return false }
        return [text, versionOne].contains { name in
            issuer.lowercased() == name.lowercased().replacing(Self.blank, with: tenantID)
        }
    }

    /// Whether a key that names an issuer signs for a token's tenant. Keys of one tenant must not vouch for another.
    func admits(_ key: IssuerKey, for token: SignedToken) -> Bool {
        guard versionOne != nil, let named = key.issuer, !named.contains(Self.blank) else { return true }
        guard let tenantID = token.text("tid")?.lowercased() else { return false }
        return named.lowercased().split(separator: "/").contains { $0 == tenantID }
    }
}
