/// Actions that can't be taken back, by name: known before they are sent, so that the user is told in time.
package enum Irreversible {
    /// Returns why an action can't be taken back; `nil` for one that is not known to be so.
    /// - Parameters:
    ///   - action: the last step of the path in lower case, without a namespace.
    ///   - steps: the whole path.
    static func reason(of action: String, steps: [String]) -> String? {
        if let reason = reasons[action] { return reason }
        let collections = steps.map { $0.lowercased() }
        if action == "messages", collections.contains("chats") || collections.contains("channels") {
            return "a message in Teams may already have been read"
        }
        if action == "teams", steps.count == 1 {
            return "the service creates a team in the background; to undo it, delete its group"
        }
        if action.hasSuffix("schedulerequests") || action == "assignmentrequests" {
            return "to undo it, send a request with the action adminRemove or selfDeactivate"
        }
        return nil
    }

    /// Returns why a cmdlet can't be taken back; `nil` for one that is not known to be so.
    static func reason(ofCmdlet name: String) -> String? { cmdlets[name.lowercased()] }

    private static let cmdlets = [
        "remove-mailbox": "mm does not restore mailboxes; Microsoft keeps a deleted one for 30 days",
        "disable-mailbox": "mm does not restore mailboxes; Microsoft keeps a disabled one for 30 days",
        "new-compliancesearchaction": "items that the search finds may be purged, which is permanent",
        "clear-mobiledevice": wipe, "remove-mobiledevice": "the device must be set up again",
        "set-mailboxplan": "it changes mailboxes that are created later",
        "start-managedfolderassistant": "items that the assistant moved or deleted stay moved or deleted",
    ]

    private static let mail = "mail that is sent stays sent"
    private static let wipe = "data removed from a device can't be restored"
    private static let password = "the earlier password is unknown"
    private static let reasons = [
        "sendmail": mail, "send": mail, "reply": mail, "replyall": mail, "forward": mail,
        "invitations": "the invitation is sent; the guest itself can be deleted",
        "revokesigninsessions": "sessions that have ended stay ended; people sign in again",
        "invalidateallrefreshtokens": "sessions that have ended stay ended; people sign in again",
        "changepassword": password, "resetpassword": password,
        "addpassword": "a password is shown only once; remove it instead",
        "removepassword": "the earlier password is unknown", "permanentdelete": "it is permanent",
        "purge": "it is permanent", "purgedata": "it is permanent", "wipe": wipe, "retire": wipe,
        "cleanwindowsdevice": wipe,
        "remotelock": "the device is locked", "resetpasscode": "the earlier passcode is unknown",
        "shutdown": "the device shuts down", "rebootnow": "the device restarts",
    ]
}
