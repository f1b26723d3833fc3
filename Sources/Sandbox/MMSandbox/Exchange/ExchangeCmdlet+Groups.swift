internal import MMCore

/// Cmdlets on groups and who is in them.
extension ExchangeCmdlet {
    private static let listing = "Identity Anr Filter RecipientTypeDetails SortBy ManagedBy"

    static let groups: [ExchangeCmdlet] = [
        ExchangeCmdlet("Get-DistributionGroup", .reading, listing) { (organization, call) throws(ExchangeFailure) in
            try organization.groupPage(organization.distributionGroups, call)
        },
        ExchangeCmdlet("Get-UnifiedGroup", .reading, listing + " IncludeAllProperties:b IncludeSoftDeletedGroups:b") {
            (organization, call) throws(ExchangeFailure) in try organization.groupPage(organization.unifiedGroups, call)
        },
        ExchangeCmdlet("Get-DistributionGroupMember", .reading, "Identity IncludeSoftDeletedObjects:b") {
            (organization, call) throws(ExchangeFailure) in
            let group = try organization.group(call, in: organization.distributionGroups)
            return try .page(of: organization.people(in: group, .members), call)
        },
        ExchangeCmdlet("Get-UnifiedGroupLinks", .reading, "Identity LinkType:Members|Owners|Subscribers") {
            (organization, call) throws(ExchangeFailure) in
            guard let type = call.text("LinkType")?.lowercased() else { throw .missing("LinkType") }
            let group = try organization.group(call, in: organization.unifiedGroups)
            return try .page(of: organization.people(in: group, type == "owners" ? .owners : .members), call)
        },
        ExchangeCmdlet(
            "New-DistributionGroup", .managing,
            "Name Alias DisplayName PrimarySmtpAddress Type:Distribution|Security ManagedBy Members Notes "
                + groupSettings
        ) { (organization, call) throws(ExchangeFailure) in try organization.newGroup(call) },
        ExchangeCmdlet(
            "Set-DistributionGroup", .managing,
            "Identity Name Alias DisplayName ManagedBy BypassSecurityGroupManagerCheck:b " + groupSettings
        ) { (organization, call) throws(ExchangeFailure) in
            let group = try organization.group(call, in: organization.distributionGroups)
            organization.setGroup(group["Guid"]?.string ?? "", call)
            return .nothing
        },
        ExchangeCmdlet("Remove-DistributionGroup", .managing, "Identity BypassSecurityGroupManagerCheck:b") {
            (organization, call) throws(ExchangeFailure) in
            let group = try organization.group(call, in: organization.distributionGroups)
            organization.store.remove(group["Guid"]?.string ?? "", from: .groups)
            return .nothing
        },
        ExchangeCmdlet("Add-DistributionGroupMember", .managing, membership) {
            (organization, call) throws(ExchangeFailure) in
            let (group, member) = try organization.membership(call)
            let name = group["Name"]?.string ?? ""
            let address = LinkAddress(owner: group["Guid"]?.string ?? "", relation: .members)
            guard !organization.store.isLinked(member.id, address) else {
                throw ExchangeFailure(
                    400, "BadRequest", id: "ExC9CA5F",
                    type: "Microsoft.Exchange.Management.Tasks.MemberAlreadyExistsException",
                    "The recipient \"\(member.name)\" is already a member of the group \"\(name)\".")
            }
            organization.store.changeLinks(address) {
                if $0.removed.remove(member.id) == nil { $0.added.append(member.id) }
            }
            return .nothing
        },
        ExchangeCmdlet("Remove-DistributionGroupMember", .managing, membership) {
            (organization, call) throws(ExchangeFailure) in
            let (group, member) = try organization.membership(call)
            let address = LinkAddress(owner: group["Guid"]?.string ?? "", relation: .members)
            guard organization.store.isLinked(member.id, address) else {
                throw ExchangeFailure(
                    400, "BadRequest", id: "ExE0F4E5",
                    type: "Microsoft.Exchange.Management.Tasks.MemberNotFoundException",
                    "The recipient \"\(member.name)\" isn't a member of the group \"\(group["Name"]?.string ?? "")\".")
            }
            organization.store.changeLinks(address) { links in
                let added = links.added.count
                links.added.removeAll { $0 == member.id }
                if links.added.count == added { links.removed.insert(member.id) }
            }
            return .nothing
        },
    ]

    private static let groupSettings =
        "MemberJoinRestriction:Open|Closed|ApprovalRequired RequireSenderAuthenticationEnabled:b "
        + "HiddenFromAddressListsEnabled:b"
    private static let membership = "Identity Member BypassSecurityGroupManagerCheck:b"
}

extension ExchangeOrganization {
    /// The groups of the directory that Exchange has no mailbox for.
    fileprivate var distributionGroups: [JSONObject] { mailGroups(unified: false) }

    /// The groups of Microsoft 365.
    fileprivate var unifiedGroups: [JSONObject] { mailGroups(unified: true) }

    private func mailGroups(unified: Bool) -> [JSONObject] {
        store.table(.groups).all.filter { ($0["groupTypes"]?.array?.contains("Unified") == true) == unified }.map {
            let name = $0["displayName"] ?? ""
            let nickname = $0["mailNickname"]?.string ?? ""
            let type: JSONValue = unified ? "GroupMailbox" : "MailUniversalDistributionGroup"
            var row: JSONObject = [
                "Name": name, "DisplayName": name, "Alias": .string(nickname),
                "PrimarySmtpAddress": .string("\(nickname)@\(TenantIdentity.domain)"), "Identity": name,
                "ExternalDirectoryObjectId": $0["id"] ?? .null, "Guid": $0["id"] ?? .null, "GroupType": "Universal",
                "RecipientType": "MailUniversalDistributionGroup", "RecipientTypeDetails": type,
                "ManagedBy": ["admin"], "RequireSenderAuthenticationEnabled": true,
                "HiddenFromAddressListsEnabled": false, "WhenCreated@data.type": "System.DateTime",
                "WhenCreated": $0["createdDateTime"] ?? .null,
            ]
            guard unified else {
                row["MemberJoinRestriction"] = "Closed"
                return configured("DistributionGroup", $0.id, row)
            }
            let members = store.linked(LinkAddress(owner: $0.id, relation: .members))
            row["AccessType"] = $0["visibility"] ?? "Private"
            row["GroupMemberCount"] = .int(Int64(members.count))
            row["GroupExternalMemberCount"] = .int(Int64(members.filter(isGuest).count))
            row["ResourceProvisioningOptions"] = $0["resourceProvisioningOptions"] ?? []
            row["SharePointSiteUrl"] = .string("https://\(FileContent.host)/sites/\(nickname)")
            row["Notes"] = $0["description"] ?? .null
            return row
        }
    }

    /// `New-DistributionGroup`: a group of the directory with a mail address, and its members.
    fileprivate func newGroup(_ call: ExchangeCall) throws(ExchangeFailure) -> ExchangeAnswer {
        guard let name = call.text("Name") else { throw .missing("Name") }
        let alias = call.text("Alias") ?? name.filter { $0 != " " }
        let isTaken = distributionGroups.contains {
            $0["Alias"]?.string?.lowercased() == alias.lowercased()
                || $0["Name"]?.string?.lowercased() == name.lowercased()
        }
        guard !isTaken else {
            throw ExchangeFailure(
                400, "BadRequest", id: "ExB10E4A",
                type: "Microsoft.Exchange.Configuration.Tasks.ProxyAddressExistsException",
                "The name or alias of the group \"\(name)\" is already used.")
        }
        var members: [String] = []
        for member in call.texts("Members") ?? [] { members.append(try mailboxes.find(member).id) }
        let id = RandomBytes.uuid()
        var row = JSONObject()
        for property in EntityKind.group.properties {
            row[property] = EntityKind.group.types[property] == .collection ? [] : .null
        }
        row["id"] = .string(id)
        row["displayName"] = .string(name)
        row["mailNickname"] = .string(alias)
        row["mail"] = .string("\(alias)@\(TenantIdentity.domain)")
        row["mailEnabled"] = true
        row["securityEnabled"] = .bool(call.text("Type")?.lowercased() == "security")
        row["createdDateTime"] = .string(ServiceTime.text(context.now))
        store.insert(row, into: .groups)
        store.changeLinks(LinkAddress(owner: id, relation: .members)) { $0.added = members }
        setGroup(id, call)
        guard let shown = distributionGroups.first(where: { $0["Guid"]?.string == id }) else { return .nothing }
        return .row(shown, call)
    }

    /// Writes settings of a group, under the names that it is shown with.
    fileprivate func setGroup(_ id: String, _ call: ExchangeCall) {
        let cmdlet = ExchangeCmdlet.all[call.cmdlet.lowercased()]
        var written = writtenSettings["distributiongroup/\(id)"] ?? [:]
        for parameter in call.names {
            guard let value = cmdlet?.value(parameter, in: call) else { continue }
            switch parameter.lowercased() {
            case "identity", "members", "confirm", "whatif", "bypasssecuritygroupmanagercheck": continue
            case "type":
                written["RecipientTypeDetails"] =
                    value.string?.lowercased() == "security"
                    ? "MailUniversalSecurityGroup" : "MailUniversalDistributionGroup"
            default: written[parameter] = value
            }
        }
        writtenSettings["distributiongroup/\(id)"] = written
    }

    private func isGuest(_ id: String) -> Bool {
        store.users.ids.index(ofGuid: id).map { $0 < store.users.count && store.users.row($0).isGuest } ?? false
    }

    /// The group of an identity, or a page of those that the filters leave.
    fileprivate func groupPage(_ groups: [JSONObject], _ call: ExchangeCall) throws(ExchangeFailure) -> ExchangeAnswer {
        guard let identity = call.text("Identity") else {
            var rows = groups
            let known = Set(groups.first?.keys.map { $0.lowercased() } ?? [])
            if let text = call.text("Filter") {
                let filter = try ExchangeFilter(text, properties: known)
                rows = rows.filter(filter.passes)
            }
            if let name = call.text("SortBy") {
                guard let key = groups.first?.keys.first(where: { $0.lowercased() == name.lowercased() }) else {
                    throw .invalid("SortBy", "\"\(name)\" is not a property that results can be sorted by.")
                }
                rows.sort { ($0[key]?.string ?? "").lowercased() < ($1[key]?.string ?? "").lowercased() }
            }
            return try .page(of: rows, call)
        }
        guard !identity.contains("*") else {
            return try .page(
                of: groups.filter { group in
                    ["Name", "Alias", "PrimarySmtpAddress"].contains {
                        ExchangeFilter.matches(group[$0]?.string ?? "", identity)
                    }
                }, call)
        }
        var answer = ExchangeAnswer()
        answer.add(try group(call, in: groups), select: call.select)
        return answer
    }

    /// The one group of `-Identity`.
    fileprivate func group(_ call: ExchangeCall, in groups: [JSONObject]) throws(ExchangeFailure) -> JSONObject {
        guard let identity = call.text("Identity") else { throw .missing("Identity") }
        let wanted = identity.lowercased()
        let found = groups.filter { group in
            ["Name", "Alias", "PrimarySmtpAddress", "Guid"].contains { group[$0]?.string?.lowercased() == wanted }
        }
        guard let first = found.first else { throw .notFound(identity) }
        guard found.count == 1 else { throw .ambiguous(identity) }
        return first
    }

    fileprivate func membership(_ call: ExchangeCall) throws(ExchangeFailure) -> (JSONObject, ExchangeMailbox) {
        let group = try group(call, in: distributionGroups)
        return (group, try mailbox(call, "Member"))
    }

    fileprivate func people(in group: JSONObject, _ relation: LinkAddress.Relation) -> [JSONObject] {
        store.linked(LinkAddress(owner: group["Guid"]?.string ?? "", relation: relation)).compactMap { id in
            guard let mailbox = store.users.ids.index(ofGuid: id).flatMap({ mailboxes.mailbox($0) }) else { return nil }
            return [
                "Name": .string(mailbox.name), "DisplayName": .string(mailbox.displayName),
                "PrimarySmtpAddress": .string(mailbox.address), "Alias": .string(mailbox.alias),
                "RecipientType": "UserMailbox", "RecipientTypeDetails": .string(mailbox.kind.rawValue),
                "ExternalDirectoryObjectId": .string(mailbox.id), "Identity": .string(mailbox.name),
                "Guid": .string(mailbox.id),
            ]
        }
    }
}
