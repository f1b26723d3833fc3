/// An entry of the registry: the tenant, the app registration, and the account that must have signed in.
public struct Connection: Sendable, Hashable {
    /// The name that calls refer to it by; case-sensitive.
    public var name: String
    /// The app registration's client id; without one, modules use their publishers' own apps.
    public var appId: String?
    /// The tenant's domain or id, as people know it.
    public var tenant: String?
    /// The tenant's id, for the authority and for modules.
    public var tenantId: String?
    /// The account that must have signed in; compared case-insensitively.
    public var expectedEmail: String?
    /// The account that must have signed in, by its id in its home tenant, `OBJECT.TENANT`; for accounts that share a
    /// name.
    public var homeAccountId: String?
    /// The token cache of another program that it shares, such as that of `az`; `nil` for one of its own.
    public var tokenCache: String?
    /// APIs beside the services of the cloud that it has tokens for, by the names that calls give them.
    public var apis: [String: ConnectionAPI]
    /// The description that tools show beside the name.
    public var description: String?
    /// The servers that may use it: `nil` for all, empty for none. The owner's terminal is exempt.
    public var mcps: [String]?
    /// Whether sending messages over this connection needs no confirmation.
    public var skipSendGuards: Bool
    /// Whether `confirmed: true` confirms sending a message in the tool profiles of earlier servers. It has no effect
    /// elsewhere.
    public var legacyConfirm: Bool
    /// Whether signatures in outgoing mail are kept.
    public var skipSignatureStrip: Bool
    /// The first label of the SharePoint host: `contoso` for `contoso.sharepoint.com`.
    public var sharepointHost: String?
    /// App ids for individual modules.
    public var moduleApps: [String: String]
    /// The national cloud, or `sandbox`.
    public var cloud: String
    /// How this connection signs in.
    public var auth: ConnectionAuth
    /// The guard's policy.
    public var guardPolicy: ConnectionGuardPolicy
    /// The checks that a person must pass before a confirmation counts.
    public var personChecks: ConnectionPersonChecks
    /// The engine that runs simple Exchange pipelines.
    public var engine: ConnectionEngine
    /// PowerShell's language mode after connecting.
    public var language: ConnectionLanguage
    /// The hosts that its sessions may reach, and how.
    public var egress: ConnectionEgress
    /// How far its sessions are confined.
    public var confinement: ConnectionConfinement
    /// The owner's folders that scripts of its confined sessions may read and write.
    public var shared: [String]
    /// Whether logs contain content instead of sizes.
    public var logContent: Bool
    /// The identity pinned by hand; the one found at the first sign-in is kept in the state folder.
    public var pin: AccountPin?
    /// Tags that address several connections at once.
    public var tags: [String]
    /// The owner's own tools and the recipes that may be used on it: `nil` for all, empty for none.
    public var tools: [String]?
    /// The entry as written, including unknown keys.
    public var raw: JSONObject

    /// Whether the guard allows only reads.
    public var isReadOnly: Bool { guardPolicy.name == .readonly }

    /// The tenant to use in an authority URL: its id if known, otherwise its domain.
    public var authorityTenant: String? { tenantId ?? tenant }

    /// Returns the app id for a module: the connection's own for that module, then the one shared by all connections,
    /// then the connection's app id, otherwise an empty string.
    /// - Parameters:
    ///   - module: the module, such as `exo`.
    ///   - known: `_knownModuleApps` of the registry.
    public func appID(for module: String, known: [String: String] = [:]) -> String {
        moduleApps[module] ?? known[module] ?? appId ?? ""
    }

    /// Returns whether a server may use this connection.
    /// - Parameter server: the server's name, such as `mm`.
    public func isVisible(to server: String) -> Bool {
        mcps?.contains(server) ?? true
    }
}
