import MMCore
import MMOperations

/// Finds the connection that callers mean by a tenant: a connection's name, an alias, a domain or an id.
struct TenantName: Sendable {
    private let registry: ConnectionRegistry
    private let settings: TenantSettings
    private let servers: [String]

    /// Creates a finder.
    /// - Parameters:
    ///   - registry: the connections; tenants that it doesn't contain become implied connections.
    ///   - settings: aliases and SharePoint hosts.
    ///   - server: the name that `mcps` lists are compared with, in addition to the manager's own.
    init(_ registry: ConnectionRegistry, settings: TenantSettings, server: String?) {
        self.registry = registry
        self.settings = settings
        servers = [server, TenantSessions.serverName].compactMap { $0 }
    }

    /// Returns the name under which a connection may be used; `nil` if its `mcps` list admits none.
    func server(for connection: Connection) -> String? { servers.first { connection.isVisible(to: $0) } }

    /// Returns the connection of a tenant.
    ///
    /// A tenant in the registry is used as its owner configured it, with its account, guard and `mcps`. Only a tenant
    /// without an entry becomes an implied connection, which is never listed and can be used only by this manager.
    /// - Parameters:
    ///   - word: the tenant as the caller wrote it.
    ///   - sharePointHost: the first label of the SharePoint host, if the caller gives one.
    ///   - account: the number of one of several accounts. For a tenant in the registry, each entry is one account.
    /// - Throws: `invalidInput` for an invalid tenant, and for one with several entries; `notFound` for one that this
    ///   server may not use.
    func connection(_ word: String, sharePointHost: String? = nil, account: String = "1") throws(MMError) -> Connection
    {
        if let sharePointHost, !Self.isLabel(sharePointHost) {
            throw MMError(
                .invalidInput, "`\(sharePointHost.prefix(80))` is no SharePoint tenant.",
                hint: "Give the first label of the host: contoso for contoso.sharepoint.com.")
        }
        guard let number = Int(account), (1...99).contains(number) else {
            throw MMError(.invalidInput, "`account` can't be `\(account.prefix(20))`.", hint: "Give a number from 1.")
        }
        let snapshot = try registry.snapshot()
        let aliases = try table("_tenantAliases", in: snapshot).merging(settings.aliases) { $1 }
        let hosts = try table("_sharepointTenants", in: snapshot).merging(settings.sharePointHosts) { $1 }
        let tenant = word.trimmed
        let domain = (aliases[tenant.lowercased()] ?? tenant).lowercased()
        guard let one = try registered(tenant, aliases, account: number, in: snapshot) else {
            return try implied(domain, sharePointHost: sharePointHost ?? hosts[domain], account: number)
        }
        if let given = sharePointHost {
            guard !snapshot.namesSharePointHost(one.name) || one.sharepointHost?.lowercased() == given.lowercased()
            else {
                throw MMError(
                    .invalidInput, "The connection \(one.name) has the SharePoint host `\(one.sharepointHost ?? "")`.",
                    hint: "Leave sharepoint_tenant out; a person changes it: mm connections edit \(one.name) "
                        + "sharepoint_host=\(given)")
            }
            registry.give(sharePointHost: given, to: one.name, isLast: true)
        } else if let mapped = [domain, one.tenant?.lowercased(), one.tenantId?.lowercased()]
            .compactMap({ $0.flatMap { hosts[$0] } }).first, Self.isLabel(mapped)
        {
            registry.give(sharePointHost: mapped, to: one.name, isLast: false)
        }
        return try registry.snapshot().connection(named: one.name)
    }

    /// Returns the registry's entry for a tenant; `nil` if there is none.
    private func registered(
        _ tenant: String, _ aliases: [String: String], account: Int, in snapshot: RegistrySnapshot
    ) throws(MMError) -> Connection? {
        let written = aliases[tenant.lowercased()] ?? tenant
        for name in [tenant, written] where snapshot.names.contains(name) {
            let named = snapshot.connections.first { $0.name == name }
            let one = try snapshot.connection(named: name, for: named.flatMap { server(for: $0) } ?? servers[0])
            if account > 1 { throw Self.onlyOneAccount(one) }
            return one
        }
        let domain = written.lowercased()
        let named = snapshot.connections.filter { connection in
            [connection.tenant, connection.tenantId].contains { $0?.lowercased() == domain }
        }
        let usable = named.filter { server(for: $0) != nil }
        if account > 1, let one = usable.first {
            guard account <= usable.count else { throw Self.onlyOneAccount(one) }
            return usable[account - 1]
        }
        if usable.count > 1 {
            throw MMError(
                .invalidInput, "Several connections belong to the tenant `\(domain.prefix(80))`.",
                hint: "Give one of these as the tenant: \(usable.map(\.name).joined(separator: ", ")).")
        }
        if named.isEmpty { return nil }
        if let one = usable.first { return one }
        return try snapshot.connection(named: tenant, for: servers[0])
    }

    /// Refuses a further account: an entry stands for one account, which the owner chooses, not the caller.
    private static func onlyOneAccount(_ connection: Connection) -> MMError {
        let account = connection.expectedEmail.map { " (\($0))" } ?? ""
        return MMError(
            .invalidInput, "The connection \(connection.name) stands for one account\(account), not for a further one.",
            hint: "Another account needs an entry of its own. A person adds one: mm connections add NAME --tenant "
                + "\(connection.tenant ?? "DOMAIN") --expected-email ACCOUNT")
    }

    private func implied(_ domain: String, sharePointHost: String?, account number: Int) throws(MMError) -> Connection {
        guard Self.isDomain(domain) || GUID.isValid(domain) else {
            throw MMError(
                .invalidInput, "`\(domain.prefix(80))` is no tenant.",
                hint: "Give a domain such as contoso.com, a tenant id, or the name of a connection.")
        }
        let name = number == 1 ? domain : "\(domain) (account \(number))"
        var entry: JSONObject = [
            "tenant": .string(domain), "description": "A tenant outside the registry",
            "mcps": .array([.string(TenantSessions.serverName)]), "engine": "pwsh",
        ]
        if GUID.isValid(domain) { entry["tenantId"] = .string(domain) }
        entry["sharepoint_host"] = sharePointHost.map { .string($0) }
        let one = try RegistrySnapshot(document: ["connections": [name: .object(entry)]]).connection(named: name)
        registry.imply(one)
        return one
    }

    /// Returns a table of strings at the top level of the registry.
    private func table(_ key: String, in snapshot: RegistrySnapshot) throws(MMError) -> [String: String] {
        var pairs: [String: String] = [:]
        for (name, value) in snapshot.document[key]?.object ?? [:] {
            if let text = value.string { pairs[name.lowercased()] = text }
        }
        return pairs
    }

    /// Returns whether a text is a host name with at least two labels (RFC 1123, section 2.1).
    static func isDomain(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        return text.utf8.count <= 253 && labels.count > 1 && labels.allSatisfy { isLabel(String($0)) }
    }

    private static func isLabel(_ text: String) -> Bool {
        let bytes = text.utf8
        return (1...63).contains(bytes.count) && bytes.first != UInt8(ascii: "-") && bytes.last != UInt8(ascii: "-")
            && bytes.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"): true
                default: false
                }
            }
    }
}
