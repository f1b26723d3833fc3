package import MMCore
internal import MMSystem

extension IdentityService {
    /// Which account of which tenant sends the next request of a connection. Nobody is asked to sign in for it.
    /// - Returns: `nil` where that is not known.
    package func acting(on connection: Connection, resource: ServiceResource, deadline: Deadline) async
        -> SignedInAccount?
    {
        if case .signedIn(let account, _) = await state(of: connection, resource: resource), !account.objectID.isEmpty {
            return account
        }
        // Where no person signs in, a token tells; the request needs one, too.
        guard let method = try? method(of: connection), !method.isInteractive else { return nil }
        return try? await token(for: connection, resource: resource, deadline: deadline).account
    }

    /// The id of the tenant that a connection leads to: from its entry, from who signed in, else as the sign-in service says it.
    /// - Returns: what the entry names, where nobody can say the id now.
    package func tenantID(of connection: Connection, until deadline: Deadline) async -> String? {
        if let id = connection.tenantId { return id.lowercased() }
        if let known = await known(of: connection) { return known.tenantID.lowercased() }
        guard let target = try? target(connection, .graph) else { return connection.tenant }
        let key = "\(target.authority.cloud.login)/\(target.authority.tenant)"
        if tenantIDs[key] == nil {
            let limit = min(deadline, .after(.seconds(10)))
            tenantIDs[key] = try? await entra(target).tenantID(of: target.authority, deadline: limit)
        }
        return tenantIDs[key]?.lowercased() ?? connection.tenant
    }

    /// The same from the files of this machine alone: who is signed in, or was, or would sign in. What is not known is empty.
    package func known(of connection: Connection) async -> SignedInAccount? {
        if case .signedIn(let account, _) = await state(of: connection), GUID.isValid(account.tenantID) {
            return account
        }
        guard let target = try? target(connection, .graph), let pin = try? files(target).pin(of: target) else {
            return nil
        }
        return SignedInAccount(
            username: pin.username ?? "", objectID: pin.objectId ?? "", tenantID: pin.tenantId, homeAccountID: "")
    }

    /// Returns the name of the account that a connection is pinned to, if its entry expects another name by now: the account
    /// was renamed, or another one is meant, which the pin would refuse.
    package nonisolated func pinnedName(unlikeThatOf connection: Connection) async -> String? {
        guard let expected = connection.expectedEmail else { return nil }
        let pins = PinStore(path: paths.pinFile)
        let pin = try? await BlockingWork.run { () throws(MMError) in try pins.pin(of: connection.name) }
        guard let name = (connection.pin ?? pin ?? nil)?.username, !SignedInAccount.sameName(name, expected) else {
            return nil
        }
        return name
    }
}
