internal import MMCore
internal import MMGuard
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
        let isMail = ["sendMail", "send", "reply", "replyAll", "forward"].contains(action)
        let wanted = isRead ? place.area.reading : isMail ? ["Mail.Send"] : place.area.writing
        // What acts with all of a person's rights in the directory is asked for by no call by name.
        let hasAll = place.area.isDirectory && held.contains("Directory.AccessAsUser.All")
        let known = hasAll ? nil : GraphScopes(call: call, isSelf: isSelf).isOpen
        let isOpen = known ?? !held.isDisjoint(with: wanted)
        guard isOpen else { throw isMail ? GraphArea.mail.denied : place.area.denied }
        if call.principal.isApp { return }
        switch place.area {
        case _ where isMail, .mail, .mailboxSettings, .calendars, .contacts:
            if let owner = place.owner { try checkMailbox(call, owner) }
        default: try checkRoles(call, place, isRead: isRead, isSelf: isSelf)
        }
    }

    /// What belongs to nobody in particular takes a role beside the permission.
    private func checkRoles(
        _ call: GraphCall, _ place: GraphPlace, isRead: Bool, isSelf: Bool
    ) throws(GraphFailure) {
        let path = call.segments.map { "/" + $0.name }.joined()
        let area = RoleTable.standard.area(of: path, method: call.request.method)
        guard !isSelf, area?.content == nil else { return }
        let roles = Set(store.roles(of: call.principal).map(\.rawValue))
        guard !roles.contains(DirectoryRoleName.globalAdministrator.rawValue) else { return }
        let enough = area?.roles(reading: isRead) ?? []
        // Everybody in a tenant reads the directory itself.
        if isRead, enough.first?.name == "Directory Readers" || (enough.isEmpty && !place.area.needsReader) { return }
        if enough.isEmpty, !place.area.isDirectory, !place.area.needsReader { return }
        guard enough.contains(where: { roles.contains($0.id) }) else { throw .denied }
    }

    /// One's own mailbox, or any as an administrator or an app.
    private func checkMailbox(_ call: GraphCall, _ owner: String) throws(GraphFailure) {
        if call.principal.isApp || owner == call.principal.objectID { return }
        let roles = store.roles(of: call.principal)
        guard roles.contains(.globalAdministrator) || roles.contains(.exchangeAdministrator) else { throw .mailDenied }
    }
}
