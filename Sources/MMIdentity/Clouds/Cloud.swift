internal import MMCore

/// One of Microsoft's clouds: its sign-in service, the addresses of its services, and the audiences of their tokens.
///
/// A connection's token is sent only to hosts of its cloud (see `admits`).
public struct Cloud: Sendable, Hashable {
    /// `public`, `gcc`, `gcchigh`, `dod`, `china`, `sandbox`, or the path of the file that describes it.
    public let name: String
    /// The base URL of the sign-in service, without a trailing slash: `https://login.microsoftonline.com`.
    public let login: String

    /// The address of a tenant's OpenID configuration (OpenID Connect Discovery 1.0, section 4).
    /// - Parameter tenant: its id or domain; `common` for the sign-in service itself.
    package func openIDConfiguration(of tenant: String) -> String {
        "\(login)/\(tenant)/v2.0/.well-known/openid-configuration"
    }
    /// Other host names of the same sign-in service, which occur in issuers and in the token caches of other programs.
    package let loginAliases: [String]
    /// The page where a person enters a device code, for answers that don't name one.
    package let deviceCodePage: String
    /// The domain of SharePoint hosts, such as `sharepoint.com`; empty if the cloud has none.
    package let sharePointDomain: String
    let bases: [ServiceResource: String]
    let audiences: [ServiceResource: String]
    /// Additional base URLs that callers may use for this cloud's services: for the sandbox, those of the public cloud.
    var writtenBases: [ServiceResource: String] = [:]

    /// The host of the sign-in service without its port, which token caches call the environment.
    package var environment: String { WebAddress(login)?.host ?? login }

    /// All host names of this cloud's sign-in service, the current one first.
    package var environments: [String] { [environment] + loginAliases }

    /// Returns the base URL of a service, without a trailing slash: `https://graph.microsoft.com`.
    /// - Returns: `nil` when the cloud has no known host for it.
    public func base(of resource: ServiceResource) -> String? {
        if case .sharePoint(let label) = resource {
            // The sandbox has one address for all that has none in its table, as tokens have it for their audience.
            if name == "sandbox" { return login }
            guard !sharePointDomain.isEmpty, isHostLabel(label) else { return nil }
            return "https://\(label.lowercased()).\(sharePointDomain)"
        }
        if case .api(let api) = resource { return name == "sandbox" ? login : api.address }
        return bases[resource]
    }

    /// Returns the base URLs that a caller may use for a service: its own, and that of the cloud which this one stands
    /// in for.
    package func writtenBases(of resource: ServiceResource) -> [String] {
        [base(of: resource), writtenBases[resource]].compactMap(\.self)
    }

    /// Returns the audience of a resource's tokens: `https://graph.microsoft.com`, or an app id for Teams.
    package func audience(of resource: ServiceResource) -> String? {
        if case .sharePoint = resource { return base(of: resource) }
        if case .api(let api) = resource { return api.audience }
        return audiences[resource]
    }

    /// Returns the scope that requests all permissions granted to the app: `https://graph.microsoft.com/.default`.
    package func defaultScope(of resource: ServiceResource) -> String? {
        audience(of: resource).map { $0 + "/.default" }
    }

    /// Returns whether a token for `resource` may be sent to a URL: `https`, no user information, and a host of this
    /// cloud.
    ///
    /// Plain HTTP is admitted only where the cloud's own address uses it, which only the sandbox's loopback addresses
    /// do. Power Automate returns next links on regional subdomains of its host with an explicit `:443`; those are
    /// admitted too.
    /// - Parameters:
    ///   - address: an absolute URL.
    ///   - resource: what the token is for.
    package func admits(_ address: String, for resource: ServiceResource) -> Bool {
        guard let base = base(of: resource), let row = WebAddress(base), let given = WebAddress(address),
            !given.hasUserInfo
        else { return false }
        guard given.scheme == row.scheme, given.port == row.port else { return false }
        if given.host == row.host { return true }
        let hasRegionalHosts = resource == .flow || resource == .powerApps || resource == .bap
        return hasRegionalHosts && row.scheme == "https" && given.host.hasSuffix("." + row.host)
    }

    private func isHostLabel(_ label: String) -> Bool {
        !label.isEmpty && label.utf8.count <= 63
            && label.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
