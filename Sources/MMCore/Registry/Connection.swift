/// An entry of the registry: the tenant, the app registration, and the account that must have signed in.
///
/// It is immutable, so that all users can share one instance. A changed connection is created from the entry, `raw`,
/// with other values.
public final class Connection: Sendable {
    /// The name by which calls refer to it; another case is accepted if it is unambiguous.
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
    package let tokenCache: String?
    /// The APIs, besides the cloud's own services, for which it can get tokens, by the names that calls use.
    package let apis: [String: ConnectionAPI]
    /// The description that tools show beside the name.
    public let description: String?
    /// The servers that may use it: `nil` for all, empty for none. The owner's terminal is exempt.
    package let mcps: [String]?
    /// Whether sending messages over this connection needs no confirmation.
    package let skipSendGuards: Bool
    /// Whether `confirmed: true` confirms sending a message in the tool profiles of earlier servers. It has no effect
    /// elsewhere.
    package let legacyConfirm: Bool
    /// Whether signatures in outgoing mail are kept.
    package let skipSignatureStrip: Bool
    /// The first label of the SharePoint host: `contoso` for `contoso.sharepoint.com`.
    public let sharepointHost: String?
    /// The Azure subscription that its sessions begin with, by name or id.
    public let subscription: String?
    /// App ids for individual modules.
    package let moduleApps: [String: String]
    /// The national cloud, or `sandbox`.
    public let cloud: String
    /// How this connection signs in.
    package let auth: ConnectionAuth
    /// The guard's policy.
    package let guardPolicy: ConnectionGuardPolicy
    /// The checks that a person must pass before a confirmation counts.
    package let personChecks: ConnectionPersonChecks
    /// The engine that runs simple Exchange pipelines.
    package let engine: ConnectionEngine
    /// PowerShell's language mode after connecting.
    package let language: ConnectionLanguage
    /// The hosts that its sessions may reach, and how.
    package let egress: ConnectionEgress
    /// How far its sessions are confined.
    package let confinement: ConnectionConfinement
    /// The owner's folders that scripts of its confined sessions may read and write.
    package let shared: [String]
    /// The treatment of a write that the audit log can't record.
    package let audit: ConnectionAudit
    /// Whether logs contain content instead of sizes.
    package let logContent: Bool
    /// The identity that the entry pins; the one found at the first sign-in is kept in the state folder.
    package let pin: AccountPin?
    /// Tags that address several connections at once.
    public let tags: [String]
    /// The owner's own tools and the recipes that may be used on it: `nil` for all, empty for none.
    public let tools: [String]?
    /// The keys of the people whose approvals of plans count on every machine that reads this registry, by their names.
    package let approvers: [String: String]
    /// The entry as written, including unknown keys.
    public let raw: JSONObject

    /// Reads an entry. Values that can't be read are reported, and replaced by their defaults.
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
        // A connection that requires two people's approval should also keep a record of every change.
        audit = reader.choice("audit") ?? (policy.approvals.isMoreThanOne ? .required : .preferred)
        logContent = reader.flag("logContent")
        pin = Self.readPin(&reader)
        tags = reader.texts("tags") ?? []
        tools = reader.texts("tools")
        approvers = Self.readApprovers(&reader)
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
    package func appID(for module: String, known: [String: String] = [:]) -> String {
        moduleApps[module] ?? known[module] ?? appId ?? ""
    }

    /// Returns whether a server may use this connection.
    /// - Parameter server: the server's name, such as `mm`.
    public func isVisible(to server: String) -> Bool {
        mcps?.contains(server) ?? true
    }
}

extension Connection: Hashable {
    /// Returns whether both are the same entry under the same name.
    public static func == (one: Connection, other: Connection) -> Bool {
        one.name == other.name && one.raw == other.raw
    }

    /// Hashes the name and the entry, which equality compares.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(raw)
    }
}

extension Connection {
    /// The words that `cloud` accepts; any other value is the path of a file that describes a cloud.
    package static let clouds = ["public", "gcc", "gcchigh", "dod", "china", "sandbox"]

    /// Returns whether a value of `cloud` is the path of a file.
    package static func isCloudFile(_ name: String) -> Bool { name.hasPrefix("/") || name.hasPrefix("~/") }

    /// All keys of an entry that have a meaning here.
    package static let knownKeys = [
        "appId", "tenant", "tenantId", "expectedEmail", "homeAccountId", "tokenCache", "apis", "description", "mcps",
        "cloud", "auth",
        "guard", "person",
        "engine", "language", "egress", "confinement", "shared", "audit", "sharepoint_host", "subscription",
        "moduleApps", "skipSendGuards", "skipSignatureStrip", "legacyConfirm", "logContent", "pin", "tags",
        "keepSpares", "scopes", "uses",
        "tools", "approvers",
    ]

    /// Creates a connection from an entry as written in the registry.
    /// - Parameters:
    ///   - name: the entry's name.
    ///   - entry: the entry's keys and values.
    /// - Throws: `invalidInput` for the first fault, naming the entry, the key, the value and the remedy.
    public convenience init(name: String, entry: JSONObject) throws(MMError) {
        var reader = EntryReader(name: name, entry: entry)
        self.init(reading: &reader)
        if let first = reader.problems.first { throw first.error }
    }

    /// Creates a connection that isn't in any registry.
    /// - Parameters:
    ///   - name: the name under which its sign-in is kept.
    ///   - tenant: the tenant's domain or id.
    ///   - appId: the app registration's client id; without one, modules use their publishers' own apps.
    ///   - cloud: the national cloud, or `sandbox`.
    ///   - options: further keys of a registry entry, such as `["guard": "readonly"]`.
    /// - Throws: `invalidInput`, naming the key, the value and the remedy.
    package convenience init(
        name: String, tenant: String, appId: String? = nil, cloud: String = "public", options: JSONObject = [:]
    ) throws(MMError) {
        var entry = options
        entry["tenant"] = .string(tenant)
        entry["appId"] = appId.map(JSONValue.string)
        entry["cloud"] = .string(cloud)
        try self.init(name: name, entry: entry)
    }

    /// Creates a connection from the same entry with changed values.
    /// - Parameters:
    ///   - changes: the new values by their keys; `null` removes a key.
    ///   - name: the new name; `nil` to keep the name.
    /// - Throws: the errors of reading the resulting entry.
    package func with(_ changes: JSONObject, name: String? = nil) throws(MMError) -> Connection {
        var entry = raw
        for (key, value) in changes { entry[key] = value.isNull ? nil : value }
        return try Connection(name: name ?? self.name, entry: entry)
    }

    /// Reads the shared folders, which must be absolute or below the user's home.
    static func readShared(_ reader: inout EntryReader) -> [String] {
        let folders = reader.texts("shared") ?? []
        for folder in folders where !folder.hasPrefix("/") && !folder.hasPrefix("~/") {
            reader.report(
                "shared", "must contain absolute paths of folders",
                hint: "For example [\"/srv/reports\"], or [\"~/reports\"] for a folder below the home.",
                value: .string(folder))
            return []
        }
        return folders
    }

    /// Reads `"approvers": {"ada": "mm1:…"}`.
    static func readApprovers(_ reader: inout EntryReader) -> [String: String] {
        guard let value = reader.value("approvers") else { return [:] }
        var approvers: [String: String] = [:]
        for (name, key) in value.object ?? [:] {
            guard let key = key.string, key.hasPrefix("mm1:"), key.utf8.count == 90 else { break }
            approvers[name] = key
        }
        guard let object = value.object, approvers.count == object.count else {
            reader.report(
                "approvers", "must be an object with names and keys",
                hint: "`mm plan key` shows the key of an approver: {\"ada\": \"mm1:…\"}.")
            return [:]
        }
        return approvers
    }

    static func readEmail(_ reader: inout EntryReader) -> String? {
        guard let text = reader.text("expectedEmail") else { return nil }
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }), !text.contains(where: \.isWhitespace) else {
            reader.report(
                "expectedEmail", "must be an account name", hint: "For example adele@contoso.com.", value: .string(text)
            )
            return nil
        }
        return text
    }

    static func readHomeAccount(_ reader: inout EntryReader) -> String? {
        guard let text = reader.text("homeAccountId") else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, parts.allSatisfy(GUID.isValid) else {
            reader.report(
                "homeAccountId", "must be two GUIDs with a dot between them",
                hint: "Object ID and tenant ID of the account in its home tenant, as in MSAL's `home_account_id`.",
                value: .string(text))
            return nil
        }
        return text.lowercased()
    }

    /// Reads the path of a shared token cache, which must be absolute or below the user's home.
    static func readTokenCache(_ reader: inout EntryReader) -> String? {
        guard let path = reader.text("tokenCache") else { return nil }
        guard path.hasPrefix("/") || path.hasPrefix("~/") else {
            reader.report(
                "tokenCache", "must be the absolute path of a file",
                hint: "For example ~/.azure/msal_token_cache.json, the cache of az.", value: .string(path))
            return nil
        }
        return path
    }

    /// Reads `"apis": {"crm": "https://org.crm.dynamics.com", "hr": {"audience": "api://…", "address": "https://…"}}`.
    static func readAPIs(_ reader: inout EntryReader) -> [String: ConnectionAPI] {
        guard let value = reader.value("apis") else { return [:] }
        guard let entries = value.object else {
            reader.report(
                "apis", "must be an object of audiences",
                hint: "Write it as {\"crm\": \"https://org.crm.dynamics.com\"}.", value: value)
            return [:]
        }
        var apis: [String: ConnectionAPI] = [:]
        for (name, entry) in entries {
            guard let audience = entry.string ?? entry["audience"]?.string else {
                reader.report(
                    "apis.\(name)", "has no audience",
                    hint: "Write the audience as a text, or as {\"audience\": \"api://…\", \"address\": \"https://…\"}."
                )
                continue
            }
            do throws(MMError) {
                apis[name] = try ConnectionAPI(audience, address: entry["address"]?.string)
            } catch {
                let what = error.details["field"]?.string == "address" ? "address" : "audience"
                reader.report(
                    "apis.\(name)", "contains an invalid \(what)", hint: error.hint ?? error.message,
                    value: .string(what == "address" ? entry["address"]?.string ?? "" : audience))
            }
        }
        return apis
    }

    /// Returns the first label of the SharePoint host: the one given, or else that of the tenant's domain.
    static func readHost(_ reader: inout EntryReader, tenant: String?) -> String? {
        if let text = reader.text("sharepoint_host") {
            // Both spellings occur in practice; only the label is needed.
            let label = text.split(separator: ".", omittingEmptySubsequences: false).first.map(String.init) ?? ""
            let whole = label == text || text.lowercased() == "\(label).sharepoint.com".lowercased()
            guard whole, !label.isEmpty, label.utf8.allSatisfy({ isLabelByte($0) }) else {
                reader.report(
                    "sharepoint_host", "must be the first label of the SharePoint host",
                    hint: "For https://contoso.sharepoint.com write contoso.", value: .string(text))
                return nil
            }
            return label
        }
        guard let tenant, !GUID.isValid(tenant) else { return nil }
        return tenant.split(separator: ".").first.map(String.init)
    }

    private static func isLabelByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"): true
        default: false
        }
    }

    static func readCloud(_ reader: inout EntryReader) -> String {
        guard let value = reader.value("cloud") else { return "public" }
        guard let cloud = value.string, clouds.contains(cloud) || isCloudFile(cloud) else {
            reader.report(
                "cloud", "must be one of \(clouds.joined(separator: ", ")), or the path of a cloud file",
                hint: "Correct it, or leave it out.",
                value: value)
            return "public"
        }
        return cloud
    }

    /// Reads `"auth": "device"` or `"auth": {"method": "secret", "secretFile": "…"}`; the word's fields may stand
    /// beside it.
    static func readAuth(_ reader: inout EntryReader) -> ConnectionAuth {
        guard let value = reader.value("auth") else { return ConnectionAuth() }
        let object = value.object
        guard object != nil || value.string != nil else {
            reader.report(
                "auth", "must be a string or an object",
                hint: "For example {\"method\": \"secret\", \"secretFile\": \"/path\"}.",
                value: value)
            return ConnectionAuth()
        }
        for key in ConnectionAuth.inlineSecrets where object?[key] != nil || reader.entry[key] != nil {
            // The value is secret, so it isn't shown.
            reader.report(
                object?[key] != nil ? "auth.\(key)" : key, "contains a secret, which must not be in the registry",
                hint:
                    "Put it in a file with mode 0600 and set secretFile, tokenFile, … to that file; "
                    + "then replace the secret."
            )
        }
        let method: ConnectionAuth.Method?
        if let object {
            method = reader.choice("method", in: object, label: "auth.method")
            if reader.value("method", in: object) == nil {
                reader.report("auth.method", "is missing", hint: "For example {\"method\": \"device\"}.")
            }
        } else {
            method = reader.choice("auth")
        }
        var fields: JSONObject = [:]
        for key in ConnectionAuth.fieldNames {
            if object?[key] != nil {
                fields[key] = reader.text(key, in: object, label: "auth.\(key)").map { .string($0) }
            } else if reader.entry[key] != nil {
                fields[key] = reader.text(key).map { .string($0) }
            }
        }
        let auth = ConnectionAuth(method ?? .device, fields: fields)
        checkFields(of: auth, &reader)
        return auth
    }

    private static func checkFields(of auth: ConnectionAuth, _ reader: inout EntryReader) {
        let missing: String? =
            switch auth.method {
            case .secret: auth.secretFile ?? auth.secretVariable == nil ? "secretFile" : nil
            case .certificate: auth.certificatePath == nil ? "certificatePath" : nil
            case .onBehalfOf:
                auth.secretFile ?? auth.secretVariable ?? auth.certificatePath ?? auth.tokenFile ?? auth.tokenVariable
                    == nil
                    ? "secretFile" : nil
            case .token: auth.tokenFile == nil && auth.tokenVariable == nil ? "tokenFile" : nil
            // Federated sign-in may also find its token in the machine's environment.
            case .device, .browser, .broker, .federated, .managedIdentity: nil
            }
        if let missing {
            reader.report(
                "auth.\(missing)", "is missing, but '\(auth.method.rawValue)' needs it",
                hint: "Set the file: {\"method\": \"\(auth.method.rawValue)\", \"\(missing)\": \"/path\"}.",
                commandHint: "Set the file in the same command: auth=\(auth.method.rawValue) auth.\(missing)=/path.")
        }
    }

    /// Reads `"guard": "strict"` or `"guard": {"policy": "standard", "ask": ["write"], "deny": ["send"]}`.
    static func readGuard(_ reader: inout EntryReader) -> ConnectionGuardPolicy {
        guard let value = reader.value("guard") else { return ConnectionGuardPolicy() }
        guard let object = value.object else {
            let name: GuardPolicyName? = reader.choice("guard")
            return ConnectionGuardPolicy(name ?? .standard)
        }
        let name: GuardPolicyName? = reader.choice("policy", in: object, label: "guard.policy")
        for (key, _) in object where !["policy", "allow", "ask", "deny", "approvals"].contains(key) {
            // A misspelt key would leave the guard weaker than its owner believes.
            reader.report("guard.\(key)", "isn't a key of guard", hint: "Use policy, allow, ask, deny and approvals.")
        }
        var lists: [String: [String]] = [:]
        for key in ["allow", "ask", "deny"] {
            let classes = reader.texts(key, in: object, label: "guard.\(key)") ?? []
            for word in classes where !ConnectionGuardPolicy.classes.contains(word) {
                reader.report(
                    "guard.\(key)", "contains an unknown class",
                    hint: "Classes are \(ConnectionGuardPolicy.classes.joined(separator: ", ")).", value: .string(word))
            }
            lists[key] = classes
        }
        return ConnectionGuardPolicy(
            name ?? .standard, allow: lists["allow"] ?? [], ask: lists["ask"] ?? [], deny: lists["deny"] ?? [],
            approvals: reader.value("approvals", in: object).map { ConnectionApprovals.read($0, &reader) }
                ?? ConnectionApprovals())
    }

    /// Reads `"person": "pin"` or `"person": {"destructive": "login", "send": "pin"}`.
    static func readPerson(_ reader: inout EntryReader) -> ConnectionPersonChecks {
        guard let value = reader.value("person") else { return ConnectionPersonChecks() }
        guard let object = value.object else {
            // An unreadable value means the strongest check, so that a misspelt word doesn't weaken it.
            let check: PersonCheck? = reader.choice("person")
            return ConnectionPersonChecks(check ?? .key)
        }
        var checks = ConnectionPersonChecks()
        for (key, _) in object {
            let check: PersonCheck? = reader.choice(key, in: object, label: "person.\(key)")
            checks.require(check ?? .key, of: key, at: "person.\(key)", &reader)
        }
        return checks
    }

    static func readPin(_ reader: inout EntryReader) -> AccountPin? {
        guard let value = reader.value("pin") else { return nil }
        guard let object = value.object else {
            reader.report(
                "pin", "must be an object", hint: "Write {\"tenantId\": \"GUID\", \"objectId\": \"GUID\"}.",
                value: value)
            return nil
        }
        for key in ["tenantId", "objectId"] where reader.value(key, in: object) == nil {
            reader.report("pin.\(key)", "is missing", hint: "Set both tenantId and objectId, or leave out 'pin'.")
        }
        guard let tenantId = reader.guid("tenantId", in: object, label: "pin.tenantId"),
            let objectId = reader.guid("objectId", in: object, label: "pin.objectId")
        else { return nil }
        return AccountPin(tenantId: tenantId, objectId: objectId)
    }
}

/// How a connection's PowerShell sessions reach the network.
package enum ConnectionEgress: Sendable, Hashable {
    /// Directly: sessions reach every host, and hold the tokens that they use.
    case off
    /// Through the egress proxy: the hosts of the connection's cloud and tenant, and those that the owner adds.
    case wire(allow: [PlainHostName])

    /// The hosts that the owner added; `nil` for sessions without the proxy.
    package var allowed: [PlainHostName]? {
        if case .wire(let allow) = self { allow } else { nil }
    }

    /// Reads `"egress": "off"` or `"egress": {"allow": ["api.contoso.com"]}`.
    static func read(_ reader: inout EntryReader) -> ConnectionEgress {
        guard let value = reader.value("egress") else { return .wire(allow: []) }
        if value == "off" { return .off }
        guard let object = value.object else {
            reader.report(
                "egress", "must be \"off\" or an object",
                hint:
                    "For example {\"allow\": [\"api.contoso.com\"]}; without this key sessions reach the cloud's and "
                    + "the tenant's hosts.",
                value: value)
            return .wire(allow: [])
        }
        for (key, _) in object where key != "allow" {
            reader.report("egress.\(key)", "isn't a key of egress", hint: "Use allow, a list of host names.")
        }
        var names: [PlainHostName] = []
        for text in reader.texts("allow", in: object, label: "egress.allow") ?? [] {
            guard let name = PlainHostName(text), !name.isAddress else {
                reader.report(
                    "egress.allow", "contains an invalid host name",
                    hint: "Use a host name, such as api.contoso.com, with :PORT if it is not 443. "
                        + "IP addresses and wildcards aren't accepted.",
                    value: .string(text))
                continue
            }
            names.append(name)
        }
        return .wire(allow: names)
    }
}

/// A check that a person must pass before a confirmation counts, from weakest to strongest.
package enum PersonCheck: String, Sendable, CaseIterable, Comparable {
    /// A form in their own client, or a terminal.
    case form
    /// A terminal that a person types in: a program that starts `mm-mcp` can answer the form of its own client, but not
    /// a terminal.
    case terminal
    /// A PIN that only they know (`mm pin set`), typed in a terminal.
    case pin
    /// The password of their login, typed in a terminal and checked by the system (PAM).
    case login
    /// A touch of a security key that they registered (`mm key add`), which signs this very request.
    case key

    /// Returns whether the left check is weaker than the right one.
    package static func < (left: PersonCheck, right: PersonCheck) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
}

/// The checks that a connection requires, by the class of what is confirmed.
package typealias ConnectionPersonChecks = ClassRequirements<PersonCheck>

extension ConnectionPersonChecks {
    /// A form for every class.
    package init() { self.init(.form) }
}
