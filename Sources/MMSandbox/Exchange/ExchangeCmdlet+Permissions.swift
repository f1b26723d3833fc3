internal import MMCore

/// Cmdlets on who may do what in a mailbox.
extension ExchangeCmdlet {
    static let permissions: [ExchangeCmdlet] = [
        ExchangeCmdlet("Get-MailboxPermission", .reading, "Identity User Owner") {
            (organization, call) throws(ExchangeFailure) in
            let mailbox = try organization.mailbox(call)
            var rows = organization.permissions(on: mailbox)
            if let user = call.text("User")?.lowercased() {
                rows = rows.filter { $0["User"]?.string?.lowercased() == user }
            }
            return try .page(of: rows, call)
        },
        ExchangeCmdlet(
            "Add-MailboxPermission", .managing, "Identity User AccessRights InheritanceType AutoMapping Owner Deny"
        ) { (organization, call) throws(ExchangeFailure) in
            let mailbox = try organization.mailbox(call)
            let user = try organization.mailbox(call, "User")
            guard let rights = call.texts("AccessRights"), !rights.isEmpty else { throw .missing("AccessRights") }
            let row = ExchangeOrganization.permission(mailbox, user.address, rights)
            organization.withdrawn[mailbox.id]?.remove(user.address)
            organization.givenPermissions[mailbox.id, default: []].append(row)
            return .row(row, call)
        },
        ExchangeCmdlet(
            "Remove-MailboxPermission", .managing,
            "Identity User AccessRights InheritanceType Deny BypassMasterAccountSid"
        ) { (organization, call) throws(ExchangeFailure) in
            let mailbox = try organization.mailbox(call)
            let user = try organization.mailbox(call, "User")
            var answer = ExchangeAnswer()
            guard organization.permissions(on: mailbox).contains(where: { $0["User"]?.string == user.address }) else {
                answer.warnings.append(
                    "The appropriate access control entry is already absent on the object \"\(mailbox.name)\" for "
                        + "account \"\(user.address)\".")
                return answer
            }
            organization.withdrawn[mailbox.id, default: []].insert(user.address)
            organization.givenPermissions[mailbox.id]?.removeAll { $0["User"]?.string == user.address }
            return answer
        },
        ExchangeCmdlet("Get-RecipientPermission", .reading, "Identity Trustee AccessRights") {
            (organization, call) throws(ExchangeFailure) in
            let mailbox = try organization.mailbox(call)
            var rows: [JSONObject] = [
                [
                    "Identity": .string(mailbox.name), "Trustee": "NT AUTHORITY\\SELF", "AccessControlType": "Allow",
                    "AccessRights": ["SendAs"], "IsInherited": false, "InheritanceType": "None",
                ]
            ]
            if mailbox.kind == .shared, let manager = organization.mailboxes.mailbox(mailbox.row.managerIndex ?? 0) {
                rows.append([
                    "Identity": .string(mailbox.name), "Trustee": .string(manager.address),
                    "AccessControlType": "Allow", "AccessRights": ["SendAs"], "IsInherited": false,
                    "InheritanceType": "None",
                ])
            }
            return try .page(of: rows, call)
        },
        ExchangeCmdlet("Get-MailboxFolderPermission", .reading, "Identity User GroupMailbox") {
            (organization, call) throws(ExchangeFailure) in
            guard let identity = call.text("Identity") else { throw .missing("Identity") }
            let mailbox = try organization.mailboxes.find(String(identity.prefix { $0 != ":" }))
            let folder = identity.contains(":\\") ? String(identity.drop { $0 != "\\" }.dropFirst()) : "Calendar"
            let rows = [("Default", "AvailabilityOnly"), ("Anonymous", "None")].map { (user, right) -> JSONObject in
                [
                    "Identity": .string("\(mailbox.name):\\\(folder)"), "FolderName": .string(folder),
                    "User": .string(user), "AccessRights": [.string(right)], "SharingPermissionFlags": .null,
                ]
            }
            return try .page(of: rows, call)
        },
    ]
}

extension ExchangeOrganization {
    static func permission(_ mailbox: ExchangeMailbox, _ user: String, _ rights: [String]) -> JSONObject {
        [
            "Identity": .string(mailbox.name), "User": .string(user),
            "AccessRights@odata.type": "#Collection(String)", "AccessRights": .array(rights.map { .string($0) }),
            "IsInherited": false, "Deny": false, "InheritanceType": "All",
        ]
    }

    /// Who has access to a mailbox: its owner, and a manager where it is shared.
    func permissions(on mailbox: ExchangeMailbox) -> [JSONObject] {
        var rows = [Self.permission(mailbox, "NT AUTHORITY\\SELF", ["FullAccess", "ReadPermission"])]
        let gone = withdrawn[mailbox.id] ?? []
        if mailbox.kind == .shared || mailbox.row.index % 37 == 5,
            let manager = mailboxes.mailbox(mailbox.row.managerIndex ?? 0), !gone.contains(manager.address)
        {
            rows.append(Self.permission(mailbox, manager.address, ["FullAccess"]))
        }
        return rows + (givenPermissions[mailbox.id] ?? [])
    }
}
