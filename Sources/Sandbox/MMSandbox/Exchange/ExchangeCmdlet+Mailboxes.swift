internal import MMCore

/// Cmdlets on mailboxes and recipients.
extension ExchangeCmdlet {
    private static let listing =
        "Identity Anr Filter SortBy IncludeInactiveMailbox:b InactiveMailboxOnly:b SoftDeletedMailbox:b GroupMailbox:b "
        + "Archive:b PublicFolder:b "
        + "UserPrincipalName ReadFromDomainController:b Properties PropertySets RecipientTypeDetails:UserMailbox|"
        + "SharedMailbox|RoomMailbox|EquipmentMailbox|DiscoveryMailbox|GroupMailbox|LinkedMailbox|MailUser|MailContact|"
        + "GuestMailUser|SchedulingMailbox|TeamMailbox|MailUniversalDistributionGroup|MailUniversalSecurityGroup|"
        + "LegacyMailbox|LinkedRoomMailbox|DynamicDistributionGroup|MailNonUniversalGroup|PublicFolder|RoomList|"
        + "PublicFolderMailbox|RemoteUserMailbox|RemoteSharedMailbox|RemoteRoomMailbox|RemoteEquipmentMailbox|User|"
        + "DisabledUser|MailForestContact|RemoteTeamMailbox|AllUniqueRecipientTypes|ArbitrationMailbox|AuditLogMailbox|"
        + "AuxAuditLogMailbox|MonitoringMailbox|SystemMailbox|SystemAttendantMailbox|Computer|Contact|LinkedUser|RoleGroup|"
        + "MicrosoftExchange|SharedWithMailUser|UniversalDistributionGroup|UniversalSecurityGroup|NonUniversalGroup"

    static let mailboxes: [ExchangeCmdlet] = [
        ExchangeCmdlet(
            "Get-Mailbox", .reading, listing + " IncludeGrantSendOnBehalfToWithDisplayNames:b",
            ExchangeOrganization.mailboxPage),
        ExchangeCmdlet(
            "Get-Recipient", .reading, listing + " RecipientType Database", ExchangeOrganization.recipientPage),
        ExchangeCmdlet("Get-User", .reading, listing, ExchangeOrganization.mailboxPage),
        ExchangeCmdlet("Get-CASMailbox", .reading, listing) { (organization, call) throws(ExchangeFailure) in
            try organization.rowsOfMailboxes(call, organization.clientAccess)
        },
        ExchangeCmdlet(
            "Set-CASMailbox", .managing,
            "Identity ActiveSyncEnabled:b OWAEnabled:b PopEnabled:b ImapEnabled:b MAPIEnabled:b EwsEnabled:b",
            open: true
        ) { (organization, call) throws(ExchangeFailure) in
            let mailbox = try organization.mailbox(call)
            organization.set("CASMailbox", mailbox.id, call)
            return .nothing
        },
        ExchangeCmdlet(
            "Set-Mailbox", .managing,
            "Identity ForwardingSmtpAddress ForwardingAddress DeliverToMailboxAndForward:b DisplayName Alias "
                + "Type:Regular|Room|Equipment|Shared HiddenFromAddressListsEnabled:b LitigationHoldEnabled:b CustomAttribute1 CustomAttribute2 CustomAttribute3 "
                + "CustomAttribute4 CustomAttribute5 EmailAddresses GrantSendOnBehalfTo ProhibitSendQuota "
                + "ProhibitSendReceiveQuota IssueWarningQuota MaxSendSize MaxReceiveSize RetentionPolicy AuditEnabled:b "
                + "AuditLogAgeLimit RecipientLimits Office Force:b AccountDisabled:b", open: true
        ) { (organization, call) throws(ExchangeFailure) in try organization.setMailbox(call) },
        ExchangeCmdlet(
            "Get-MailboxStatistics", .reading, "Identity Archive:b IncludeMoveReport:b Database StoreMailboxIdentity"
        ) {
            (organization, call) throws(ExchangeFailure) in
            let mailbox = try organization.anyMailbox(call)
            if call.isSet("Archive"), !mailbox.hasArchive { throw .noArchive(mailbox.name) }
            var answer = ExchangeAnswer()
            answer.add(
                ExchangeOrganization.statistics(of: mailbox, archive: call.isSet("Archive")), select: call.select)
            if mailbox.size.items > 39_000 {
                answer.warnings.append("The mailbox \(mailbox.displayName) is close to the limit of items in a folder.")
            }
            return answer
        },
        ExchangeCmdlet(
            "Get-MailboxFolderStatistics", .own, "Identity FolderScope Archive:b IncludeOldestAndNewestItems:b"
        ) {
            (organization, call) throws(ExchangeFailure) in
            let mailbox = try organization.anyMailbox(call)
            let rows = try ExchangeMailboxFolder.within(call.text("FolderScope")).map { $0.row(of: mailbox) }
            return try .page(of: rows, call)
        },
        ExchangeCmdlet("Get-MailboxAutoReplyConfiguration", .own, "Identity") {
            (organization, call) throws(ExchangeFailure) in
            let mailbox = try organization.mailbox(call)
            var row: JSONObject = [
                "Identity": .string(mailbox.name), "MailboxOwnerId": .string(mailbox.name),
                "AutoReplyState": mailbox.isAway ? "Enabled" : "Disabled",
                "InternalMessage": mailbox.isAway ? "I am on leave until Monday." : "", "ExternalMessage": "",
                "ExternalAudience": "All", "AutoDeclineFutureRequestsWhenOOF": false, "CreateOOFEvent": false,
                "DeclineAllEventsForScheduledOOF": false, "DeclineEventsForScheduledOOF": false,
                "DeclineMeetingMessage": "", "EventsToDeleteIDs": .null, "OOFEventSubject": "",
                "StartTime@data.type": "System.DateTime",
                "StartTime": .string(ServiceTime.text(organization.today)),
                "EndTime@data.type": "System.DateTime",
                "EndTime": .string(ServiceTime.text(organization.today + 86_400)),
            ]
            for (name, value) in organization.replies[mailbox.id] ?? [:] { row[name] = value }
            return .row(row, call)
        },
        ExchangeCmdlet(
            "Set-MailboxAutoReplyConfiguration", .own,
            "Identity AutoReplyState:Enabled|Disabled|Scheduled InternalMessage ExternalMessage "
                + "ExternalAudience:None|Known|All StartTime EndTime"
        ) { (organization, call) throws(ExchangeFailure) in
            let mailbox = try organization.mailbox(call)
            for name in ["AutoReplyState", "InternalMessage", "ExternalMessage", "ExternalAudience"] {
                if let value = call[name] { organization.replies[mailbox.id, default: [:]][name] = value }
            }
            return .nothing
        },
    ]
}

extension ExchangeOrganization {
    /// Returns a size as the service's `ByteQuantifiedSize` writes it: up to four significant digits of the largest
    /// fitting unit, without trailing zeros, and all digits in parentheses.
    static func byteSize(_ bytes: Int) -> String {
        var digits = ""
        for (place, character) in String(bytes).reversed().enumerated() {
            if place > 0, place % 3 == 0 { digits = "," + digits }
            digits = String(character) + digits
        }
        let units = ["B", "KB", "MB", "GB", "TB"]
        var (place, unit) = (0, 1)
        while place + 1 < units.count, bytes / unit >= 1024 { (place, unit) = (place + 1, unit * 1024) }
        var (decimals, power) = (0, 1)
        while decimals < 3, bytes / unit * power < 1000 { (decimals, power) = (decimals + 1, power * 10) }
        let rounded = (bytes * power + unit / 2) / unit
        var number = "\(rounded / power)"
        if rounded % power > 0 {
            // The power in front keeps the zeros that follow the point.
            number += "." + "\(power + rounded % power)".dropFirst()
            while number.hasSuffix("0") { number.removeLast() }
        }
        return "\(number) \(units[place]) (\(digits) bytes)"
    }

    static func statistics(of mailbox: ExchangeMailbox, archive: Bool) -> JSONObject {
        // An archive holds older and fewer items.
        let part = archive ? 3 : 1
        let (bytes, items) = (mailbox.size.bytes / part, mailbox.size.items / part)
        let id = archive ? mailbox.archiveGuid : mailbox.exchangeGuid
        return [
            "DisplayName": .string(mailbox.displayName), "Identity": .string(id),
            "MailboxGuid@data.type": "System.Guid", "MailboxGuid": .string(id), "OwnerADGuid": .string(mailbox.id),
            "ItemCount": .int(Int64(items)), "TotalItemSize": .string(byteSize(bytes)),
            "DeletedItemCount": .int(Int64(items / 20)), "TotalDeletedItemSize": .string(byteSize(bytes / 20)),
            "LastLogonTime@data.type": "System.DateTime",
            "LastLogonTime": mailbox.lastLogon.map { .string(ServiceTime.text($0)) } ?? .null,
            "MailboxTypeDetail": .string(mailbox.kind.rawValue), "StorageLimitStatus": "BelowLimit",
            "IsArchiveMailbox": .bool(archive), "MailboxType": "Private",
            "LastLogoffTime@data.type": "System.DateTime", "LastLogoffTime": .null,
            "LastUserActionTime@data.type": "System.DateTime",
            "LastUserActionTime": mailbox.lastLogon.map { .string(ServiceTime.text($0)) } ?? .null,
            "LastInteractionTime@data.type": "System.DateTime",
            "LastInteractionTime": mailbox.lastLogon.map { .string(ServiceTime.text($0)) } ?? .null,
            "SystemMessageSizeShutoffQuota": "Unlimited", "MessageTableTotalSize": .string(byteSize(bytes)),
        ]
    }

    /// Returns the protocols by which a mailbox can be reached.
    func clientAccess(_ mailbox: ExchangeMailbox) -> JSONObject {
        configured(
            "CASMailbox", mailbox.id,
            [
                "Identity": .string(mailbox.name), "Name": .string(mailbox.name),
                "ExternalDirectoryObjectId": .string(mailbox.id), "DisplayName": .string(mailbox.displayName),
                "PrimarySmtpAddress": .string(mailbox.address), "ActiveSyncEnabled": true, "OWAEnabled": true,
                "PopEnabled": .bool(mailbox.row.index % 3 == 0), "ImapEnabled": .bool(mailbox.row.index % 4 == 0),
                "MAPIEnabled": true, "EwsEnabled": true, "OwaMailboxPolicy": "OwaMailboxPolicy-Default",
                "ActiveSyncMailboxPolicy": "Default", "ActiveSyncAllowedDeviceIDs": [],
                "ActiveSyncBlockedDeviceIDs": [],
                "UniversalOutlookEnabled": true, "OutlookMobileEnabled": true, "MacOutlookEnabled": true,
                "OWAforDevicesEnabled": true, "SmtpClientAuthenticationDisabled": .null, "ECPEnabled": true,
                "HasActiveSyncDevicePartnership": .bool(mailbox.row.index % 3 == 1),
            ])
    }

    /// Returns a row for each selected mailbox.
    func rowsOfMailboxes(
        _ call: InvokedCmdlet, _ row: (ExchangeMailbox) -> JSONObject
    ) throws(ExchangeFailure) -> ExchangeAnswer {
        var answer = ExchangeAnswer()
        try walk(call, into: &answer) { (mailbox, answer) in answer.add(row(mailbox), select: call.select) }
        return answer
    }

    /// Runs `Get-Mailbox`. The mailboxes of groups are only listed for those who ask for them.
    func mailboxPage(_ call: InvokedCmdlet) throws(ExchangeFailure) -> ExchangeAnswer {
        let kind = ExchangeMailbox.Kind.group.rawValue.lowercased()
        guard MailboxSelection.kinds(of: call)?.contains(kind) == true else { return try mailboxPage(call, after: []) }
        let mailboxes = unifiedGroups.map { properties(of: self.mailboxes.ofGroup($0)) }
        if call.isSet("GroupMailbox"), let identity = call.text("Identity"), !identity.contains("*") {
            return .row(try group(call, in: mailboxes), call)
        }
        return try mailboxPage(call, after: mailboxes)
    }

    /// Returns a page of other recipients and then the mailboxes, as far as they pass the call's filters.
    func mailboxPage(_ call: InvokedCmdlet, after others: [JSONObject]) throws(ExchangeFailure) -> ExchangeAnswer {
        var answer = ExchangeAnswer()
        if !call.has("Identity") { answer.rows.reserveCapacity(call.pageSize * 3000) }
        let changes = writtenProperties
        try walk(call, after: others, into: &answer) { (mailbox, answer) in
            if answer.count > 0 { answer.rows.append(UInt8(ascii: ",")) }
            var rows: [UInt8] = []
            swap(&rows, &answer.rows)
            answer.rows = mailbox.append(
                to: rows, select: call.select, overrides: changes.isEmpty ? [:] : changes[mailbox.id] ?? [:])
            answer.count += 1
        }
        return answer
    }

    /// Runs `Set-Mailbox`.
    func setMailbox(_ call: InvokedCmdlet) throws(ExchangeFailure) -> ExchangeAnswer {
        let mailbox = try mailbox(call)
        let row = properties(of: mailbox)
        var changed = writtenProperties[mailbox.id] ?? [:]
        var answer = ExchangeAnswer()
        var isChanged = false
        let cmdlet = ExchangeCmdlet.all[call.cmdlet.lowercased()]
        for name in call.names {
            guard !["identity", "force", "confirm", "whatif"].contains(name.lowercased()) else { continue }
            let shown = row.first { $0.key.lowercased() == name.lowercased() }?.key ?? name
            var value = cmdlet?.value(name, in: call) ?? .null
            if name.lowercased() == "type", let kind = value.string {
                let word = kind == "Regular" ? "UserMailbox" : "\(kind)Mailbox"
                changed["RecipientTypeDetails"] = .string(word)
                changed["IsShared"] = .bool(kind == "Shared")
                isChanged = true
                continue
            }
            if ["ForwardingAddress", "GrantSendOnBehalfTo"].contains(shown) { value = try namesOfRecipients(value) }
            if let edit = value.object { value = Self.edited(changed[shown] ?? row[shown] ?? [], by: edit) }
            if shown == "ForwardingSmtpAddress", let address = value.string, !address.isEmpty {
                guard address.split(separator: "@").count == 2 else {
                    throw .invalid("ForwardingSmtpAddress", "\"\(address)\" is not a valid SMTP address.")
                }
                value = .string(address.lowercased().hasPrefix("smtp:") ? address : "smtp:\(address)")
            }
            if (changed[shown] ?? row[shown]) != value { isChanged = true }
            changed[shown] = value
        }
        if !isChanged {
            answer.warnings.append(
                "The command completed successfully but no settings of '\(mailbox.name)' have been modified.")
        }
        writtenProperties[mailbox.id] = changed
        return answer
    }

    /// Returns recipients as they are shown: by their unique names, however they were given.
    private func namesOfRecipients(_ value: JSONValue) throws(ExchangeFailure) -> JSONValue {
        if let items = value.array {
            var names: [JSONValue] = []
            for item in items { names.append(try namesOfRecipients(item)) }
            return .array(names)
        }
        if let edit = value.object {
            var names = JSONObject()
            for (key, items) in edit where !key.contains("@") { names[key] = try namesOfRecipients(items) }
            return .object(names)
        }
        guard let text = value.string, !text.isEmpty else { return .null }
        return .string(try nameOfRecipient(text))
    }

    /// Applies `@{Add=…; Remove=…}` to a list.
    static func edited(_ value: JSONValue, by edit: JSONObject) -> JSONValue {
        var items = value.array?.compactMap(\.string) ?? []
        for (key, change) in edit {
            let texts = change.array?.compactMap(\.string) ?? change.string.map { [$0] } ?? []
            switch key.lowercased() {
            case "add": for text in texts where !items.contains(text) { items.append(text) }
            case "remove":
                let gone = Set(texts.map { $0.lowercased() })
                items.removeAll { gone.contains($0.lowercased()) }
            default: continue
            }
        }
        return .array(items.map { .string($0) })
    }
}

extension ExchangeOrganization {
    /// The start of the day, as the default for times: two reads of the same mailbox must give the same result.
    fileprivate var today: Int64 { context.now - context.now % 86_400 }
}

/// The output of a cmdlet of the sandbox.
struct ExchangeAnswer: Sendable {
    /// The rows, JSON texts joined by commas.
    var rows: [UInt8] = []
    /// The number of rows.
    var count = 0
    /// The warnings.
    var warnings: [String] = []
    /// The position where the next page starts.
    var next: Int?
    /// The text of `-WhatIf`.
    var confirmation: String?

    /// No output, as of writing cmdlets.
    static let nothing = ExchangeAnswer()

    /// Appends a row.
    mutating func add(_ row: JSONObject, select: Set<String>?) {
        if count > 0 { rows.append(UInt8(ascii: ",")) }
        var shown = row
        if let select {
            // A note of type comes with its property.
            let names = row.filter { member in select.contains(member.key.prefix { $0 != "@" }.lowercased()) }
            shown = JSONObject(names.map { ($0.key, $0.value) })
        }
        rows.append(contentsOf: JSONWriter.bytes(.object(shown)))
        count += 1
    }

    /// Returns an answer with one row.
    static func row(_ row: JSONObject, _ call: InvokedCmdlet) -> ExchangeAnswer {
        var answer = ExchangeAnswer()
        answer.add(row, select: call.select)
        return answer
    }

    /// Returns a page of rows that are all in memory.
    static func page(of rows: [JSONObject], _ call: InvokedCmdlet) throws(ExchangeFailure) -> ExchangeAnswer {
        var answer = ExchangeAnswer()
        let limit = try call.limit()
        let left = limit.map { max(0, $0 - call.returned) } ?? Int.max
        let start = min(call.offset, rows.count)
        let end = min(rows.count, start + min(call.pageSize, left))
        for row in rows[start..<end] { answer.add(row, select: call.select) }
        if end < rows.count {
            if left > call.pageSize { answer.next = end } else { answer.warnings.append(moreResults) }
        }
        return answer
    }

    static let moreResults =
        "There are more results available than are currently displayed. To view them, increase the value for the "
        + "ResultSize parameter."
}
