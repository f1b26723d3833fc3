/// An entry of the registry: the tenant, the app registration, and the account that must have signed in.
///
/// It never changes, so that all who hold it share one. Whoever needs another makes it from the entry, `raw`, with other values.
public final class Connection: Sendable {
    /// The name that calls refer to it by; another case is accepted where it is unambiguous.
    public let name: String
    /// The app registration's client id; without one, modules use their publishers' own apps.
    public let appId: String?
    /// The tenant's domain or id, as people know it.
    public let tenant: String?
    /// The tenant's id, for the authority and for modules.
    public let tenantId: String?
    /// The account that must have signed in; compared case-insensitively.
    public let expectedEmail: String?
    /// The account that must have signed in, by its id in its home tenant, `OBJECT.TENANT`; for accounts that share a
    /// name.
    public let homeAccountId: String?
    /// The token cache of another program that it shares, such as that of `az`; `nil` for one of its own.
    public let tokenCache: String?
    /// APIs beside the services of the cloud that it has tokens for, by the names that calls give them.
    public let apis: [String: ConnectionAPI]
    /// The description that tools show beside the name.
    public let description: String?
    /// The servers that may use it: `nil` for all, empty for none. The owner's terminal is exempt.
    public let mcps: [String]?
    /// Whether sending messages over this connection needs no confirmation.
    public let skipSendGuards: Bool
    /// Whether `confirmed: true` confirms sending a message in the tool profiles of earlier servers. It has no effect
    /// elsewhere.
    public let legacyConfirm: Bool
    /// Whether signatures in outgoing mail are kept.
    public let skipSignatureStrip: Bool
    /// The first label of the SharePoint host: `contoso` for `contoso.sharepoint.com`.
    public let sharepointHost: String?
    /// The Azure subscription that its sessions begin with, by name or id.
    public let subscription: String?
    /// App ids for individual modules.
    public let moduleApps: [String: String]
    /// The national cloud, or `sandbox`.
    public let cloud: String
    /// How this connection signs in.
    public let auth: ConnectionAuth
    /// The guard's policy.
    public let guardPolicy: ConnectionGuardPolicy
    /// The checks that a person must pass before a confirmation counts.
    public let personChecks: ConnectionPersonChecks
    /// The engine that runs simple Exchange pipelines.
    public let engine: ConnectionEngine
    /// PowerShell's language mode after connecting.
    public let language: ConnectionLanguage
    /// The hosts that its sessions may reach, and how.
    public let egress: ConnectionEgress
    /// How far its sessions are confined.
    public let confinement: ConnectionConfinement
    /// The owner's folders that scripts of its confined sessions may read and write.
    public let shared: [String]
    /// What becomes of a write that the audit log can't take.
    public let audit: ConnectionAudit
    /// Whether logs contain content instead of sizes.
    public let logContent: Bool
    /// The identity pinned by hand; the one found at the first sign-in is kept in the state folder.
    public let pin: AccountPin?
    /// Tags that address several connections at once.
    public let tags: [String]
    /// The owner's own tools and the recipes that may be used on it: `nil` for all, empty for none.
    public let tools: [String]?
    /// The entry as written, including unknown keys.
    public let raw: JSONObject

    /// Reads an entry. What can't be read is reported, and stands at its default.
    init(reading reader: inout EntryReader) {
        reader.checkName()
        name = reader.name
        let tenant = reader.tenant("tenant")
        let policy = Self.readGuard(&reader)
        let language: ConnectionLanguage? = reader.choice("language")
        self.tenant = tenant
        appId = reader.guid("appId")
        tenantId = reader.tenant("tenantId")
        expectedEmail = Self.readEmail(&reader)
        homeAccountId = Self.readHomeAccount(&reader)
        tokenCache = Self.readTokenCache(&reader)
        apis = Self.readAPIs(&reader)
        description = reader.text("description")
        mcps = reader.texts("mcps")
        skipSendGuards = reader.flag("skipSendGuards")
        legacyConfirm = reader.flag("legacyConfirm")
        skipSignatureStrip = reader.flag("skipSignatureStrip")
        sharepointHost = Self.readHost(&reader, tenant: tenant)
        subscription = reader.text("subscription")
        moduleApps = reader.map("moduleApps")
        cloud = Self.readCloud(&reader)
        auth = Self.readAuth(&reader)
        guardPolicy = policy
        personChecks = Self.readPerson(&reader)
        engine = reader.choice("engine") ?? .auto
        self.language = language ?? (policy.name == .readonly ? .constrained : .full)
        egress = ConnectionEgress.read(&reader)
        confinement = reader.choice("confinement") ?? .preferred
        shared = Self.readShared(&reader)
        // Who wants two people for a change wants to know of it.
        audit = reader.choice("audit") ?? (policy.approvals.isMoreThanOne ? .required : .preferred)
        logContent = reader.flag("logContent")
        pin = Self.readPin(&reader)
        tags = reader.texts("tags") ?? []
        tools = reader.texts("tools")
        raw = reader.entry
    }

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

extension Connection: Hashable {
    /// Whether two are the same entry under the same name.
    public static func == (one: Connection, other: Connection) -> Bool {
        one.name == other.name && one.raw == other.raw
    }

    /// Hashes what makes two the same.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(raw)
    }
}
