internal import MMCore

/// What was written through cmdlets since the tenant started.
struct ExchangeChanges: Sendable {
    /// Properties of mailboxes, by object id.
    var mailboxes: [String: JSONObject] = [:]
    /// Permissions that were given, by object id of the mailbox.
    var permissions: [String: [JSONObject]] = [:]
    /// Users whose start permission was taken, by object id of the mailbox.
    var withdrawn: [String: Set<String>] = [:]
    /// Inbox rules that were made, by object id of the mailbox; the start rules go once somebody changes them.
    var inboxRules: [String: [JSONObject]] = [:]
    /// All transport rules, once somebody changed them.
    var transportRules: [JSONObject]?
    /// Compliance searches that were made.
    var searches: [JSONObject] = []
    /// Automatic replies, by object id of the mailbox.
    var replies: [String: JSONObject] = [:]
    /// Members of groups that were added or taken, by group.
    var serial = 0
}
