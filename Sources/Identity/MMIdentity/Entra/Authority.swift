package import MMCore

/// A tenant's sign-in authority: `https://login.microsoftonline.com/TENANT`.
package struct Authority: Sendable, Hashable {
    /// The cloud of the sign-in service.
    package let cloud: Cloud
    /// A tenant id, a domain, or `organizations`, `common` or `consumers`.
    package let tenant: String

    /// Creates the authority of a tenant.
    /// - Throws: `.invalidInput` when the tenant is neither an id nor a domain, because it becomes part of a URL.
    package init(cloud: Cloud, tenant: String) throws(MMError) {
        guard !tenant.isEmpty, tenant.utf8.count <= 253, !tenant.hasPrefix("."), !tenant.contains(".."),
            tenant.utf8.allSatisfy(Self.isDomainByte)
        else {
            throw MMError(
                .invalidInput, "The tenant '\(tenant.prefix(60))' is neither a tenant ID nor a domain.",
                hint: "Use its ID (a GUID) or one of its domains, such as contoso.com. A connection names it in "
                    + "tenantId or tenant.")
        }
        self.cloud = cloud
        self.tenant = tenant.lowercased()
    }

    /// The tenant's id, which tokens carry; `nil` if the tenant is given by another name.
    package var tenantID: String? { GUID.isValid(tenant) ? tenant : nil }

    /// The URL that names the tenant.
    var base: String { "\(cloud.login)/\(tenant)" }
    /// The URL that tokens are requested from.
    var tokenEndpoint: String { "\(cloud.login)/\(tenant)/oauth2/v2.0/token" }
    /// The URL that device codes are requested from.
    var deviceCodeEndpoint: String { "\(cloud.login)/\(tenant)/oauth2/v2.0/devicecode" }

    /// The URL of the page where a person signs in.
    var authorizeEndpoint: String { "\(cloud.login)/\(tenant)/oauth2/v2.0/authorize" }

    /// Returns whether a token's issuer is this cloud's sign-in service for a tenant: `https://LOGIN/TID/v2.0`.
    func issues(_ issuer: String, tenantID: String) -> Bool {
        guard let given = WebAddress(issuer), let base = WebAddress(cloud.login) else { return false }
        let isKnownHost = given.host == base.host && given.port == base.port && given.scheme == base.scheme
        let isAlias = given.scheme == "https" && given.port == 443 && cloud.loginAliases.contains(given.host)
        guard isKnownHost || isAlias, !given.hasUserInfo else { return false }
        return given.pathAndQuery.lowercased() == "/\(tenantID.lowercased())/v2.0"
    }

    private static func isDomainByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
