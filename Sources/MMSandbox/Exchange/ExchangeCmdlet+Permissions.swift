internal import MMCore

/// Cmdlets on who may do what in a mailbox.
extension ExchangeCmdlet {
    static let permissions: [ExchangeCmdlet] = [
        ExchangeCmdlet("Get-MailboxPermission", .reading, "Identity User Owner") {
            (state, call) throws(ExchangeFailure) in
            let mailbox = try state.mailbox(call)
            var rows = state.permissions(on: mailbox)
            if let user = call.text("User")?.lowercased() {
                rows = rows.filter { $0["User"]?.string?.lowercased() == user }
            }
            return try .page(of: rows, call)
        },
        ExchangeCmdlet(
            "Add-MailboxPermission", .managing, "Identity User AccessRights InheritanceType AutoMapping Owner Deny"
        ) { (state, call) throws(ExchangeFailure) in
            let mailbox = try state.mailbox(call)
            let user = try state.mailbox(call, "User")
            guard let rights = call.texts("AccessRights"), !rights.isEmpty else { throw .missing("AccessRights") }
            let row = TenantState.permission(mailbox, user.address, rights)
            state.exchange.withdrawn[mailbox.id]?.remove(user.address)
            state.exchange.permissions[mailbox.id, default: []].append(row)
            var answer = ExchangeAnswer()
            answer.add(row, select: call.select)
            return answer
        },
        ExchangeCmdlet(
            "Remove-MailboxPermission", .managing,
            "Identity User AccessRights InheritanceType Deny BypassMasterAccountSid"
        ) { (state, call) throws(ExchangeFailure) in
            let mailbox = try state.mailbox(call)
            let user = try state.mailbox(call, "User")
            var answer = ExchangeAnswer()
            guard state.permissions(on: mailbox).contains(where: { $0["User"]?.string == user.address }) else {
                answer.warnings.append(
                    "The appropriate access control entry is already absent on the object \"\(mailbox.name)\" for "
                        + "account \"\(user.address)\".")
                return answer
            }
            state.exchange.withdrawn[mailbox.id, default: []].insert(user.address)
            state.exchange.permissions[mailbox.id]?.removeAll { $0["User"]?.string == user.address }
            return answer
        },
        ExchangeCmdlet("Get-RecipientPermission", .reading, "Identity Trustee AccessRights") {
            (state, call) throws(ExchangeFailure) in
            let mailbox = try state.mailbox(call)
            var rows: [JSONObject] = [
                [
                    "Identity": .string(mailbox.name), "Trustee": "NT AUTHORITY\\SELF", "AccessControlType": "Allow",
                    "AccessRights": ["SendAs"], "IsInherited": false, "InheritanceType": "None",
                ]
            ]
            if mailbox.kind == .shared, let manager = state.mailboxes.mailbox(mailbox.row.managerIndex ?? 0) {
                rows.append([
                    "Identity": .string(mailbox.name), "Trustee": .string(manager.address),
                    "AccessControlType": "Allow", "AccessRights": ["SendAs"], "IsInherited": false,
                    "InheritanceType": "None",
                ])
            }
            return try .page(of: rows, call)
        },
        ExchangeCmdlet("Get-MailboxFolderPermission", .reading, "Identity User GroupMailbox") {
            (state, call) throws(ExchangeFailure) in
            guard let identity = call.text("Identity") else { throw .missing("Identity") }
            let mailbox = try state.mailboxes.find(String(identity.prefix { $0 != ":" }))
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

extension TenantState {
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
        let gone = exchange.withdrawn[mailbox.id] ?? []
        if mailbox.kind == .shared || mailbox.row.index % 37 == 5,
            let manager = mailboxes.mailbox(mailbox.row.managerIndex ?? 0), !gone.contains(manager.address)
        {
            rows.append(Self.permission(mailbox, manager.address, ["FullAccess"]))
        }
        return rows + (exchange.permissions[mailbox.id] ?? [])
    }
}
