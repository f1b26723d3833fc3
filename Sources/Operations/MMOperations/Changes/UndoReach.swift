import MMCore
import MMIdentity

/// The map from changes to the present connections that reach the same tenant with the same account, whatever their
/// names.
struct UndoReach: Sendable {
    /// The names of present connections, by the key of a change's connection and author.
    private var names: [String: String] = [:]

    /// An empty map, with which the connection names in the entries are used.
    static let byName = UndoReach(names: [:])

    private init(names: [String: String]) { self.names = names }

    private struct Known {
        let name: String
        let tenant: String?
        let author: JournalEntry.Author?

        /// Returns whether the connection may reach the wanted tenant and account, as far as that is known before a
        /// sign-in.
        func mayBe(_ wanted: JournalEntry.Author) -> Bool {
            guard let author else { return tenant == nil || tenant == wanted.tenant }
            return author.account.isEmpty && author.tenant == wanted.tenant
        }
    }

    /// Finds the tenants and accounts of the connections that a caller may use.
    init(to entries: [JournalEntry], _ services: RequestServices, for server: String?) async throws(MMError) {
        let snapshot = try services.guarding.registry.snapshot()
        var tenants: Set<String> = []
        for entry in entries {
            if let tenant = (entry.partner?.author ?? entry.author)?.tenant { tenants.insert(tenant) }
        }
        var known: [Known] = []
        for connection in server.map({ snapshot.visible(to: $0) }) ?? snapshot.connections {
            let tenant = connection.tenantId?.lowercased()
            var author: JournalEntry.Author?
            if !tenants.isEmpty, tenant.map(tenants.contains) ?? true {
                author = await services.identity.known(of: connection).map(JournalEntry.Author.init)
            }
            known.append(Known(name: connection.name, tenant: tenant, author: author))
        }
        for entry in entries where names[Self.key(entry)] == nil {
            names[Self.key(entry)] = Self.name(of: entry, among: known)
        }
    }

    private static func key(_ entry: JournalEntry) -> String {
        [entry.connection, entry.author?.tenant ?? "", entry.author?.account ?? "", entry.author?.app ?? ""]
            .joined(separator: "\n")
    }

    private static func name(of entry: JournalEntry, among known: [Known]) -> String? {
        // An earlier version noted the connection's name alone.
        guard let author = entry.author else { return known.first { $0.name == entry.connection }?.name }
        let (wanted, name) = (entry.partner?.author ?? author, entry.partner?.name ?? entry.connection)
        let same = known.filter { $0.author?.isSame(as: wanted) ?? false }
        let found = same.first { $0.name == name } ?? same.first ?? known.first { $0.name == name && $0.mayBe(wanted) }
        guard let partner = entry.partner else { return found?.name }
        return found.map { $0.name + entry.connection.dropFirst(partner.name.count) }
    }

    /// Returns the name of the present connection for an entry; `nil` if there is none.
    func name(of entry: JournalEntry) -> String? { names[Self.key(entry)] }

    /// Returns the present connection for an entry.
    /// - Throws: `conflict` if there is none.
    func connection(
        of entry: JournalEntry, in context: OperationContext, with services: RequestServices
    ) throws(MMError) -> Connection {
        guard let name = name(of: entry) else { throw Self.unreachable(entry) }
        let registry = services.guarding.registry
        if let partner = entry.partner, let author = entry.author {
            let customer = entry.connection.dropFirst(partner.name.count)
            let own = try registry.connection(named: String(name.dropLast(customer.count)), in: context)
            try PartnerCustomers(partner: own, registry: registry, identity: services.identity)
                .imply(name, tenant: author.tenant)
        }
        return try registry.connection(named: name, in: context)
    }

    private static func unreachable(_ entry: JournalEntry) -> MMError {
        guard let author = entry.author else {
            return MMError(
                .conflict, "The connection \(entry.connection), which made \(entry.id), no longer exists.",
                hint: "mm connections list shows the connections.")
        }
        let who = author.app.map { "the app \($0)" } ?? "the account \(author.account)"
        return MMError(
            .conflict,
            "No connection signs in to the tenant \(author.tenant) as \(who), which made \(entry.id) "
                + "with the connection \(entry.connection).",
            hint: "Add such a connection and sign in: mm connect \(author.tenant).",
            details: ["tenant": .string(author.tenant), "account": .string(author.account)])
    }

    /// Throws if the acting account or its tenant is not the one that made the change.
    /// - Parameter isSignedIn: whether the connection must be signed in by now.
    static func prove(
        _ author: JournalEntry.Author?, on connection: Connection, as acting: JournalEntry.Author?, isSignedIn: Bool
    ) throws(MMError) {
        // An entry of an earlier version has no author; it is checked against the object itself.
        guard let author else { return }
        guard let acting else {
            guard isSignedIn else { return }
            throw MMError(
                .conflict, "It is unknown which account \(connection.name) signs in with: nothing was undone.",
                hint: "mm status \(ShellWord.quoted(connection.name)) --check")
        }
        guard acting.isSame(as: author) else {
            let what = acting.tenant == author.tenant ? "another account of the tenant" : "another tenant"
            throw MMError(
                .conflict,
                "\(connection.name) now signs in to \(what), not the one that made the change: nothing was undone.",
                hint:
                    "The change was made in the tenant \(author.tenant) as \(author.app ?? author.account). Sign in there: "
                    + "mm connect \(author.tenant)",
                details: [
                    "tenant": .string(author.tenant), "account": .string(author.account),
                    "signedIn": acting.json,
                ])
        }
    }
}
