internal import MMCore

/// The unified audit log, whose records have the form of the Office 365 Management Activity API ("Office 365 Management
/// Activity API schema"). Exchange and Graph search the same one.
struct UnifiedAuditLog {
    let users: UserDirectory
    private let mixing: Mixing

    init(users: UserDirectory, mixing: Mixing) {
        self.users = users
        self.mixing = mixing.branch(52)
    }

    /// A record of the log.
    struct Entry {
        let id: String
        /// The name of its type.
        let type: String
        let operation: String
        let user: String
        /// Seconds since 1970.
        let time: Int64
        let workload: String
        /// The fields of the record.
        let data: JSONObject

        /// The fields as text.
        var auditData: String { JSONWriter.string(.object(data)) }
    }

    /// What a search asks for; texts in lower case, and `nil` for all.
    struct Search {
        /// Seconds since 1970.
        let time: ClosedRange<Double>
        var operations: Set<String>?
        var users: Set<String>?
        var types: Set<String>?
        /// What the text of a record contains, in any case.
        var text: String?

        func takes(_ time: Int64, _ operation: String, of user: String, _ type: String) -> Bool {
            self.time.contains(Double(time)) && operations?.contains(operation.lowercased()) ?? true
                && users?.contains(user.lowercased()) ?? true && types?.contains(type.lowercased()) ?? true
        }

        /// Returns whether a record contains the text.
        func takes(_ entry: Entry) -> Bool {
            guard let text else { return true }
            return [entry.auditData, entry.id, entry.type, entry.operation, entry.user].contains {
                CaselessText.contains($0, text)
            }
        }
    }

    /// What records of one operation have in common.
    private struct Kind {
        let operation: String
        /// The name and the number of the record type.
        let type: (name: String, number: Int64)
        let workload: String
        /// The value of `ResultStatus`; `nil` where the service gives none.
        var result: String?
        /// Further fields, from those that each record has.
        var details: @Sendable (_ user: String, _ record: JSONObject) -> JSONObject = { _, _ in [:] }

        static let all: [Kind] = [
            Kind(
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
            Kind(
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
            Kind(
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

        private static func ofAdministrator(_ cmdlet: String, _ parameter: String, _ value: String) -> Kind {
            Kind(operation: cmdlet, type: ("ExchangeAdmin", 1), workload: "Exchange", result: "True") { user, _ in
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

    /// Returns the records that a search finds, newest first.
    func entries(_ search: Search) -> [Entry] {
        var found: [Entry] = []
        for index in 0..<300 {
            let time = users.now - Int64(index) * 1777
            let kind = Kind.all[mixing.number(index, 1, below: Kind.all.count)]
            let user = users.row(mixing.number(index, 2, below: users.count)).userPrincipalName
            guard search.takes(time, kind.operation, of: user, kind.type.name) else { continue }
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
            found.append(
                Entry(
                    id: id, type: kind.type.name, operation: kind.operation, user: user, time: time,
                    workload: kind.workload, data: data))
        }
        return (found + alerts(search)).filter(search.takes)
    }

    /// Returns the records of alerts, which only a search for their type finds.
    private func alerts(_ search: Search) -> [Entry] {
        let type = "SecurityComplianceAlerts"
        guard let types = search.types, types.contains(type.lowercased()) else { return [] }
        return (0..<12).compactMap { index -> Entry? in
            let time = users.now - Int64(index) * 86_400
            let operation = index % 2 == 0 ? "AlertTriggered" : "AlertEntityGenerated"
            let user = users.row(index % users.count).userPrincipalName
            guard search.takes(time, operation, of: user, type) else { return nil }
            let detail: JSONObject = [
                "f3u": .string(user), "an": "Elevation of privilege", "eid": .string(user), "lon": "Logon",
            ]
            let workload = "SecurityComplianceCenter"
            let data: JSONObject = [
                "CreationTime": .string(ServiceTime.zonelessText(time)), "Operation": .string(operation),
                "RecordType": 40, "Workload": .string(workload), "UserId": .string(type), "Severity": "Low",
                "Source": "Office 365 Security & Compliance", "Category": "AccessGovernance",
                "ResultStatus": "Succeeded", "Data": .string(JSONWriter.string(.object(detail))),
            ]
            return Entry(
                id: Guid.text(UInt64(0xA1E7_0000), UInt64(index)), type: type, operation: operation, user: user,
                time: time, workload: workload, data: data)
        }
    }
}

/// Graph's searches of the audit log ("auditLogQuery resource type"), which run for a while and keep what they found.
extension DirectoryStore {
    var auditLog: UnifiedAuditLog { UnifiedAuditLog(users: users, mixing: mixing) }

    /// Returns what a search that was created found; `nil` if there is no such search.
    func auditRecords(ofQuery id: String) -> [Record]? {
        guard let query = table(.auditQueries).find(id) else { return nil }
        func texts(_ name: String) -> Set<String>? {
            let given = query[name]?.array?.compactMap(\.string) ?? []
            return given.isEmpty ? nil : Set(given.map { $0.lowercased() })
        }
        func moment(_ name: String) -> Double? {
            query[name]?.string.flatMap { ServiceTime.seconds($0) ?? ServiceTime.seconds($0 + "Z") }
        }
        let end = moment("filterEndDateTime") ?? Double(users.now)
        let search = UnifiedAuditLog.Search(
            time: min(moment("filterStartDateTime") ?? 0, end)...end, operations: texts("operationFilters"),
            users: texts("userPrincipalNameFilters"), types: texts("recordTypeFilters"),
            text: query["keywordFilter"]?.string)
        return auditLog.entries(search).map { entry in
            .object([
                "id": .string(entry.id), "createdDateTime": .string(ServiceTime.text(entry.time)),
                "auditLogRecordType": .string(entry.type), "operation": .string(entry.operation),
                "organizationId": .string(TenantIdentity.id), "userType": "Regular", "userId": .string(entry.user),
                "service": .string(entry.workload), "objectId": entry.data["ObjectId"] ?? .null,
                "userPrincipalName": .string(entry.user), "clientIp": entry.data["ClientIP"] ?? .null,
                "administrativeUnits": [], "auditData": .object(entry.data),
            ])
        }
    }
}
