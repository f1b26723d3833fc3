import MMCore
import MMIdentity

/// Where a call went and as whom: a connection's name may be another's tomorrow, a tenant's id and an account's are not.
struct CallPlace: Sendable {
    let registry: ConnectionRegistry
    let identity: IdentityService

    /// Notes the tenant and the account of the connection that a call has named, as far as this machine's files tell.
    func note(in record: CallRecord) async {
        let facts = record.facts
        guard facts["account"] == nil, facts["app"] == nil, let name = facts["connection"]?.string,
            let connection = record.connection.flatMap({ $0.name == name ? $0 : nil })
                ?? (try? registry.snapshot().connection(named: name))
        else { return }
        for (key, value) in await self.facts(of: connection) { record.note(key, value) }
    }

    /// The tenant and the account of a connection.
    func facts(of connection: Connection) async -> JSONObject {
        var facts = JSONObject()
        let account = await identity.known(of: connection)
        func add(_ key: String, _ text: String?) {
            if let text, !text.isEmpty { facts[key] = .string(text) }
        }
        add("tenant", (account?.tenantID ?? connection.tenantId)?.lowercased())
        add("account", account?.objectID.lowercased())
        add("accountName", account.map { VisibleText.exact($0.username) })
        add("app", account?.appID?.lowercased())
        return facts
    }
}

extension Caller {
    /// The user of this machine whose process called, where nobody has signed in to it; `nil` for those who have.
    var user: String? { signedIn == nil ? Self.ownUser : nil }

    private static let ownUser = SecurityKey.login
}
