/// One of Microsoft's clouds: where to sign in, where each service lives, and which audience its tokens carry.
///
/// A token of a connection is only ever sent to a host of its cloud's row (`admits`).
public struct Cloud: Sendable, Hashable {
    /// `public`, `gcc`, `gcchigh`, `dod`, `china` or `sandbox`.
    public let name: String
    /// The base address of the sign-in service, without a final slash: `https://login.microsoftonline.com`.
    public let login: String
    /// Other host names under which the same sign-in service is known, in issuers and in token caches of other programs.
    package let loginAliases: [String]
    /// The page where a person enters a device code, for prompts that come without one.
    package let deviceCodePage: String
    /// The ending of SharePoint hosts: `sharepoint.com`; empty where the cloud has none.
    package let sharePointDomain: String
    let bases: [ServiceResource: String]
    let audiences: [ServiceResource: String]
    /// Addresses under which callers write this cloud's services too: those of the cloud whose place it takes.
    var writtenBases: [ServiceResource: String] = [:]

    /// The host of the sign-in service without port: what token caches call the environment.
    package var environment: String { WebAddress(login)?.host ?? login }

    /// Every host name that stands for this cloud's sign-in service, the one in use first.
    package var environments: [String] { [environment] + loginAliases }

    /// The base address of a service without a final slash: `https://graph.microsoft.com`.
    /// - Returns: `nil` where the cloud has no known host for it.
    public func base(of resource: ServiceResource) -> String? {
        if case .sharePoint(let label) = resource {
            guard !sharePointDomain.isEmpty, isHostLabel(label) else { return nil }
            return "https://\(label.lowercased()).\(sharePointDomain)"
        }
        return bases[resource]
    }

    /// The base addresses under which a caller may write a service: its own, and that of the cloud whose place this takes.
    package func writtenBases(of resource: ServiceResource) -> [String] {
        [base(of: resource), writtenBases[resource]].compactMap(\.self)
    }

    /// The audience of a resource's tokens: `https://graph.microsoft.com`, or an app id for Teams.
    package func audience(of resource: ServiceResource) -> String? {
        if case .sharePoint = resource { return base(of: resource) }
        return audiences[resource]
    }

    /// The scope that asks for everything the app was granted: `https://graph.microsoft.com/.default`.
    package func defaultScope(of resource: ServiceResource) -> String? {
        audience(of: resource).map { $0 + "/.default" }
    }

    /// Whether a token for `resource` may be sent to this address: `https`, no user information, a host of the row.
    ///
    /// Plain HTTP is admitted only where the row itself says so, which only the sandbox's loopback addresses do. Power
    /// Automate hands out next links on regional hosts below its own with `:443` written out; those are admitted too.
    /// - Parameters:
    ///   - address: an absolute address.
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
