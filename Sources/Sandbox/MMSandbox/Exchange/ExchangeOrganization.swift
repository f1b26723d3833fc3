internal import MMCore

/// The Exchange organization that cmdlets work on: the mailboxes it starts with, and what was written since.
final class ExchangeOrganization {
    let context: TenantContext
    let store: DirectoryStore
    let mailboxes: ExchangeMailboxes
    /// Properties of mailboxes that were written, by object id.
    var writtenProperties: [String: JSONObject] = [:]
    /// Permissions of mailboxes, by object id; the start permissions go once somebody changes them.
    var writtenPermissions: [String: [JSONObject]] = [:]
    /// Who may send as a mailbox, by its object id; the start permissions go once somebody changes them.
    var writtenSenders: [String: [JSONObject]] = [:]
    /// Permissions of folders that were changed, by object id of the mailbox and name of the folder.
    var writtenFolders: [String: [JSONObject]] = [:]
    /// Inbox rules that were made, by object id of the mailbox; the start rules go once somebody changes them.
    var writtenInboxRules: [String: [JSONObject]] = [:]
    /// All transport rules, once somebody changed them.
    var writtenTransportRules: [JSONObject]?
    /// Settings of other objects that were written, by noun and name in small letters.
    var writtenSettings: [String: JSONObject] = [:]
    /// Compliance searches that were made.
    var searches: [JSONObject] = []
    /// Automatic replies, by object id of the mailbox.
    var replies: [String: JSONObject] = [:]
    /// Counts the rules that were made.
    var serial = 0

    init(context: TenantContext, store: DirectoryStore, mailboxes: ExchangeMailboxes) {
        self.context = context
        self.store = store
        self.mailboxes = mailboxes
    }
}
