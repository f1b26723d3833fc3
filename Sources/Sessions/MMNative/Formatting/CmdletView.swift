/// The default columns that Exchange's module displays for a cmdlet's output.
package final class CmdletView: Sendable {
    /// A column.
    package struct Column: Sendable {
        /// The property's name.
        package let name: String
        /// The column's width; 0 leaves it to the layout.
        let width: Int
        /// Where its texts stand.
        let alignment: CellAlignment
    }

    /// The columns in order.
    package let columns: [Column]

    /// Parses a description such as `Name 25, Size >`.
    private init(_ written: Substring) {
        columns = written.split(separator: ",").compactMap { part in
            let words = part.split(separator: " ")
            guard let name = words.first else { return nil }
            return Column(
                name: String(name), width: words.dropFirst().first.flatMap { Int($0) } ?? 0,
                alignment: words.last == ">" ? .right : .left)
        }
    }

    /// The view of a table's entries, both in tables and in lists.
    static let ofEntries = CmdletView("Name 30, Value")

    /// The view of groups (`Group-Object`).
    static let ofGroups = CmdletView("Count 5 >, Name 25, Group")

    /// The view of groups without their elements (`Group-Object -NoElement`).
    static let ofGroupCounts = CmdletView("Count 5 >, Name")

    /// Returns the view of a cmdlet's output; `nil` if the module displays all properties as a list.
    package static func of(_ cmdlet: String) -> CmdletView? { views[cmdlet.lowercased()] }

    private static let views: [String: CmdletView] = {
        var views: [String: CmdletView] = [:]
        for line in listing.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let view = CmdletView(line[line.index(after: colon)...])
            for cmdlet in line[..<colon].split(separator: " ") { views[cmdlet.lowercased()] = view }
        }
        return views
    }()

    private static let listing = """
        Get-Mailbox New-Mailbox Enable-Mailbox: Name 25, Alias 15, Database 30, ProhibitSendQuota 20, ExternalDirectoryObjectId
        Get-MailboxStatistics: DisplayName 25, ItemCount 12, StorageLimitStatus >, LastLogonTime >
        Get-MailboxPermission Add-MailboxPermission: Identity 20, User 20, AccessRights, IsInherited 11, Deny 4
        Get-MailboxFolderPermission Add-MailboxFolderPermission: FolderName 20, User 20, AccessRights, SharingPermissionFlags
        Get-RecipientPermission Add-RecipientPermission: Identity, Trustee, AccessControlType, AccessRights, Inherited
        Get-Recipient Get-User Get-DistributionGroupMember: Name 25, RecipientType
        Get-DistributionGroup New-DistributionGroup: Name, DisplayName, GroupType, PrimarySmtpAddress
        Get-Group: Name, DisplayName, SamAccountName, GroupType
        Get-UnifiedGroup: DisplayName, Alias, ServerName, AccessType
        Get-CASMailbox: Name, ActiveSyncEnabled, OWAEnabled, PopEnabled, ImapEnabled, MapiEnabled, SmtpClientAuthenticationDisabled
        Get-AcceptedDomain: Name 30, DomainName 30, DomainType, Default
        Get-TransportRule New-TransportRule: Name, State, Mode, Priority, Comments
        Get-InboxRule New-InboxRule: Name, Enabled, Priority, RuleIdentity
        Get-Team: GroupId, DisplayName, Visibility, Archived, MailNickName, Description
        Get-MgUser New-MgUser: DisplayName, Id, Mail, UserPrincipalName
        Get-MgGroup New-MgGroup: DisplayName, Id, MailNickname, Description, GroupTypes
        Get-MgApplication: DisplayName, Id, AppId, SignInAudience, PublisherDomain
        Get-MgServicePrincipal: DisplayName, Id, AppId, SignInAudience, ServicePrincipalType
        Get-MgOrganization: Id, DisplayName
        Get-MgSubscribedSku: Id, AccountId, AccountName, AppliesTo, CapabilityStatus, ConsumedUnits, SkuId, SkuPartNumber
        """
}
