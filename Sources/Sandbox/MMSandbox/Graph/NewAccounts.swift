internal import MMCore

/// The required properties and the default values of new users and groups.
struct NewAccounts {
    let context: TenantContext
    let store: DirectoryStore

    func checkNewUser(_ row: JSONObject) throws(GraphFailure) {
        let name = row["userPrincipalName"]?.string ?? ""
        let parts = name.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, parts[0].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw .badRequest("Invalid value specified for property 'userPrincipalName' of resource 'User'.")
        }
        guard store.table(.domains).find(String(parts[1]).lowercased()) != nil else {
            throw .badRequest(
                "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization."
            )
        }
        guard store.user(name) == nil else {
            throw .badRequest("Another object with the same value for property userPrincipalName already exists.")
        }
        let password = row["passwordProfile"]?["password"]?.string ?? ""
        guard password.utf8.count >= 8 else {
            throw .badRequest(
                "The specified password does not comply with password complexity requirements. Please provide a different password."
            )
        }
    }

    func finishUser(_ row: inout JSONObject, id: String) {
        let name = row["userPrincipalName"]?.string ?? ""
        var full: JSONObject = [:]
        for property in EntityKind.user.properties {
            let type = EntityKind.user.types[property]
            full[property] = row[property] ?? (type == .collection ? [] : .null)
        }
        full["passwordProfile"] = .null
        full["securityIdentifier"] = .string(Guid.securityIdentifier(id))
        full["userType"] = row["userType"] ?? "Member"
        full["mail"] = row["mail"] ?? .null
        full["identities"] = [
            [
                "signInType": "userPrincipalName", "issuer": .string(TenantIdentity.domain),
                "issuerAssignedId": .string(name),
            ]
        ]
        row = full
    }

    func checkNewGroup(_ row: JSONObject) throws(GraphFailure) {
        let nickname = row["mailNickname"]?.string ?? ""
        guard !nickname.isEmpty, nickname.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "@") }) else {
            throw .badRequest("Invalid value specified for property 'mailNickname' of resource 'Group'.")
        }
        guard !Record.object(row).isKeptByExchange else {
            throw .badRequest(
                "The service does not currently support writes of mail-enabled groups. Please ensure that the "
                    + "mail-enablement property is unset and the security-enablement property is set.")
        }
        var isTaken = false
        if Record.object(row).isUnifiedGroup {
            store.table(.groups).scan { group in
                isTaken = group["mail"]?.string?.lowercased() == "\(nickname)@\(TenantIdentity.domain)".lowercased()
                return !isTaken
            }
        }
        guard !isTaken else { throw .conflict }
    }

    func finishGroup(_ row: inout JSONObject, id: String) {
        var full: JSONObject = [:]
        for property in EntityKind.group.properties {
            full[property] = row[property] ?? (EntityKind.group.types[property] == .collection ? [] : .null)
        }
        if Record.object(row).isUnifiedGroup {
            let mail = "\(row["mailNickname"]?.string ?? "")@\(TenantIdentity.domain)"
            full["mail"] = .string(mail)
            full["proxyAddresses"] = [.string("SMTP:\(mail)")]
            full["visibility"] = row["visibility"] ?? "Public"
        }
        full["securityIdentifier"] = .string(Guid.securityIdentifier(id))
        full["renewedDateTime"] = .string(ServiceTime.text(context.now))
        row = full
    }

    func linkNewGroup(_ body: JSONObject, id: String, principal: SignedInPrincipal) {
        for relation in [LinkAddress.Relation.members, .owners] {
            let named =
                body["\(relation.rawValue)@odata.bind"]?.array?.compactMap { $0.string.flatMap(NamedObject.key) } ?? []
            var ids = named.compactMap { store.object($0)?.1.id }
            if relation == .owners, ids.isEmpty, !principal.isApp { ids = [principal.objectID] }
            if !ids.isEmpty { store.changeLinks(LinkAddress(owner: id, relation: relation)) { $0.added = ids } }
        }
    }
}
