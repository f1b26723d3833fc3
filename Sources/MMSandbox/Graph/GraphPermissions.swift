internal import MMCore
internal import MMHTTP

/// Who may do what: the permissions of the app, and the roles of the person.
struct GraphPermissions {
    let store: DirectoryStore

    /// - Throws: what the service says to who may not.
    func check(_ call: GraphCall, _ place: GraphPlace) throws(GraphFailure) {
        var held = call.principal.permissions
        if place.area.isDirectory, held.contains("Directory.AccessAsUser.All") {
            held.insert("Directory.ReadWrite.All")
        }
        let isRead =
            call.request.method == "GET"
            || ["getMemberGroups", "checkMemberGroups", "getMemberObjects"].contains(place.rest.first?.name ?? "")
        let isSelf: Bool
        if case .row(.users, let key) = place.node {
            isSelf = store.user(key)?.id == call.principal.objectID
        } else {
            isSelf = false
        }
        let action = place.rest.first?.name ?? ""
        if ["sendMail", "send", "reply", "replyAll", "forward"].contains(action) {
            guard held.contains("Mail.Send") else { throw GraphArea.mail.denied }
            if let owner = place.owner { try checkMailbox(call, owner) }
            return
        }
        let wanted = isRead ? place.area.reading : place.area.writing
        let ownProfile =
            isSelf && (isRead ? held.contains("User.Read") : held.contains("User.ReadWrite")) && place.area == .users
        guard ownProfile || !held.isDisjoint(with: wanted) else { throw place.area.denied }
        if call.principal.isApp { return }
        let roles = store.roles(of: call.principal.objectID)
        let isSupreme = roles.contains(.globalAdministrator)
        switch place.area {
        case let area where area.needsReader && !isSupreme && !(isRead && roles.contains(.globalReader)): throw .denied
        case .mail, .mailboxSettings, .calendars, .contacts:
            if let owner = place.owner { try checkMailbox(call, owner) }
        case let area where area.isDirectory && !isRead && !isSelf:
            let isUserAdministrator = roles.contains(.userAdministrator) && (area == .users || area == .groups)
            guard isSupreme || isUserAdministrator else { throw .denied }
        default: break
        }
    }

    /// One's own mailbox, or any as an administrator or an app.
    private func checkMailbox(_ call: GraphCall, _ owner: String) throws(GraphFailure) {
        if call.principal.isApp || owner == call.principal.objectID { return }
        let roles = store.roles(of: call.principal.objectID)
        guard roles.contains(.globalAdministrator) || roles.contains(.exchangeAdministrator) else { throw .mailDenied }
    }
}
