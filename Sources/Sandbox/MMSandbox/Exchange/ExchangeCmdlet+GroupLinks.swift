internal import MMCore

/// Cmdlets for the members and owners of Microsoft 365 groups.
extension ExchangeCmdlet {
    /// The service also takes the singular, which scripts write.
    private static let linkType = "Identity LinkType:Members|Member|Owners|Owner|Subscribers"

    static let groupLinks: [ExchangeCmdlet] = [
        ExchangeCmdlet("Get-UnifiedGroupLinks", .reading, linkType) {
            (organization, call) throws(ExchangeFailure) in
            let (group, address) = try organization.links(call)
            return try .page(of: organization.people(in: group, address.relation), call)
        },
        ExchangeCmdlet("Add-UnifiedGroupLinks", .managing, linkType + " Links") {
            (organization, call) throws(ExchangeFailure) in
            let (_, address) = try organization.links(call)
            for id in try organization.linked(call) where !organization.store.isLinked(id, address) {
                organization.store.changeLinks(address) {
                    if $0.removed.remove(id) == nil { $0.added.append(id) }
                }
            }
            return .nothing
        },
        ExchangeCmdlet("Remove-UnifiedGroupLinks", .managing, linkType + " Links") {
            (organization, call) throws(ExchangeFailure) in
            let (_, address) = try organization.links(call)
            for id in try organization.linked(call) where organization.store.isLinked(id, address) {
                organization.store.changeLinks(address) { links in
                    let added = links.added.count
                    links.added.removeAll { $0 == id }
                    if links.added.count == added { links.removed.insert(id) }
                }
            }
            return .nothing
        },
    ]
}

extension ExchangeOrganization {
    /// The group of a call, and where its links of the named type are.
    fileprivate func links(_ call: InvokedCmdlet) throws(ExchangeFailure) -> (JSONObject, LinkAddress) {
        guard let type = call.text("LinkType")?.lowercased() else { throw .missing("LinkType") }
        let group = try group(call, in: unifiedGroups)
        let relation: LinkAddress.Relation = type.hasPrefix("owner") ? .owners : .members
        return (group, LinkAddress(owner: group["Guid"]?.string ?? "", relation: relation))
    }

    /// The ids of the people in `-Links`.
    fileprivate func linked(_ call: InvokedCmdlet) throws(ExchangeFailure) -> [String] {
        guard let links = call.texts("Links"), !links.isEmpty else { throw .missing("Links") }
        var ids: [String] = []
        for link in links { ids.append(try mailboxes.find(link).id) }
        return ids
    }
}

extension ExchangeOrganization {
    /// What Exchange sets for every group of Microsoft 365 when it is made.
    static let settingsOfUnifiedGroups: JSONObject = [
        "WelcomeMessageEnabled": true, "AutoSubscribeNewMembers": false,
        "AlwaysSubscribeMembersToCalendarEvents": false,
        "AllowAddGuests": true, "IsMembershipDynamic": false, "HiddenGroupMembershipEnabled": false,
        "HiddenFromExchangeClientsEnabled": false, "ConnectorsEnabled": true, "SubscriptionEnabled": true,
        "CalendarMemberReadOnly": false, "InboxUrl": .null, "Language": "en-US", "MailTip": .null,
        "Classification": .null, "SensitivityLabel": .null,
        "RejectMessagesFrom": [], "ModeratedBy": [],
    ]
}
