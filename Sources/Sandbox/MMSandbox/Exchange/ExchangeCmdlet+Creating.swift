internal import MMCore

/// Cmdlets that create mailboxes, groups and the objects of short lists, and that change and remove these.
extension ExchangeCmdlet {
    static let creating: [ExchangeCmdlet] =
        listed.flatMap { writing($0.noun, compliance: $0.isCompliance) } + [
            ExchangeCmdlet("New-Mailbox", .managing, "Shared:b Room:b Equipment:b", open: true) {
                (organization, call) throws(ExchangeFailure) in try organization.newMailbox(call)
            },
            ExchangeCmdlet("Enable-Mailbox", .managing, "Identity Archive:b AutoExpandingArchive:b", open: true) {
                (organization, call) throws(ExchangeFailure) in
                let mailbox = try organization.mailbox(call)
                var written = organization.writtenProperties[mailbox.id] ?? [:]
                if call.isSet("Archive") {
                    written["ArchiveStatus"] = "Active"
                    written["ArchiveState"] = "Local"
                    written["ArchiveGuid"] = .string(mailbox.archiveGuid)
                    written["ArchiveName"] = .string("In-Place Archive - \(mailbox.displayName)")
                }
                if call.isSet("AutoExpandingArchive") { written["AutoExpandingArchiveEnabled"] = true }
                organization.writtenProperties[mailbox.id] = written
                return .row(organization.properties(of: mailbox), call)
            },
            ExchangeCmdlet("New-UnifiedGroup", .managing, "", open: true) {
                (organization, call) throws(ExchangeFailure) in try organization.newGroup(call, isUnified: true)
            },
            ExchangeCmdlet("Set-UnifiedGroup", .managing, "", open: true) {
                (organization, call) throws(ExchangeFailure) in
                let group = try organization.group(call, in: organization.unifiedGroups)
                organization.set("UnifiedGroup", group["Guid"]?.string ?? "", call)
                return .nothing
            },
            ExchangeCmdlet("Remove-UnifiedGroup", .managing, "Identity Force:b") {
                (organization, call) throws(ExchangeFailure) in
                let group = try organization.group(call, in: organization.unifiedGroups)
                organization.store.remove(group["Guid"]?.string ?? "", from: .groups)
                return .nothing
            },
        ]

    private static let listed: [(noun: String, isCompliance: Bool)] = [
        ("DynamicDistributionGroup", false), ("MailContact", false), ("MailUser", false),
        ("RetentionCompliancePolicy", true), ("RetentionComplianceRule", true),
    ]

    /// Returns the cmdlets that create, change and remove the objects of a list.
    private static func writing(_ noun: String, compliance: Bool) -> [ExchangeCmdlet] {
        [
            ExchangeCmdlet("New-\(noun)", .managing, "", compliance: compliance, open: true) {
                (organization, call) throws(ExchangeFailure) in try organization.newRow(noun, call)
            },
            ExchangeCmdlet("Set-\(noun)", .managing, "", compliance: compliance, open: true) {
                (organization, call) throws(ExchangeFailure) in
                organization.set(noun, try organization.identity(of: noun, call), call)
                return .nothing
            },
            ExchangeCmdlet("Remove-\(noun)", .managing, "Identity", compliance: compliance, open: true) {
                (organization, call) throws(ExchangeFailure) in
                let identity = try organization.identity(of: noun, call)
                organization.removedRows[noun, default: []].insert(identity.lowercased())
                return .nothing
            },
        ]
    }
}

extension ExchangeOrganization {
    /// Returns the unique name of a mailbox or group.
    func nameOfRecipient(_ identity: String) throws(ExchangeFailure) -> String {
        if let name = group(named: identity)?["Name"]?.string { return name }
        return try mailboxes.find(identity).name
    }

    /// Returns a group by any of its names that no other recipient has.
    func group(named identity: String) -> JSONObject? {
        let wanted = identity.lowercased()
        return (distributionGroups + unifiedGroups).first { group in
            ["Name", "Alias", "PrimarySmtpAddress", "Guid"].contains { group[$0]?.string?.lowercased() == wanted }
        }
    }

    /// Runs `New-DistributionGroup` or `New-UnifiedGroup`: creates a group of the directory with a mail address and its
    /// members.
    func newGroup(_ call: InvokedCmdlet, isUnified: Bool = false) throws(ExchangeFailure) -> ExchangeAnswer {
        guard let name = call.text("Name") ?? (isUnified ? call.text("DisplayName") : nil) else {
            throw .missing(isUnified ? "DisplayName" : "Name")
        }
        let alias = call.text("Alias") ?? name.filter { $0 != " " }
        let isTaken = (distributionGroups + unifiedGroups).contains {
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
        row["displayName"] = .string(isUnified ? call.text("DisplayName") ?? name : name)
        if isUnified {
            row["groupTypes"] = ["Unified"]
            row["visibility"] = .string(call.text("AccessType") ?? "Private")
            row["description"] = call["Notes"] ?? .null
        }
        row["mailNickname"] = .string(alias)
        row["mail"] = .string("\(alias)@\(TenantIdentity.domain)")
        row["mailEnabled"] = true
        row["securityEnabled"] = .bool(call.text("Type")?.lowercased() == "security")
        row["createdDateTime"] = .string(ServiceTime.text(context.now))
        store.insert(row, into: .groups)
        store.changeLinks(LinkAddress(owner: id, relation: .members)) { $0.added = members }
        if !isUnified { setGroup(id, call) }
        guard let shown = (isUnified ? unifiedGroups : distributionGroups).first(where: { $0["Guid"]?.string == id })
        else { return .nothing }
        return .row(shown, call)
    }

    /// Writes settings of a group under the names with which they are shown.
    func setGroup(_ id: String, _ call: InvokedCmdlet) {
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
                written["GroupType"] =
                    value.string?.lowercased() == "security" ? "Universal, SecurityEnabled" : "Universal"
            default: written[parameter] = value
            }
        }
        writtenSettings["distributiongroup/\(id)"] = written
    }

    /// Runs `New-Mailbox`.
    fileprivate func newMailbox(_ call: InvokedCmdlet) throws(ExchangeFailure) -> ExchangeAnswer {
        guard let name = call.text("Name") else { throw .missing("Name") }
        let given = call.text("PrimarySmtpAddress") ?? call.text("MicrosoftOnlineServicesID")
        let alias = call.text("Alias") ?? String((given ?? name).prefix { $0 != "@" }.filter { $0 != " " })
        let address = given ?? "\(alias)@\(TenantIdentity.domain)"
        for taken in [name, alias, address] where (try? mailboxes.find(taken)) != nil {
            throw ExchangeFailure(
                400, "BadRequest", id: "ExB10E4A",
                type: "Microsoft.Exchange.Configuration.Tasks.ProxyAddressExistsException",
                "The name \"\(taken)\" is already being used.")
        }
        let kind: ExchangeMailbox.Kind =
            call.isSet("Shared") ? .shared : call.isSet("Room") ? .room : call.isSet("Equipment") ? .equipment : .user
        let mailbox = mailboxes.add(
            ExchangeMailbox.Creation(
                name: name, displayName: call.text("DisplayName") ?? name, alias: alias, address: address, kind: kind))
        return .row(properties(of: mailbox), call)
    }

    /// Adds an object with the properties that a call gives to a list.
    fileprivate func newRow(_ noun: String, _ call: InvokedCmdlet) throws(ExchangeFailure) -> ExchangeAnswer {
        guard let name = call.text("Name") else { throw .missing("Name") }
        guard (try? identity(of: noun, call, named: name)) == nil else {
            throw ExchangeFailure(
                400, "BadRequest", type: "Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException",
                "The object \"\(name)\" already exists.")
        }
        let alias = call.text("Alias") ?? name.filter { $0 != " " }
        var row: JSONObject = [
            "Name": .string(name), "DisplayName": .string(name), "Identity": .string(name), "Alias": .string(alias),
            "Guid": .string(RandomBytes.uuid()),
            "PrimarySmtpAddress": .string(call.text("ExternalEmailAddress") ?? "\(alias)@\(TenantIdentity.domain)"),
            "RecipientTypeDetails": .string(noun), "RecipientType": .string(noun),
        ]
        for parameter in call.names where !["confirm", "whatif"].contains(parameter.lowercased()) {
            row[parameter] = call.raw(parameter)
        }
        createdRows[noun, default: []].append(row)
        removedRows[noun]?.remove(name.lowercased())
        return .row(row, call)
    }

    /// Returns the identity of the object of a list that a call names.
    fileprivate func identity(
        of noun: String, _ call: InvokedCmdlet, named name: String? = nil
    ) throws(ExchangeFailure) -> String {
        guard let wanted = name ?? call.text("Identity") else { throw .missing("Identity") }
        let rows = try ExchangeCmdlet.all["get-\(noun.lowercased())"]?.run(self, call.naming(wanted)).rows ?? []
        let found = (try? JSONParser.parse([UInt8(ascii: "[")] + rows + [UInt8(ascii: "]")]))?.array?.first
        guard let identity = found?["Identity"]?.string else { throw .notFound(wanted) }
        return identity
    }
}
