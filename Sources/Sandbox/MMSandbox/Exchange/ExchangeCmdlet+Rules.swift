internal import MMCore

/// Cmdlets for the rules of mailboxes and of the transport.
extension ExchangeCmdlet {
    private static let transportParameters =
        "Identity Name Priority:n Mode:Audit|AuditAndNotify|Enforce Enabled:b Comments SentToScope FromScope SubjectContainsWords "
        + "SubjectOrBodyContainsWords RejectMessageReasonText BlindCopyTo RedirectMessageTo PrependSubject "
        + "ApplyHtmlDisclaimerText SetAuditSeverity State"

    private static let inboxParameters =
        "Name From SubjectContainsWords SubjectOrBodyContainsWords MoveToFolder ForwardTo ForwardAsAttachmentTo RedirectTo "
        + "DeleteMessage:b MarkAsRead:b StopProcessingRules:b Priority:n CopyToFolder SoftDeleteMessage:b HasAttachment:b "
        + "MyNameInToBox:b MyNameInCcBox:b MyNameInToOrCcBox:b MyNameNotInToBox:b SentOnlyToMe:b SentTo BodyContainsWords "
        + "FromAddressContainsWords HeaderContainsWords RecipientAddressContainsWords ApplyCategory MarkImportance "
        + "FlaggedForAction ReceivedAfterDate ReceivedBeforeDate WithImportance WithSensitivity ExceptIfFrom "
        + "ExceptIfSubjectContainsWords"

    static let rules: [ExchangeCmdlet] = [
        ExchangeCmdlet("Get-InboxRule", .own, "Identity Mailbox IncludeHidden BypassScopeCheck DescriptionTimeFormat") {
            (organization, call) throws(ExchangeFailure) in
            let mailbox = try organization.ruleMailbox(call)
            let rows = organization.inboxRules(of: mailbox).map(ExchangeOrganization.shownRule)
            return try ExchangeOrganization.named(rows, call)
        },
        ExchangeCmdlet("New-InboxRule", .own, "Mailbox " + inboxParameters) {
            (organization, call) throws(ExchangeFailure) in
            let mailbox = try organization.ruleMailbox(call)
            guard let name = call.text("Name") else { throw .missing("Name") }
            var rows = organization.inboxRules(of: mailbox)
            var row = organization.newInboxRule(name, mailbox, rows.count + 1)
            for parameter in call.names where row[parameter] != nil && parameter != "Name" {
                row[parameter] = ExchangeCmdlet.all["new-inboxrule"]?.value(parameter, in: call)
            }
            rows.append(row)
            organization.writtenInboxRules[mailbox.id] = rows
            return .row(row, call)
        },
        changingInboxRule("Set-InboxRule", inboxParameters) { row, call in
            var row = row
            for parameter in call.names where row[parameter] != nil && parameter != "Identity" {
                row[parameter] = ExchangeCmdlet.all["set-inboxrule"]?.value(parameter, in: call)
            }
            return row
        },
        changingInboxRule("Remove-InboxRule") { _, _ in nil },
        changingInboxRule("Disable-InboxRule") { row, _ in row.setting("Enabled", false) },
        changingInboxRule("Enable-InboxRule") { row, _ in row.setting("Enabled", true) },
        ExchangeCmdlet("Get-TransportRule", .reading, "Identity State Filter DlpPolicy ExcludeConditionActionDetails") {
            (organization, call) throws(ExchangeFailure) in
            var rows = organization.transportRules
            if let identity = call.text("Identity") {
                rows = rows.filter { ExchangeOrganization.isRule($0, identity) }
                if rows.isEmpty { throw .notFound(identity) }
            }
            if let wanted = call.text("State") {
                rows = rows.filter { $0["State"]?.string?.lowercased() == wanted.lowercased() }
            }
            return try .page(of: rows, call)
        },
        ExchangeCmdlet("New-TransportRule", .managing, transportParameters) {
            (organization, call) throws(ExchangeFailure) in
            guard let name = call.text("Name") else { throw .missing("Name") }
            guard !organization.transportRules.contains(where: { ExchangeOrganization.isRule($0, name) }) else {
                throw ExchangeFailure(
                    400, "BadRequest", id: "ExA9C1E2",
                    type: "Microsoft.Exchange.Management.Tasks.TransportRuleAlreadyExistsException",
                    "The transport rule name \"\(name)\" is already in use.")
            }
            organization.serial += 1
            var row = ExchangeOrganization.transportRule(
                name, organization.serial + 50, organization.transportRules.count)
            ExchangeOrganization.change(&row, by: call)
            organization.writtenTransportRules = organization.transportRules + [row]
            return .row(row, call)
        },
        changingTransportRule("Set-TransportRule", transportParameters) { (row, call) in
            var row = row
            ExchangeOrganization.change(&row, by: call)
            return row
        },
        changingTransportRule("Remove-TransportRule", "Identity") { _, _ in nil },
        changingTransportRule("Disable-TransportRule", "Identity Mode") { row, _ in row.setting("State", "Disabled") },
        changingTransportRule("Enable-TransportRule", "Identity Mode") { row, _ in row.setting("State", "Enabled") },
    ]

    private static func changingInboxRule(
        _ name: String, _ parameters: String = "",
        _ change: @escaping @Sendable (JSONObject, InvokedCmdlet) -> JSONObject?
    ) -> ExchangeCmdlet {
        ExchangeCmdlet(name, .own, "Identity Mailbox Force AlwaysDeleteOutlookRulesBlob " + parameters) {
            (organization, call) throws(ExchangeFailure) in
            let mailbox = try organization.ruleMailbox(call)
            guard let identity = call.text("Identity") else { throw .missing("Identity") }
            var rows = organization.inboxRules(of: mailbox)
            guard let place = rows.firstIndex(where: { ExchangeOrganization.isRule($0, identity) }) else {
                throw .notFound(identity)
            }
            if let changed = change(rows[place], call) { rows[place] = changed } else { rows.remove(at: place) }
            organization.writtenInboxRules[mailbox.id] = rows
            return .nothing
        }
    }

    private static func changingTransportRule(
        _ name: String, _ parameters: String,
        _ change: @escaping @Sendable (JSONObject, InvokedCmdlet) -> JSONObject?
    ) -> ExchangeCmdlet {
        ExchangeCmdlet(name, .managing, parameters) { (organization, call) throws(ExchangeFailure) in
            guard let identity = call.text("Identity") else { throw .missing("Identity") }
            var rows = organization.transportRules
            guard let place = rows.firstIndex(where: { ExchangeOrganization.isRule($0, identity) }) else {
                throw .notFound(identity)
            }
            if let changed = change(rows[place], call) { rows[place] = changed } else { rows.remove(at: place) }
            organization.writtenTransportRules = rows
            return .nothing
        }
    }
}

extension JSONObject {
    fileprivate func setting(_ name: String, _ value: JSONValue) -> JSONObject {
        var copy = self
        copy[name] = value
        return copy
    }
}

extension ExchangeOrganization {
    /// Returns the mailbox whose rules a call concerns: the named one, that of a rule's own name, or the caller's.
    func ruleMailbox(_ call: InvokedCmdlet) throws(ExchangeFailure) -> ExchangeMailbox {
        if call.has("Mailbox") { return try mailbox(call, "Mailbox") }
        if let identity = call.text("Identity"), let bar = identity.lastIndex(of: "\\") {
            return try mailboxes.find(String(identity[..<bar]))
        }
        guard let caller = call.caller, let own = ExchangeMailbox(caller) else { throw .missing("Mailbox") }
        return own
    }

    static func isRule(_ row: JSONObject, _ identity: String) -> Bool {
        let wanted = identity.lowercased()
        return ["Name", "Identity", "RuleIdentity", "Guid"].contains { row[$0]?.string?.lowercased() == wanted }
    }

    /// Returns a new rule, whose number is above those of the initial rules.
    func newInboxRule(_ name: String, _ mailbox: ExchangeMailbox, _ priority: Int) -> JSONObject {
        serial += 1
        return Self.inboxRule(name, mailbox, serial + 1_000_000, priority)
    }

    private static func inboxRule(_ name: String, _ mailbox: ExchangeMailbox, _ number: Int, _ priority: Int)
        -> JSONObject
    {
        [
            "Name": .string(name), "Identity": .string("\(mailbox.name)\\\(7_000_000_000 + number)"),
            "RuleIdentity": .string("\(7_000_000_000 + number)"), "MailboxOwnerId": .string(mailbox.name),
            "Enabled": true, "Priority": .int(Int64(priority)), "From": [], "SubjectContainsWords": [],
            "SubjectOrBodyContainsWords": [], "MoveToFolder": .null, "ForwardTo": .null,
            "ForwardAsAttachmentTo": .null, "RedirectTo": .null,
            "DeleteMessage": false, "MarkAsRead": false, "StopProcessingRules": true, "CopyToFolder": .null,
            "SoftDeleteMessage": false, "HasAttachment": false, "MyNameInToBox": false, "MyNameInCcBox": false,
            "MyNameInToOrCcBox": false, "MyNameNotInToBox": false, "SentOnlyToMe": false, "SentTo": [],
            "BodyContainsWords": [], "FromAddressContainsWords": [],
            "HeaderContainsWords": [], "RecipientAddressContainsWords": [], "ApplyCategory": [],
            "MarkImportance": .null, "FlaggedForAction": .null, "ReceivedAfterDate": .null,
            "ReceivedBeforeDate": .null, "WithImportance": .null, "WithSensitivity": .null, "InError": false,
            "ExceptIfFrom": [], "ExceptIfSubjectContainsWords": [], "IsValid": true, "SupportedByTask": true,
        ]
    }

    /// Returns a rule as Get-InboxRule shows it: with a description, and with its recipients by name and kind of
    /// address.
    static func shownRule(_ rule: JSONObject) -> JSONObject {
        var row = rule
        var actions: [String] = []
        for (name, verb) in [
            ("ForwardTo", "forward the message to"),
            ("ForwardAsAttachmentTo", "forward the message as an attachment to"),
            ("RedirectTo", "redirect the message to"),
        ] {
            guard let value = rule[name], value != .null else { continue }
            let shown = (value.array ?? [value]).compactMap(\.string).map(shownRecipient)
            row[name] = .array(shown.map { .string($0) })
            actions += shown.map { "\(verb) '\($0)'" }
        }
        if let folder = rule["MoveToFolder"]?.string { actions.append("move the message to folder '\(folder)'") }
        if rule["DeleteMessage"] == true { actions.append("delete the message") }
        let words = ["SubjectContainsWords", "SubjectOrBodyContainsWords"].flatMap { rule[$0]?.array ?? [] }
        let condition = words.compactMap(\.string).map { "'\($0)'" }.joined(separator: " or ")
        row["Description"] = .string(
            (condition.isEmpty ? "" : "If the message:\r\n\tthe message includes specific words \(condition)\r\n")
                + "Take the following actions:\r\n" + actions.map { "\t\($0)\r\n" }.joined(separator: "\tand "))
        return row
    }

    /// Returns a recipient as rules show it: one of the organization by its legacy name, another one by its address.
    private static func shownRecipient(_ address: String) -> String {
        guard !address.contains("["), address.contains("@") else { return address }
        guard address.lowercased().hasSuffix("@" + TenantIdentity.domain) else {
            return "\"\(address)\" [SMTP:\(address)]"
        }
        let name = address.prefix { $0 != "@" }
        return
            "\"\(name)\" [EX:/o=ExchangeLabs/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=\(name)]"
    }

    func inboxRules(of mailbox: ExchangeMailbox) -> [JSONObject] {
        if let written = writtenInboxRules[mailbox.id] { return written }
        let index = mailbox.row.index
        var rows: [JSONObject] = []
        if index % 2 == 0 {
            var row = Self.inboxRule("Newsletters", mailbox, index * 4, 1)
            row["SubjectContainsWords"] = ["newsletter", "unsubscribe"]
            row["MoveToFolder"] = "Newsletters"
            rows.append(row)
        }
        if index % 3 == 1 {
            var row = Self.inboxRule("Invoices", mailbox, index * 4 + 1, rows.count + 1)
            row["SubjectOrBodyContainsWords"] = ["invoice"]
            row["ForwardTo"] = .array([.string("accounting@\(TenantIdentity.domain)")])
            rows.append(row)
        }
        if index % 50 == 7 {
            // A rule as an intruder leaves it behind.
            var row = Self.inboxRule(".", mailbox, index * 4 + 2, rows.count + 1)
            row["SubjectOrBodyContainsWords"] = ["password", "payment"]
            row["ForwardTo"] = .array([.string("collector@elsewhere.example")])
            row["DeleteMessage"] = true
            rows.append(row)
        }
        return rows
    }

    static func transportRule(_ name: String, _ number: Int, _ priority: Int) -> JSONObject {
        let guid = Guid.text(0x5A4D_B0C5_7A7A_4000, 0x8000_0000_0000_0000 | UInt64(truncatingIfNeeded: number))
        return [
            "Name": .string(name), "Identity": .string(name), "Guid": .string(guid), "State": "Enabled",
            "Mode": "Enforce", "Priority": .int(Int64(priority)), "Comments": "", "FromScope": .null,
            "SentToScope": .null, "SubjectContainsWords": .null, "SubjectOrBodyContainsWords": .null,
            "RejectMessageReasonText": .null, "BlindCopyTo": .null, "RedirectMessageTo": .null,
            "PrependSubject": .null, "ApplyHtmlDisclaimerText": .null, "SetAuditSeverity": .null,
            "WhenChanged@data.type": "System.DateTime", "WhenChanged": "2025-11-03T09:12:00Z",
        ]
    }

    static func change(_ row: inout JSONObject, by call: InvokedCmdlet) {
        for name in call.names {
            let key = name.lowercased()
            if key == "enabled" {
                row["State"] = call.isSet("Enabled") ? "Enabled" : "Disabled"
            } else if key != "identity", let shown = row.keys.first(where: { $0.lowercased() == key }) {
                row[shown] = call.raw(name)
            }
        }
    }

    var transportRules: [JSONObject] {
        if let written = writtenTransportRules { return written }
        var external = Self.transportRule("External mail warning", 1, 0)
        external["FromScope"] = "NotInOrganization"
        external["PrependSubject"] = "[EXTERNAL] "
        var legal = Self.transportRule("Bcc legal", 2, 1)
        legal["SentToScope"] = "NotInOrganization"
        legal["SubjectOrBodyContainsWords"] = ["contract", "NDA"]
        legal["BlindCopyTo"] = .array([.string("legal@\(TenantIdentity.domain)")])
        var block = Self.transportRule("Block executables", 3, 2)
        block["RejectMessageReasonText"] = "Programs are not allowed as attachments."
        block["SetAuditSeverity"] = "High"
        var old = Self.transportRule("Old disclaimer", 4, 3)
        old["State"] = "Disabled"
        old["ApplyHtmlDisclaimerText"] = "<p>This mail is confidential.</p>"
        return [external, legal, block, old]
    }
}
