internal import MMCore

/// Cmdlets on the organization: domains, groups, traces, audit logs.
extension ExchangeCmdlet {
    static let organization: [ExchangeCmdlet] = [
        ExchangeCmdlet("Get-AcceptedDomain", .reading, "Identity") { (organization, call) throws(ExchangeFailure) in
            let tenant = organization.context.organization
            let rows = [(tenant.domain, true), (tenant.initialDomain, false)].map {
                (name, isDefault) -> JSONObject in
                [
                    "DomainName": .string(name), "Name": .string(name), "Identity": .string(name),
                    "DomainType": "Authoritative", "Default": .bool(isDefault), "InitialDomain": .bool(!isDefault),
                    "AuthenticationType": "Managed", "MatchSubDomains": false, "IsValid": true,
                ]
            }
            return try organization.named("AcceptedDomain", rows, call)
        },
        ExchangeCmdlet("Get-OrganizationConfig", .reading, "") { (organization, call) throws(ExchangeFailure) in
            let tenant = organization.context.organization
            return .row(
                organization.configured(
                    "OrganizationConfig", "",
                    [
                        "Name": .string(tenant.initialDomain), "DisplayName": .string(tenant.name),
                        "Identity": .string(tenant.initialDomain), "AuditDisabled": false,
                        "OAuth2ClientProfileEnabled": true, "IsDehydrated": false, "CustomerLockboxEnabled": false,
                        "MailTipsAllTipsEnabled": true, "ActivityBasedAuthenticationTimeoutEnabled": true,
                        "ExchangeVersion": "0.20 (15.0.0.0)", "Guid": .string(tenant.id),
                    ]), call)
        },
        ExchangeCmdlet("Get-RemoteDomain", .reading, "Identity") { (organization, call) throws(ExchangeFailure) in
            try organization.named(
                "RemoteDomain",
                [
                    [
                        "Name": "Default", "Identity": "Default", "DomainName": "*", "AutoForwardEnabled": true,
                        "AutoReplyEnabled": true, "AllowedOOFType": "External", "DeliveryReportEnabled": true,
                        "IsInternal": false,
                    ]
                ], call)
        },
        ExchangeCmdlet("Get-HostedOutboundSpamFilterPolicy", .reading, "Identity") {
            (organization, call) throws(ExchangeFailure) in
            try organization.named(
                "HostedOutboundSpamFilterPolicy",
                [
                    [
                        "Name": "Default", "Identity": "Default", "AutoForwardingMode": "Automatic", "Enabled": true,
                        "IsDefault": true, "ActionWhenThresholdReached": "BlockUserForToday",
                        "RecipientLimitExternalPerHour": 0, "RecipientLimitInternalPerHour": 0,
                        "RecipientLimitPerDay": 0,
                    ]
                ], call)
        },
        ExchangeCmdlet("Get-InboundConnector", .reading, "Identity") { (organization, call) throws(ExchangeFailure) in
            try organization.named(
                "InboundConnector",
                [
                    [
                        "Name": "From the scanner network", "Identity": "From the scanner network", "Enabled": true,
                        "ConnectorType": "OnPremises", "ConnectorSource": "Default", "SenderDomains": ["smtp:*;1"],
                        "SenderIPAddresses": ["192.0.2.17"], "RequireTls": true, "RestrictDomainsToCertificate": false,
                        "TlsSenderCertificateName": .null, "CloudServicesMailEnabled": false,
                    ]
                ], call)
        },
        ExchangeCmdlet("Get-OutboundConnector", .reading, "Identity IncludeTestModeConnectors:b") {
            (organization, call) throws(ExchangeFailure) in
            try organization.named(
                "OutboundConnector",
                [
                    [
                        "Name": "To the partner", "Identity": "To the partner", "Enabled": true,
                        "ConnectorType": "Partner", "UseMXRecord": false, "SmartHosts": ["mail.fabrikam.example"],
                        "RecipientDomains": ["fabrikam.example"], "TlsSettings": "DomainValidation",
                        "TlsDomain": "mail.fabrikam.example", "IsTransportRuleScoped": false,
                        "RouteAllMessagesViaOnPremises": false,
                    ]
                ], call)
        },
        ExchangeCmdlet("Get-ConnectionInformation", .own, "ConnectionId ModulePrefix") {
            (organization, call) throws(ExchangeFailure) in
            .row(
                [
                    "ConnectionId": .string(TenantIdentity.id), "State": "Connected", "Id": 1,
                    "Name": "ExchangeOnline_1",
                    "UserPrincipalName": call.caller.map { .string($0.userPrincipalName) } ?? .null,
                    "ConnectionUri": .string(organization.context.base),
                    "AzureAdAuthorizationEndpointUri": .string("\(organization.context.base)/organizations"),
                    "ModuleName": "ExchangeOnlineManagement", "ModulePrefix": .null,
                    "Organization": .string(TenantIdentity.initialDomain), "PageSize": 1000,
                    "TenantID": .string(TenantIdentity.id), "TokenStatus": "Active",
                    "ConnectionUsedForInbuiltCmdlets": true, "IsEopSession": false,
                ], call)
        },
        ExchangeCmdlet(
            "Get-MessageTrace", .reading,
            "SenderAddress RecipientAddress StartDate EndDate Status MessageId MessageTraceId FromIP ToIP Page PageSize",
            ExchangeOrganization.messageTrace),
        ExchangeCmdlet(
            "Get-MessageTraceV2", .reading,
            "SenderAddress RecipientAddress StartDate EndDate Status MessageId MessageTraceId FromIP ToIP Subject "
                + "SubjectFilterType StartingRecipientAddress",
            ExchangeOrganization.messageTrace),
        ExchangeCmdlet("Get-AdminAuditLogConfig", .reading, "") { (organization, call) throws(ExchangeFailure) in
            .row(
                organization.configured(
                    "AdminAuditLogConfig", "",
                    [
                        "AdminAuditLogEnabled": true, "UnifiedAuditLogIngestionEnabled": true, "LogLevel": "None",
                        "AdminAuditLogAgeLimit": "90.00:00:00", "AdminAuditLogCmdlets": ["*"],
                        "AdminAuditLogParameters": ["*"], "Identity": "Admin Audit Log Settings",
                    ]), call)
        },
        ExchangeCmdlet(
            "Search-UnifiedAuditLog", .reading,
            "StartDate EndDate UserIds Operations RecordType FreeText IPAddresses ObjectIds SessionId SessionCommand "
                + "SiteIds Formatted HighCompleteness",
            ExchangeOrganization.auditLog),
    ]

    /// Settings that are written as they are shown.
    static let settings: [ExchangeCmdlet] = [
        setting(
            "OrganizationConfig",
            "AuditDisabled:b OAuth2ClientProfileEnabled:b CustomerLockboxEnabled:b "
                + "MailTipsAllTipsEnabled:b ActivityBasedAuthenticationTimeoutEnabled:b", named: false),
        setting("AdminAuditLogConfig", "UnifiedAuditLogIngestionEnabled:b AdminAuditLogAgeLimit", named: false),
        setting(
            "RemoteDomain",
            "AutoForwardEnabled:b AutoReplyEnabled:b AllowedOOFType:None|External|ExternalLegacy|InternalLegacy "
                + "DeliveryReportEnabled:b IsInternal:b"),
        setting(
            "HostedOutboundSpamFilterPolicy",
            "AutoForwardingMode:Automatic|Off|On ActionWhenThresholdReached:Alert|BlockUser|BlockUserForToday "
                + "RecipientLimitExternalPerHour:n RecipientLimitInternalPerHour:n RecipientLimitPerDay:n"),
        setting(
            "InboundConnector",
            "Enabled:b SenderDomains SenderIPAddresses RequireTls:b RestrictDomainsToCertificate:b "
                + "TlsSenderCertificateName CloudServicesMailEnabled:b"),
        setting(
            "OutboundConnector",
            "Enabled:b UseMXRecord:b SmartHosts RecipientDomains TlsSettings TlsDomain IsTransportRuleScoped:b "
                + "RouteAllMessagesViaOnPremises:b"),
        setting("AcceptedDomain", "DomainType:Authoritative|InternalRelay MatchSubDomains:b"),
    ]

    static func setting(
        _ noun: String, _ parameters: String, named: Bool = true, compliance: Bool = false
    ) -> ExchangeCmdlet {
        ExchangeCmdlet(
            "Set-\(noun)", .managing, named ? "Identity " + parameters : parameters, compliance: compliance
        ) { (organization, call) throws(ExchangeFailure) in
            guard !named || call.text("Identity") != nil else { throw .missing("Identity") }
            organization.set(noun, call.text("Identity") ?? "", call)
            return .nothing
        }
    }

    static let compliance: [ExchangeCmdlet] = [
        ExchangeCmdlet("Get-ComplianceSearch", .reading, "Identity Case", compliance: true) {
            (organization, call) throws(ExchangeFailure) in
            let rows = organization.complianceSearches
            return try ExchangeOrganization.named(rows, call)
        },
        ExchangeCmdlet(
            "New-ComplianceSearch", .managing,
            "Name ContentMatchQuery ExchangeLocation SharePointLocation Case Description",
            compliance: true
        ) { (organization, call) throws(ExchangeFailure) in
            guard let name = call.text("Name") else { throw .missing("Name") }
            let row = ExchangeOrganization.complianceSearch(
                name, call.text("ContentMatchQuery") ?? "", status: "NotStarted", items: 0)
            organization.searches.append(row)
            return .row(row, call)
        },
        ExchangeCmdlet(
            "Get-DlpCompliancePolicy", .reading, "Identity DisplayName IncludeExtendedProperties", compliance: true
        ) {
            (organization, call) throws(ExchangeFailure) in
            let rows = [("Credit card numbers", "Enable"), ("Health records", "TestWithNotifications")].map {
                (name, mode) -> JSONObject in
                [
                    "Name": .string(name), "Identity": .string(name), "Mode": .string(mode), "Enabled": true,
                    "Workload": "Exchange, SharePoint, OneDriveForBusiness", "ExchangeLocation": ["All"],
                    "WhenCreatedUTC@data.type": "System.DateTime", "WhenCreatedUTC": "2025-03-14T08:00:00Z",
                ]
            }
            return try organization.named("DlpCompliancePolicy", rows, call)
        },
    ]
}

extension ExchangeOrganization {
    /// A row with what was written since.
    func configured(_ noun: String, _ name: String, _ row: JSONObject) -> JSONObject {
        var row = row
        for (key, value) in writtenSettings["\(noun)/\(name)".lowercased()] ?? [:] {
            // A list is shown as one, also where a single item was given.
            let isList = row[key]?.array != nil && value.array == nil
            row[key] = isList ? .array(value.isNull ? [] : [value]) : value
        }
        return row
    }

    /// Writes settings as they are given.
    func set(_ noun: String, _ name: String, _ call: ExchangeCall) {
        let cmdlet = ExchangeCmdlet.all[call.cmdlet.lowercased()]
        for parameter in call.names where !["identity", "confirm", "whatif"].contains(parameter.lowercased()) {
            writtenSettings["\(noun)/\(name)".lowercased(), default: [:]][parameter] = cmdlet?.value(
                parameter, in: call)
        }
    }

    /// The rows of a short list with what was written since, or the one of `-Identity`.
    func named(_ noun: String, _ rows: [JSONObject], _ call: ExchangeCall) throws(ExchangeFailure) -> ExchangeAnswer {
        try Self.named(rows.map { configured(noun, $0["Identity"]?.string ?? "", $0) }, call)
    }

    /// The rows of a short list, or the one of `-Identity`.
    static func named(_ rows: [JSONObject], _ call: ExchangeCall) throws(ExchangeFailure) -> ExchangeAnswer {
        guard let identity = call.text("Identity") else { return try .page(of: rows, call) }
        let found = rows.filter { isRule($0, identity) }
        if found.isEmpty { throw .notFound(identity) }
        return try .page(of: found, call)
    }

    /// A date as cmdlets take it; `nil` when there is none.
    private func moment(_ call: ExchangeCall, _ name: String) throws(ExchangeFailure) -> Double? {
        guard let text = call.text(name) else { return nil }
        if let seconds = ServiceTime.seconds(text) ?? ServiceTime.seconds(text + "Z")
            ?? ServiceTime.seconds(text + "T00:00:00Z")
        {
            return seconds
        }
        let parts = text.split(separator: " ")[0].split(separator: "/").compactMap { Int($0) }
        if parts.count == 3 {
            func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
            let iso = "\(parts[2])-\(two(parts[0]))-\(two(parts[1]))T00:00:00Z"
            if let seconds = ServiceTime.seconds(iso) { return seconds }
        }
        throw .invalid(name, "Cannot convert value \"\(text.prefix(60))\" to type \"System.DateTime\".")
    }

    func messageTrace(_ call: ExchangeCall) throws(ExchangeFailure) -> ExchangeAnswer {
        let start = try moment(call, "StartDate")
        let end = try moment(call, "EndDate")
        if let start, let end, end < start {
            throw ExchangeFailure(
                400, "BadRequest", type: "Microsoft.Exchange.Management.FfoReporting.InvalidExpressionException",
                "The start date must be before the end date.")
        }
        let senders = call.texts("SenderAddress").map { Set($0.map { $0.lowercased() }) }
        let recipients = call.texts("RecipientAddress").map { Set($0.map { $0.lowercased() }) }
        let statuses = call.texts("Status").map { Set($0.map { $0.lowercased() }) }
        var rows: [JSONObject] = []
        let mixing = context.mixing.branch(51)
        for index in 0..<400 {
            let time = store.users.now - Int64(index) * 971
            if let start, Double(time) < start { continue }
            if let end, Double(time) > end { continue }
            let from = mailboxes.mailbox(mixing.number(index, 1, below: min(store.users.count, 300)))
            let to = mailboxes.mailbox(mixing.number(index, 2, below: min(store.users.count, 300)))
            let sender = from?.address ?? "news@fabrikam.example"
            let recipient = to?.address ?? "partner@northwind.example"
            let status = mixing.number(index, 3, below: 15) == 0 ? "Failed" : "Delivered"
            if let senders, !senders.contains(sender.lowercased()) { continue }
            if let recipients, !recipients.contains(recipient.lowercased()) { continue }
            if let statuses, !statuses.contains(status.lowercased()) { continue }
            rows.append([
                "Organization": .string(TenantIdentity.initialDomain),
                "MessageId": .string(
                    "<\(Guid.text(mixing.number(index, 4), mixing.number(index, 5)))@sandbox.example>"),
                "Received@data.type": "System.DateTime", "Received": .string(ServiceTime.text(time)),
                "SenderAddress": .string(sender), "RecipientAddress": .string(recipient),
                "Subject": .string(
                    ["Quarterly figures", "Lunch?", "Invoice \(1000 + index)", "Re: contract", "Your order"][index % 5]),
                "Status": .string(status), "ToIP": .null, "FromIP": .string("198.51.100.\(1 + index % 250)"),
                "Size": .int(Int64(4000 + mixing.number(index, 6, below: 900_000))),
                "MessageTraceId": .string(Guid.text(mixing.number(index, 7), mixing.number(index, 8))),
            ])
        }
        return try .page(of: rows, call)
    }

    func auditLog(_ call: ExchangeCall) throws(ExchangeFailure) -> ExchangeAnswer {
        guard let start = try moment(call, "StartDate") else { throw .missing("StartDate") }
        guard let end = try moment(call, "EndDate") else { throw .missing("EndDate") }
        let operations = call.texts("Operations").map { Set($0.map { $0.lowercased() }) }
        let users = call.texts("UserIds").map { Set($0.map { $0.lowercased() }) }
        let mixing = context.mixing.branch(52)
        let kinds = [
            ("MailItemsAccessed", "ExchangeItemAggregated"), ("UserLoggedIn", "AzureActiveDirectoryStsLogon"),
            ("New-InboxRule", "ExchangeAdmin"), ("FileDownloaded", "SharePointFileOperation"),
            ("Set-Mailbox", "ExchangeAdmin"),
        ]
        var rows: [JSONObject] = []
        for index in 0..<300 {
            let time = store.users.now - Int64(index) * 1777
            guard Double(time) >= start, Double(time) <= end else { continue }
            let (operation, type) = kinds[mixing.number(index, 1, below: kinds.count)]
            let user = store.users.row(mixing.number(index, 2, below: store.users.count)).userPrincipalName
            if let operations, !operations.contains(operation.lowercased()) { continue }
            if let users, !users.contains(user.lowercased()) { continue }
            let id = Guid.text(mixing.number(index, 3), mixing.number(index, 4))
            let data: JSONObject = [
                "CreationTime": .string(ServiceTime.zonelessText(time)), "Id": .string(id),
                "Operation": .string(operation), "OrganizationId": .string(TenantIdentity.id),
                "UserId": .string(user), "ClientIP": .string("203.0.113.\(1 + index % 250)"),
            ]
            rows.append([
                "RecordType": .string(type), "CreationDate@data.type": "System.DateTime",
                "CreationDate": .string(ServiceTime.text(time)), "UserIds": .string(user),
                "Operations": .string(operation), "AuditData": .string(JSONWriter.string(.object(data))),
                "ResultIndex": .int(Int64(rows.count + 1)), "Identity": .string(id), "IsValid": true,
            ])
        }
        let count = JSONValue.int(Int64(rows.count))
        for place in rows.indices { rows[place]["ResultCount"] = count }
        return try .page(of: rows, call)
    }

    static func complianceSearch(_ name: String, _ query: String, status: String, items: Int) -> JSONObject {
        [
            "Name": .string(name), "Identity": .string(name), "ContentMatchQuery": .string(query),
            "Status": .string(status), "Items": .int(Int64(items)), "Size": .int(Int64(items * 71_000)),
            "ExchangeLocation": ["All"], "RunBy": .string(TenantIdentity.administrator),
        ]
    }

    var complianceSearches: [JSONObject] {
        [
            Self.complianceSearch(
                "Contract 2025", "subject:contract AND received>=2025-01-01", status: "Completed", items: 312),
            Self.complianceSearch("Payroll leak", "payroll", status: "Completed", items: 8),
        ] + searches
    }
}
