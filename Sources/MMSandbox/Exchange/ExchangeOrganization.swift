internal import MMCore

/// The Exchange organization that cmdlets work on: the mailboxes it starts with, and what was written since.
final class ExchangeOrganization {
    let context: TenantContext
    let store: DirectoryStore
    let mailboxes: ExchangeMailboxes
    /// Properties of mailboxes that were written, by object id.
    var writtenProperties: [String: JSONObject] = [:]
    /// Permissions that were given, by object id of the mailbox.
    var givenPermissions: [String: [JSONObject]] = [:]
    /// Users whose start permission was taken, by object id of the mailbox.
    var withdrawn: [String: Set<String>] = [:]
    /// Inbox rules that were made, by object id of the mailbox; the start rules go once somebody changes them.
    var writtenInboxRules: [String: [JSONObject]] = [:]
    /// All transport rules, once somebody changed them.
    var writtenTransportRules: [JSONObject]?
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
