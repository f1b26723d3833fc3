/// One entry of the registry: which tenant, which app registration, and which account must have signed in.
public struct Connection: Sendable, Hashable {
    /// The name under which calls ask for it; case counts.
    public var name: String
    /// The app registration's client id; without one the modules use their makers' own apps.
    public var appId: String?
    /// The tenant's domain or id, as people know it.
    public var tenant: String?
    /// The tenant's id, for the authority and for modules.
    public var tenantId: String?
    /// The account that must have signed in; compared without case.
    public var expectedEmail: String?
    /// What tools show beside the name.
    public var description: String?
    /// Which servers may use it: `nil` all of them, empty none. The owner's terminal is exempt.
    public var mcps: [String]?
    /// Whether sending messages needs no confirmation on this connection.
    public var skipSendGuards: Bool
    /// Whether `confirmed: true` confirms sending a message in earlier servers' profiles. It counts nowhere else.
    public var legacyConfirm: Bool
    /// Whether signatures of outgoing mail stay.
    public var skipSignatureStrip: Bool
    /// The first label of the SharePoint host, as in `contoso` of `contoso.sharepoint.com`.
    public var sharepointHost: String?
    /// App ids of single modules.
    public var moduleApps: [String: String]
    /// The national cloud, or `sandbox`.
    public var cloud: String
    /// How this connection signs in.
    public var auth: ConnectionAuth
    /// How strictly the guard judges.
    public var guardPolicy: ConnectionGuardPolicy
    /// What a person has to show before a yes counts.
    public var personChecks: ConnectionPersonChecks
    /// What runs simple Exchange pipelines.
    public var engine: ConnectionEngine
    /// PowerShell's language mode after connecting.
    public var language: ConnectionLanguage
    /// Which hosts its sessions reach, and through what.
    public var egress: ConnectionEgress
    /// How far its sessions are shut in.
    public var confinement: ConnectionConfinement
    /// Folders of the owner that scripts of its sessions may read and write where they are confined.
    public var shared: [String]
    /// Whether logs hold content instead of sizes.
    public var logContent: Bool
    /// The identity set by hand; the one found at the first sign-in lies in the state folder.
    public var pin: AccountPin?
    /// Words to address several connections by.
    public var tags: [String]
    /// The entry as it was written, with the keys unknown here.
    public var raw: JSONObject

    /// Whether the guard lets reads through and nothing else.
    public var isReadOnly: Bool { guardPolicy.name == .readonly }

    /// The tenant for an authority: its id where known, else its domain.
    public var authorityTenant: String? { tenantId ?? tenant }

    /// The app id for a module: the connection's own for it, then the one all connections share, then the connection's, then
    /// the empty text.
    /// - Parameters:
    ///   - module: such as `exo`.
    ///   - known: `_knownModuleApps` of the registry.
    public func appID(for module: String, known: [String: String] = [:]) -> String {
        moduleApps[module] ?? known[module] ?? appId ?? ""
    }

    /// Whether a server may use this connection.
    /// - Parameter server: the server's name, such as `mm`.
    public func isVisible(to server: String) -> Bool {
        mcps?.contains(server) ?? true
    }
}
