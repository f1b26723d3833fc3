import MMCore

/// A folder that every mailbox has, as `Get-MailboxFolderStatistics` shows it.
struct ExchangeMailboxFolder {
    let name: String
    /// The type of the folder, which is also the name of a scope.
    let type: String
    /// The mailbox's items divided by this are the folder's; 0 for a folder without items.
    let share: Int

    /// The folders in the order in which the service lists them.
    static let all: [ExchangeMailboxFolder] =
        [ExchangeMailboxFolder(name: "Top of Information Store", type: "Root", share: 0)]
        + ["Archive", "Calendar", "Contacts", "Deleted Items", "Drafts", "Inbox", "Junk Email", "Notes", "Sent Items"]
        .map { name in
            ExchangeMailboxFolder(name: name, type: name.filter { $0 != " " }, share: shares[name] ?? 0)
        }
        + [
            ExchangeMailboxFolder(name: "Recoverable Items", type: "RecoverableItemsRoot", share: 0),
            ExchangeMailboxFolder(name: "Deletions", type: "RecoverableItemsDeletions", share: 20),
            ExchangeMailboxFolder(name: "Purges", type: "RecoverableItemsPurges", share: 0),
            ExchangeMailboxFolder(name: "Versions", type: "RecoverableItemsVersions", share: 0),
        ]

    private static let shares = [
        "Inbox": 2, "Sent Items": 3, "Drafts": 400, "Deleted Items": 15, "Archive": 25, "Calendar": 30, "Contacts": 90,
    ]

    /// Returns the folders of a scope; without one, all that the user sees and those of deleted items.
    static func within(_ scope: String?) throws(ExchangeFailure) -> [ExchangeMailboxFolder] {
        switch scope?.lowercased() {
        case nil, "all": return all
        case "recoverableitems": return all.filter { $0.type.hasPrefix("Recoverable") }
        case "nonipmroot": return []
        case let wanted?:
            let found = all.filter { $0.type.lowercased() == wanted }
            guard !found.isEmpty || others.contains(wanted) else {
                throw ExchangeFailure(
                    400, "BadRequest", type: "System.Management.Automation.ParameterBindingException",
                    "Cannot process argument transformation on parameter 'FolderScope'. Cannot convert value \"\(scope ?? "")\" "
                        + "to type \"Microsoft.Exchange.Data.Directory.SystemConfiguration.ElcFolderType\".")
            }
            return found
        }
    }

    /// Scopes of folders that mailboxes here don't have.
    private static let others: Set<String> = [
        "conversationhistory", "journal", "legacyarchivejournals", "managedcustomfolder", "outbox", "personal",
        "rssfeeds",
        "rsssubscriptions", "syncissues", "tasks",
    ]

    /// Returns what the service shows of the folder in one mailbox.
    func row(of mailbox: ExchangeMailbox) -> JSONObject {
        let isTop = type == "Root"
        let items = share == 0 ? 0 : mailbox.size.items / share
        let bytes = share == 0 ? 0 : mailbox.size.bytes / share
        let visible = Self.all.filter { !$0.type.hasPrefix("Recoverable") && $0.share > 0 }
        let allItems = isTop ? visible.reduce(0) { $0 + mailbox.size.items / $1.share } : items
        let allBytes = isTop ? visible.reduce(0) { $0 + mailbox.size.bytes / $1.share } : bytes
        let last = mailbox.lastLogon.map { JSONValue.string(ServiceTime.text($0)) } ?? .null
        return [
            "Name": .string(name), "Identity": .string("\(mailbox.name)\\\(name)"), "FolderPath": .string("/\(name)"),
            "FolderType": .string(type), "ItemsInFolder": .int(Int64(items)),
            "ItemsInFolderAndSubfolders": .int(Int64(allItems)),
            "FolderAndSubfolderSize": .string(ExchangeOrganization.byteSize(allBytes)), "DeletedItemsInFolder": 0,
            "FolderId": .string("LgAAAAB\(type)"), "DeletedItemsInFolderAndSubfolders": 0,
            "VisibleItemsInFolder": .int(Int64(items)), "HiddenItemsInFolder": 0,
            "CreationTime@data.type": "System.DateTime",
            "CreationTime": .string(ServiceTime.text(mailbox.row.created)),
            "LastModifiedTime@data.type": "System.DateTime",
            "LastModifiedTime": last, "NewestItemReceivedDate@data.type": "System.DateTime",
            "NewestItemReceivedDate": items == 0 ? .null : last, "OldestItemReceivedDate@data.type": "System.DateTime",
            "OldestItemReceivedDate": items == 0 ? .null : .string(ServiceTime.text(mailbox.row.created)),
            "FolderSize": .string(ExchangeOrganization.byteSize(bytes)),
        ]
    }
}
