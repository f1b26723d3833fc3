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
            return "a message in Teams has been read by then"
        }
        if action == "teams", steps.count == 1 {
            return "the service makes a team in the background; deleting its group takes it back"
        }
        if action.hasSuffix("schedulerequests") || action == "assignmentrequests" {
            return "what such a request gave is taken by another request, with the action adminRemove or selfDeactivate"
        }
        return nil
    }

    /// Returns why a cmdlet can't be taken back; `nil` for one that is not known to be so.
    static func reason(ofCmdlet name: String) -> String? { cmdlets[name.lowercased()] }

    private static let cmdlets = [
        "remove-mailbox": "mm does not restore mailboxes; Microsoft keeps a deleted one for 30 days",
        "disable-mailbox": "mm does not restore mailboxes; Microsoft keeps a disabled one for 30 days",
        "new-compliancesearchaction": "what a search finds may be purged, which is for good",
        "clear-mobiledevice": wipe, "remove-mobiledevice": "the device has to be set up again",
        "set-mailboxplan": "it changes mailboxes that are made later",
        "start-managedfolderassistant": "what the assistant has moved or deleted stays so",
    ]

    private static let mail = "mail that is sent stays sent"
    private static let wipe = "what is removed from a device does not come back"
    private static let password = "the password before is known to nobody"
    private static let reasons = [
        "sendmail": mail, "send": mail, "reply": mail, "replyall": mail, "forward": mail,
        "invitations": "the invitation is sent; the guest itself can be deleted",
        "revokesigninsessions": "sessions that have ended stay ended; people sign in again",
        "invalidateallrefreshtokens": "sessions that have ended stay ended; people sign in again",
        "changepassword": password, "resetpassword": password,
        "addpassword": "a password is shown once; remove it instead",
        "removepassword": "the password before is known to nobody", "permanentdelete": "it is gone for good",
        "purge": "it is gone for good", "purgedata": "it is gone for good", "wipe": wipe, "retire": wipe,
        "cleanwindowsdevice": wipe,
        "remotelock": "the device is locked", "resetpasscode": "the passcode before is known to nobody",
        "shutdown": "the device is switched off", "rebootnow": "the device is started again",
    ]
}
