internal import MMCore

/// Cmdlets for the permissions on mailboxes.
extension ExchangeCmdlet {
    static let permissions: [ExchangeCmdlet] = [
        ExchangeCmdlet("Get-MailboxPermission", .reading, "Identity User Owner") {
            (organization, call) throws(ExchangeFailure) in
            let mailbox = try organization.mailbox(call)
            return try .page(
                of: organization.granted(organization.permissions(on: mailbox), "User", call), call)
        },
        ExchangeCmdlet(
            "Add-MailboxPermission", .managing, "Identity User AccessRights InheritanceType AutoMapping Owner Deny:b"
        ) { (organization, call) throws(ExchangeFailure) in
            let mailbox = try organization.mailbox(call)
            let user = try organization.grantee(call, "User")
            guard let rights = call.texts("AccessRights"), !rights.isEmpty else { throw .missing("AccessRights") }
            var rows = organization.permissions(on: mailbox)
            let answer = ExchangeOrganization.grant(
                rights, to: user, "User", in: &rows, call,
                ExchangeOrganization.permission(mailbox, user, rights))
            organization.writtenPermissions[mailbox.id] = rows
            return answer
        },
        ExchangeCmdlet(
            "Remove-MailboxPermission", .managing,
            "Identity User AccessRights InheritanceType Deny:b BypassMasterAccountSid"
        ) { (organization, call) throws(ExchangeFailure) in
            let mailbox = try organization.mailbox(call)
            let user = try organization.grantee(call, "User")
            var rows = organization.permissions(on: mailbox)
            let answer = ExchangeOrganization.withdraw(from: user, "User", in: &rows, mailbox, call)
            organization.writtenPermissions[mailbox.id] = rows
            return answer
        },
        ExchangeCmdlet("Get-RecipientPermission", .reading, "Identity Trustee AccessRights") {
            (organization, call) throws(ExchangeFailure) in
            let mailboxes =
                call.has("Identity")
                ? [try organization.mailbox(call)]
                : (0..<organization.mailboxes.count).compactMap { organization.mailboxes.mailbox($0) }
            return try .page(
                of: organization.granted(mailboxes.flatMap { organization.senders(of: $0) }, "Trustee", call), call)
        },
        ExchangeCmdlet("Add-RecipientPermission", .managing, "Identity Trustee AccessRights") {
            (organization, call) throws(ExchangeFailure) in
            let mailbox = try organization.mailbox(call)
            let user = try organization.grantee(call, "Trustee")
            guard let rights = call.texts("AccessRights"), !rights.isEmpty else { throw .missing("AccessRights") }
            var rows = organization.senders(of: mailbox)
            let answer = ExchangeOrganization.grant(
                rights, to: user, "Trustee", in: &rows, call, ExchangeOrganization.sender(mailbox, user)
            )
            organization.writtenSenders[mailbox.id] = rows
            return answer
        },
        ExchangeCmdlet("Remove-RecipientPermission", .managing, "Identity Trustee AccessRights Deny:b") {
            (organization, call) throws(ExchangeFailure) in
            let mailbox = try organization.mailbox(call)
            let user = try organization.grantee(call, "Trustee")
            var rows = organization.senders(of: mailbox)
            let answer = ExchangeOrganization.withdraw(from: user, "Trustee", in: &rows, mailbox, call)
            organization.writtenSenders[mailbox.id] = rows
            return answer
        },
    ]
}

extension ExchangeOrganization {
    static func permission(_ mailbox: ExchangeMailbox, _ user: String, _ rights: [String]) -> JSONObject {
        [
            "Identity": .string(mailbox.name), "User": .string(user),
            "AccessRights@odata.type": "#Collection(String)",
            "AccessRights": .array(inOrder(rights).map { .string($0) }),
            "IsInherited": false, "Deny": false, "InheritanceType": "All",
        ]
    }

    /// Returns rights in the fixed order in which the service shows these flags.
    private static func inOrder(_ rights: [String]) -> [String] {
        let order = [
            "fullaccess", "sendas", "externalaccount", "deleteitem", "readpermission", "changepermission",
            "changeowner",
        ]
        func place(_ right: String) -> Int { order.firstIndex(of: right.lowercased()) ?? order.count }
        return rights.sorted { place($0) < place($1) }
    }

    static func sender(_ mailbox: ExchangeMailbox, _ trustee: String) -> JSONObject {
        [
            "Identity": .string(mailbox.name), "Trustee": .string(trustee), "AccessControlType": "Allow",
            "AccessRights": ["SendAs"], "IsInherited": false, "InheritanceType": "None",
        ]
    }

    /// Returns the permissions on a mailbox: those of its owner, and of a manager if it is shared.
    func permissions(on mailbox: ExchangeMailbox) -> [JSONObject] {
        if let written = writtenPermissions[mailbox.id] { return written }
        var rows = [Self.permission(mailbox, "NT AUTHORITY\\SELF", ["FullAccess", "ReadPermission"])]
        if mailbox.creation == nil, mailbox.kind == .shared || mailbox.row.index % 37 == 5,
            let manager = mailboxes.mailbox(mailbox.row.managerIndex ?? 0)
        {
            rows.append(Self.permission(mailbox, manager.address, ["FullAccess"]))
        }
        return rows
    }

    /// Returns the accounts that may send as a mailbox: its owner, and a manager if it is shared.
    func senders(of mailbox: ExchangeMailbox) -> [JSONObject] {
        if let written = writtenSenders[mailbox.id] { return written }
        var rows = [Self.sender(mailbox, "NT AUTHORITY\\SELF")]
        if mailbox.creation == nil, mailbox.kind == .shared,
            let manager = mailboxes.mailbox(mailbox.row.managerIndex ?? 0)
        {
            rows.append(Self.sender(mailbox, manager.address))
        }
        return rows
    }

    /// Returns the address of the mailbox or group that a call names.
    fileprivate func grantee(_ call: InvokedCmdlet, _ parameter: String) throws(ExchangeFailure) -> String {
        guard let identity = call.text(parameter) else { throw .missing(parameter) }
        if let address = group(named: identity)?["PrimarySmtpAddress"]?.string { return address }
        return try mailboxes.find(identity).address
    }

    /// Returns the rows of the account that a call names, by any of its names; all rows if it names none.
    fileprivate func granted(_ rows: [JSONObject], _ name: String, _ call: InvokedCmdlet) -> [JSONObject] {
        guard let user = call.text(name) else { return rows }
        let address = (try? grantee(call, name)) ?? user
        return rows.filter { $0[name]?.string?.lowercased() == address.lowercased() }
    }

    /// Returns the index of an account's row; allowed and denied rights have separate rows.
    private static func place(of user: String, _ name: String, in rows: [JSONObject], _ call: InvokedCmdlet) -> Int? {
        rows.firstIndex { $0[name]?.string == user && ($0["Deny"] == true) == call.isSet("Deny") }
    }

    fileprivate static func grant(
        _ rights: [String], to user: String, _ name: String, in rows: inout [JSONObject], _ call: InvokedCmdlet,
        _ row: JSONObject
    ) -> ExchangeAnswer {
        guard let place = place(of: user, name, in: rows, call) else {
            var row = row
            if call.isSet("Deny") { row["Deny"] = true }
            rows.append(row)
            return .row(row, call)
        }
        let held = rows[place]["AccessRights"]?.array?.compactMap(\.string) ?? []
        let new = rights.filter { right in !held.contains { $0.lowercased() == right.lowercased() } }
        rows[place]["AccessRights"] = .array(inOrder(held + new).map { .string($0) })
        var answer = ExchangeAnswer.row(rows[place], call)
        if new.isEmpty {
            answer.warnings.append(
                "The appropriate access control entry is already present on the object \"\(rows[place]["Identity"]?.string ?? "")\" "
                    + "for account \"\(user)\".")
        }
        return answer
    }

    fileprivate static func withdraw(
        from user: String, _ name: String, in rows: inout [JSONObject], _ mailbox: ExchangeMailbox,
        _ call: InvokedCmdlet
    ) -> ExchangeAnswer {
        var answer = ExchangeAnswer()
        guard let place = place(of: user, name, in: rows, call) else {
            answer.warnings.append(
                "The appropriate access control entry is already absent on the object \"\(mailbox.name)\" for "
                    + "account \"\(user)\".")
            return answer
        }
        let gone = Set((call.texts("AccessRights") ?? []).map { $0.lowercased() })
        let left = (rows[place]["AccessRights"]?.array ?? []).filter {
            !gone.isEmpty && !gone.contains($0.string?.lowercased() ?? "")
        }
        if left.isEmpty { rows.remove(at: place) } else { rows[place]["AccessRights"] = .array(left) }
        return answer
    }
}
