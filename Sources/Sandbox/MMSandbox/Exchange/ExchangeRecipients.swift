internal import MMCore

/// Recipients of all kinds: mailboxes, groups, mail users and contacts.
extension ExchangeOrganization {
    /// The mail users: the guests of the directory, and those created here.
    var mailUsers: [JSONObject] {
        var guests: [JSONObject] = []
        store.table(.users).scan(skipping: 0) { user in
            if user["userType"] == "Guest" { guests.append(Self.mailUser(user)) }
            return true
        }
        return listed("MailUser", guests)
    }

    /// The forest of the service that holds the tenant.
    private static let forest = "nampr03a010"
    private static let hosted = "Microsoft Exchange Hosted Organizations"

    /// The container of all recipients, as `OrganizationalUnit` shows it.
    static let unit = "\(forest).prod.outlook.com/\(hosted)/\(TenantIdentity.initialDomain)"

    /// Returns the distinguished name of a recipient.
    static func distinguishedName(of name: String) -> String {
        "CN=\(name),OU=\(TenantIdentity.initialDomain),OU=\(hosted),DC=\(forest.uppercased()),DC=PROD,DC=OUTLOOK,DC=COM"
    }

    private static func mailUser(_ guest: Record) -> JSONObject {
        let name = guest["mailNickname"] ?? .null
        let address = guest["mail"] ?? .null
        var row: JSONObject = [
            "Id": name, "Name": name, "DisplayName": guest["displayName"] ?? .null, "Identity": name, "Alias": name,
            "UserPrincipalName": guest["userPrincipalName"] ?? .null,
            "ExternalEmailAddress": address.string.map { .string("SMTP:\($0)") } ?? .null,
            "PrimarySmtpAddress": address, "WindowsEmailAddress": address,
            "EmailAddresses": guest["proxyAddresses"] ?? [], "RecipientType": "MailUser",
            "RecipientTypeDetails": "GuestMailUser", "HiddenFromAddressListsEnabled": true,
            "ExternalDirectoryObjectId": .string(guest.id), "Guid": .string(guest.id), "IsDirSynced": false,
            "OrganizationalUnit": .string(unit),
            "DistinguishedName": name.string.map { .string(distinguishedName(of: $0)) } ?? .null,
        ]
        for date in ["WhenCreated", "WhenCreatedUTC", "WhenChanged", "WhenChangedUTC"] {
            (row[date + "@data.type"], row[date]) = ("System.DateTime", guest["createdDateTime"] ?? .null)
        }
        return row
    }

    /// All recipients that `Get-Mailbox` doesn't show.
    private var recipientsWithoutMailbox: [JSONObject] {
        distributionGroups + unifiedGroups
            + ["DynamicDistributionGroup", "MailContact"].flatMap { listed($0, ExchangeCmdlet.rows(of: $0)) }
            + mailUsers
    }

    /// Returns the recipients with a name.
    static func recipients(named identity: String, in rows: [JSONObject]) -> [JSONObject] {
        let wanted = identity.lowercased()
        return rows.filter { row in
            [
                "Name", "DisplayName", "Alias", "PrimarySmtpAddress", "UserPrincipalName", "DistinguishedName", "Guid",
                "ExchangeGuid",
            ].contains { row[$0]?.string?.lowercased() == wanted }
        }
    }

    /// Runs `Get-Recipient`: returns a page of the requested recipients; those without a mailbox come first.
    func recipientPage(_ call: InvokedCmdlet) throws(ExchangeFailure) -> ExchangeAnswer {
        let kinds = ExchangeMailbox.Kind.listed.map { $0.rawValue.lowercased() }
        // Whoever asks for mailboxes only needn't wait for the others.
        if let wanted = MailboxSelection.kinds(of: call), wanted.isSubset(of: kinds) {
            return try mailboxPage(call)
        }
        let others = recipientsWithoutMailbox
        guard let identity = call.text("Identity"), !identity.contains("*") else {
            return try mailboxPage(call, after: others)
        }
        let found = Self.recipients(named: identity, in: others)
        guard let first = found.first else { return try mailboxPage(call) }
        guard found.count == 1 else { throw .ambiguous(identity) }
        return .row(first, call)
    }
}
