internal import MMCore

/// The unified audit log, whose `AuditData` has the form of the Office 365 Management Activity API ("Office 365
/// Management Activity API schema").
extension ExchangeOrganization {
    /// What records of one operation have in common.
    private struct AuditKind {
        let operation: String
        /// The name and the number of the record type.
        let type: (name: String, number: Int64)
        let workload: String
        /// The value of `ResultStatus`; `nil` where the service gives none.
        var result: String?
        /// Further fields, from those that each record has.
        var details: @Sendable (_ user: String, _ record: JSONObject) -> JSONObject = { _, _ in [:] }

        static let all: [AuditKind] = [
            AuditKind(
                operation: "MailItemsAccessed", type: ("ExchangeItemAggregated", 50), workload: "Exchange",
                result: "Succeeded"
            ) { user, record in
                [
                    "LogonType": 0, "InternalLogonType": 0, "ExternalAccess": false, "MailboxOwnerUPN": .string(user),
                    "ClientInfoString": "Client=REST;Client=RESTSystem;;",
                    "ClientIPAddress": record["ClientIP"] ?? .null,
                    "OperationCount": 1, "OperationProperties": [["Name": "MailAccessType", "Value": "Bind"]],
                    "Folders": [
                        ["Path": "\\Inbox", "FolderItems": [["InternetMessageId": "<1@contoso-sandbox.example>"]]]
                    ],
                ]
            },
            AuditKind(
                operation: "UserLoggedIn", type: ("AzureActiveDirectoryStsLogon", 15), workload: "AzureActiveDirectory",
                result: "Success"
            ) { _, record in
                [
                    "ActorIpAddress": record["ClientIP"] ?? .null, "AzureActiveDirectoryEventType": 1,
                    "ExtendedProperties": [
                        ["Name": "UserAgent", "Value": "Mozilla/5.0"],
                        ["Name": "RequestType", "Value": "OAuth2:Authorize"],
                    ],
                ]
            },
            ofAdministrator("New-InboxRule", "Name", "Invoices"),
            AuditKind(
                operation: "FileDownloaded", type: ("SharePointFileOperation", 6), workload: "SharePoint"
            ) { _, _ in
                let site = "https://contososandbox.sharepoint.com/sites/hr/"
                return [
                    "SiteUrl": .string(site), "SourceRelativeUrl": "Shared Documents", "SourceFileName": "Plan.xlsx",
                    "SourceFileExtension": "xlsx", "ItemType": "File", "EventSource": "SharePoint",
                    "UserAgent": "Mozilla/5.0", "ObjectId": .string(site + "Shared Documents/Plan.xlsx"),
                ]
            },
            ofAdministrator("Set-Mailbox", "LitigationHoldEnabled", "True"),
        ]

        private static func ofAdministrator(_ cmdlet: String, _ parameter: String, _ value: String) -> AuditKind {
            AuditKind(operation: cmdlet, type: ("ExchangeAdmin", 1), workload: "Exchange", result: "True") { user, _ in
                [
                    "ExternalAccess": false, "ObjectId": .string(user),
                    "Parameters": [
                        ["Name": "Identity", "Value": .string(user)],
                        ["Name": .string(parameter), "Value": .string(value)],
                    ],
                ]
            }
        }
    }

    /// Answers `Search-UnifiedAuditLog`.
    func auditLog(_ call: InvokedCmdlet) throws(ExchangeFailure) -> ExchangeAnswer {
        guard let start = try moment(call, "StartDate") else { throw .missing("StartDate") }
        guard let end = try moment(call, "EndDate") else { throw .missing("EndDate") }
        let operations = call.texts("Operations").map { Set($0.map { $0.lowercased() }) }
        let users = call.texts("UserIds").map { Set($0.map { $0.lowercased() }) }
        let record = call.text("RecordType")?.lowercased()
        let mixing = context.mixing.branch(52)
        var rows: [JSONObject] = []
        for index in 0..<300 {
            let time = store.users.now - Int64(index) * 1777
            guard Double(time) >= start, Double(time) <= end else { continue }
            let kind = AuditKind.all[mixing.number(index, 1, below: AuditKind.all.count)]
            let user = store.users.row(mixing.number(index, 2, below: store.users.count)).userPrincipalName
            if let operations, !operations.contains(kind.operation.lowercased()) { continue }
            if let users, !users.contains(user.lowercased()) { continue }
            if let record, record != kind.type.name.lowercased() { continue }
            let id = Guid.text(mixing.number(index, 3), mixing.number(index, 4))
            var data: JSONObject = [
                "CreationTime": .string(ServiceTime.zonelessText(time)), "Id": .string(id),
                "Operation": .string(kind.operation), "OrganizationId": .string(TenantIdentity.id),
                "RecordType": .int(kind.type.number), "UserKey": .string(user), "UserType": 0, "Version": 1,
                "Workload": .string(kind.workload), "UserId": .string(user),
                "ClientIP": .string("203.0.113.\(1 + index % 250)"),
            ]
            if let result = kind.result { data["ResultStatus"] = .string(result) }
            for (name, value) in kind.details(user, data) { data[name] = value }
            rows.append(auditRecord(id, kind.type.name, kind.operation, of: user, at: time, data, rows.count + 1))
        }
        if let record, record == "securitycompliancealerts" { rows += alertRecords(start, end, operations) }
        let count = JSONValue.int(Int64(rows.count))
        for place in rows.indices { rows[place]["ResultCount"] = count }
        return try .page(of: rows, call)
    }

    private func auditRecord(
        _ id: String, _ type: String, _ operation: String, of user: String, at time: Int64, _ data: JSONObject,
        _ number: Int
    ) -> JSONObject {
        [
            "RecordType": .string(type), "CreationDate@data.type": "System.DateTime",
            "CreationDate": .string(ServiceTime.text(time)), "UserIds": .string(user), "Operations": .string(operation),
            "AuditData": .string(JSONWriter.string(.object(data))), "ResultIndex": .int(Int64(number)),
            "Identity": .string(id), "IsValid": true,
        ]
    }

    /// Returns the audit records of alerts, which are requested by their type.
    private func alertRecords(_ start: Double, _ end: Double, _ operations: Set<String>?) -> [JSONObject] {
        (0..<12).compactMap { index -> JSONObject? in
            let time = store.users.now - Int64(index) * 86_400
            let operation = index % 2 == 0 ? "AlertTriggered" : "AlertEntityGenerated"
            guard Double(time) >= start, Double(time) <= end, operations?.contains(operation.lowercased()) ?? true
            else {
                return nil
            }
            let user = store.users.row(index % store.users.count).userPrincipalName
            let detail: JSONObject = [
                "f3u": .string(user), "an": "Elevation of privilege", "eid": .string(user), "lon": "Logon",
            ]
            let data: JSONObject = [
                "CreationTime": .string(ServiceTime.zonelessText(time)), "Operation": .string(operation),
                "RecordType": 40, "Workload": "SecurityComplianceCenter", "UserId": "SecurityComplianceAlerts",
                "Severity": "Low", "Source": "Office 365 Security & Compliance", "Category": "AccessGovernance",
                "ResultStatus": "Succeeded", "Data": .string(JSONWriter.string(.object(detail))),
            ]
            let id = Guid.text(UInt64(0xA1E7_0000), UInt64(index))
            return auditRecord(id, "SecurityComplianceAlerts", operation, of: user, at: time, data, index + 1)
        }
    }
}
