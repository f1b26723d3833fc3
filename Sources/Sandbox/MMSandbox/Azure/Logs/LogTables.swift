internal import MMCore

/// The tables of logs that queries read: those of a workspace of Azure Monitor, and those of advanced hunting. Their
/// rows are those that the logs of the other services have, by other names.
struct LogTables {
    let context: TenantContext
    let store: DirectoryStore
    let content: AzureContent
    let activities: AzureActivityLog

    /// Returns a table of the workspace by its name; nil for none.
    func ofWorkspace(_ name: String) -> KustoTable? {
        let rows: [JSONObject]
        switch name {
        case "AzureActivity": rows = activity
        case "SigninLogs": rows = signIns.map(Self.ofWorkspace)
        case "AuditLogs": rows = audits
        case "OfficeActivity": rows = office
        case "Heartbeat": rows = heartbeats
        default: return nil
        }
        return table(
            rows.map { row in
                var row = row
                row["TenantId"] = .string(AzureContent.workspaceID)
                row["Type"] = .string(name)
                return row
            })
    }

    /// Returns a table of advanced hunting by its name; nil for none.
    func ofHunting(_ name: String) -> KustoTable? {
        switch name {
        case "EmailEvents": table(mail)
        case "AADSignInEventsBeta", "EntraIdSignInEvents": table(signIns.map(Self.ofHunting))
        case "CloudAppEvents": table(cloudEvents)
        case "DeviceInfo": table(devices)
        case "IdentityInfo": table(people)
        case "AlertInfo": table(alerts)
        default: nil
        }
    }

    private func table(_ rows: [JSONObject]) -> KustoTable {
        KustoTable(columns: rows.first.map { $0.map(\.key) } ?? [], rows: rows)
    }

    // MARK: Values

    private static func time(_ value: JSONValue?) -> JSONValue {
        value?.string.flatMap { ServiceTime.seconds($0) }.map { .string(ServiceTime.longText(Int64($0))) } ?? .null
    }

    private static func text(_ value: JSONValue?) -> JSONValue { value.flatMap { $0.isNull ? nil : $0 } ?? "" }

    // MARK: Azure

    private var activity: [JSONObject] {
        activities.entries.map { entry in
            let status: JSONValue = entry.hasSucceeded ? "Success" : "Failure"
            return [
                "TimeGenerated": .string(ServiceTime.longText(entry.time)), "OperationName": .string(entry.action),
                "OperationNameValue": .string(entry.action.uppercased()),
                "Level": entry.hasSucceeded ? "Info" : "Error",
                "ActivityStatus": status, "ActivityStatusValue": status,
                "ActivitySubstatusValue": .string(entry.hasSucceeded ? "" : "Conflict"),
                "ResourceGroup": .string(entry.group ?? ""), "SubscriptionId": .string(AzureContent.subscriptionID),
                "CorrelationId": .string(entry.correlation), "Caller": .string(entry.caller),
                "CallerIpAddress": "198.51.100.7", "CategoryValue": "Administrative",
                "ResourceProviderValue": .string(entry.provider.uppercased()),
                "Resource": .string(entry.place.split(separator: "/").last.map(String.init) ?? ""),
                "EventDataId": .string(entry.id), "_ResourceId": .string(entry.place.lowercased()),
            ]
        }
    }

    /// What machines have said in the last day, every five minutes while they ran.
    private var heartbeats: [JSONObject] {
        let machines = content.resources(ofType: MachineAction.type, inGroup: nil)
        return (0..<288).flatMap { step in
            let time = context.now / 300 * 300 - Int64(step) * 300
            return machines.filter { content.state(of: $0, at: time) == "running" }.map { machine -> JSONObject in
                [
                    "TimeGenerated": .string(ServiceTime.longText(time)),
                    "Computer": machine["name"] ?? "", "OSType": "Linux", "OSName": "Debian", "OSMajorVersion": "12",
                    "Version": "1.33.2", "Category": "Azure Monitor Agent", "ComputerEnvironment": "Azure",
                    "ResourceGroup": .string(AzureContent.group(of: machine) ?? ""),
                    "SubscriptionId": .string(AzureContent.subscriptionID),
                    "_ResourceId": .string(machine["id"]?.string?.lowercased() ?? ""),
                ]
            }
        }
    }

    // MARK: Directory

    /// The sign-ins as Graph has them.
    private var signIns: [Record] { store.table(.signIns).all }

    private static func ofWorkspace(_ entry: Record) -> JSONObject {
        let code = entry["status"]?["errorCode"]?.int ?? 0
        let texts: [(String, String)] = [
            ("UserPrincipalName", "userPrincipalName"), ("UserDisplayName", "userDisplayName"), ("UserId", "userId"),
            ("AppDisplayName", "appDisplayName"), ("AppId", "appId"), ("IPAddress", "ipAddress"),
            ("ClientAppUsed", "clientAppUsed"), ("ConditionalAccessStatus", "conditionalAccessStatus"),
            ("ResourceDisplayName", "resourceDisplayName"), ("RiskLevelDuringSignIn", "riskLevelDuringSignIn"),
            ("RiskLevelAggregated", "riskLevelAggregated"), ("RiskState", "riskState"), ("RiskDetail", "riskDetail"),
            ("AuthenticationRequirement", "authenticationRequirement"), ("UserType", "userType"),
            ("UserAgent", "userAgent"), ("CorrelationId", "correlationId"), ("Id", "id"),
            ("IsInteractive", "isInteractive"), ("Status", "status"), ("DeviceDetail", "deviceDetail"),
            ("LocationDetails", "location"), ("ConditionalAccessPolicies", "appliedConditionalAccessPolicies"),
            ("AuthenticationDetails", "authenticationDetails"),
        ]
        let more: [(String, JSONValue)] = [
            ("OperationName", "Sign-in activity"), ("Category", "SignInLogs"), ("ResultType", .string("\(code)")),
            ("ResultDescription", code == 0 ? "" : entry["status"]?["failureReason"] ?? ""),
            ("Location", entry["location"]?["countryOrRegion"] ?? ""),
            ("Identity", entry["userDisplayName"] ?? ""),
        ]
        let time = [("TimeGenerated", time(entry["createdDateTime"]))]
        return JSONObject(time + texts.map { ($0.0, text(entry[$0.1])) } + more)
    }

    private static func ofHunting(_ entry: Record) -> JSONObject {
        let levels = ["none": 0, "low": 10, "medium": 50, "high": 100]
        let level = entry["riskLevelDuringSignIn"]?.string ?? "none"
        let texts: [(String, String)] = [
            ("Application", "appDisplayName"), ("ApplicationId", "appId"), ("AccountDisplayName", "userDisplayName"),
            ("AccountUpn", "userPrincipalName"), ("AccountObjectId", "userId"), ("IPAddress", "ipAddress"),
            ("ClientAppUsed", "clientAppUsed"), ("ResourceDisplayName", "resourceDisplayName"),
            ("CorrelationId", "correlationId"), ("RequestId", "id"), ("UserAgent", "userAgent"),
        ]
        let more: [(String, JSONValue)] = [
            ("LogonType", "[\"interactiveUser\"]"), ("ErrorCode", entry["status"]?["errorCode"] ?? 0),
            ("IsGuestUser", .bool(entry["userType"] == "guest")),
            ("RiskLevelDuringSignIn", .int(Int64(levels[level] ?? 0))),
            ("Country", entry["location"]?["countryOrRegion"] ?? ""), ("City", entry["location"]?["city"] ?? ""),
        ]
        let time = [("Timestamp", time(entry["createdDateTime"]))]
        return JSONObject(time + texts.map { ($0.0, text(entry[$0.1])) } + more)
    }

    private var audits: [JSONObject] {
        store.table(.directoryAudits).all.map { entry in
            let time = Self.time(entry["activityDateTime"])
            let by = entry["initiatedBy"]
            return [
                "TimeGenerated": time, "ActivityDateTime": time,
                "OperationName": Self.text(entry["activityDisplayName"]),
                "ActivityDisplayName": Self.text(entry["activityDisplayName"]),
                "Category": Self.text(entry["category"]), "Result": Self.text(entry["result"]),
                "ResultReason": Self.text(entry["resultReason"]),
                "LoggedByService": Self.text(entry["loggedByService"]),
                "AADOperationType": Self.text(entry["operationType"]),
                "Identity": Self.text(by?["user"]?["userPrincipalName"] ?? by?["app"]?["displayName"]),
                "InitiatedBy": by ?? [:], "TargetResources": entry["targetResources"] ?? [],
                "AdditionalDetails": entry["additionalDetails"] ?? [],
                "CorrelationId": Self.text(entry["correlationId"]), "Id": Self.text(entry["id"]),
            ]
        }
    }

    private var people: [JSONObject] {
        let time = JSONValue.string(ServiceTime.longText(context.now / 86_400 * 86_400))
        return store.table(.users).all.map { user in
            [
                "Timestamp": time, "AccountObjectId": Self.text(user["id"]),
                "AccountUpn": Self.text(user["userPrincipalName"]),
                "AccountDisplayName": Self.text(user["displayName"]), "EmailAddress": Self.text(user["mail"]),
                "Department": Self.text(user["department"]), "JobTitle": Self.text(user["jobTitle"]),
                "City": Self.text(user["city"]), "Country": Self.text(user["country"]),
                "IsAccountEnabled": user["accountEnabled"] ?? true,
            ]
        }
    }

    // MARK: Mail, files and devices

    /// The records of the unified audit log of the last 90 days.
    private var records: [UnifiedAuditLog.Entry] {
        let now = Double(context.now)
        return store.auditLog.entries(UnifiedAuditLog.Search(time: (now - 90 * 86_400)...now))
    }

    private var office: [JSONObject] {
        records.map { record in
            [
                "TimeGenerated": .string(ServiceTime.longText(record.time)),
                "OfficeWorkload": .string(record.workload), "RecordType": .string(record.type),
                "Operation": .string(record.operation), "UserId": .string(record.user), "UserType": "Regular",
                "ClientIP": Self.text(record.data["ClientIP"]), "OfficeObjectId": Self.text(record.data["ObjectId"]),
                "ResultStatus": Self.text(record.data["ResultStatus"]), "OfficeId": .string(record.id),
                "Site_Url": Self.text(record.data["SiteUrl"]),
                "SourceFileName": Self.text(record.data["SourceFileName"]),
                "Parameters": .string(record.data["Parameters"].map { JSONWriter.string($0) } ?? ""),
                "OrganizationId": .string(TenantIdentity.id),
            ]
        }
    }

    private var cloudEvents: [JSONObject] {
        let apps = [
            "Exchange": "Microsoft Exchange Online", "SharePoint": "Microsoft SharePoint Online",
            "AzureActiveDirectory": "Microsoft 365",
        ]
        return records.map { record in
            let user = store.user(record.user)
            return [
                "Timestamp": .string(ServiceTime.longText(record.time)), "ActionType": .string(record.operation),
                "Application": .string(apps[record.workload] ?? record.workload),
                "AccountId": .string(record.user), "AccountObjectId": .string(user?.id ?? ""),
                "AccountDisplayName": Self.text(user?["displayName"]),
                "IPAddress": Self.text(record.data["ClientIP"]), "ObjectName": Self.text(record.data["ObjectId"]),
                "ReportId": .string(record.id), "RawEventData": .object(record.data),
            ]
        }
    }

    private var mail: [JSONObject] {
        TracedMessage.all(of: store).map { message in
            let isOwn = message.sender.hasSuffix("@\(TenantIdentity.domain)")
            let staysIn = message.recipient.hasSuffix("@\(TenantIdentity.domain)")
            return [
                "Timestamp": .string(ServiceTime.longText(message.received)),
                "NetworkMessageId": .string(message.traceID), "InternetMessageId": .string(message.messageID),
                "SenderFromAddress": .string(message.sender), "SenderMailFromAddress": .string(message.sender),
                "SenderFromDomain": .string(message.sender.split(separator: "@").last.map(String.init) ?? ""),
                "SenderIPv4": .string(message.fromIP), "RecipientEmailAddress": .string(message.recipient),
                "Subject": .string(message.subject),
                "EmailDirection": .string(isOwn ? (staysIn ? "Intra-org" : "Outbound") : "Inbound"),
                "DeliveryAction": message.hasFailed ? "Blocked" : "Delivered",
                "DeliveryLocation": message.hasFailed ? "Failed" : staysIn ? "Inbox/folder" : "External",
                "ThreatTypes": "", "EmailSize": .int(Int64(message.size)), "AttachmentCount": 0, "UrlCount": 0,
                "ReportId": .string("\(message.traceID)-\(message.recipient)"),
            ]
        }
    }

    private var devices: [JSONObject] {
        store.table(.managedDevices).all.filter { $0["operatingSystem"] == "Windows" }.map { device in
            [
                "Timestamp": Self.time(device["lastSyncDateTime"]), "DeviceId": Self.text(device["id"]),
                "DeviceName": .string(device["deviceName"]?.string?.lowercased() ?? ""), "OSPlatform": "Windows11",
                "OSVersion": Self.text(device["osVersion"]), "OnboardingStatus": "Onboarded",
                "SensorHealthState": "Active",
                "AadDeviceId": Self.text(device["azureADDeviceId"]), "IsAzureADJoined": true,
                "LoggedOnUsers": [["UserName": Self.text(device["userPrincipalName"])]],
                "Model": Self.text(device["model"]), "Vendor": Self.text(device["manufacturer"]),
            ]
        }
    }

    private var alerts: [JSONObject] {
        ObservedContent(store: store).alerts.map { alert in
            [
                "Timestamp": Self.time(alert["createdDateTime"]), "AlertId": Self.text(alert["id"]),
                "Title": Self.text(alert["title"]),
                "Severity": .string(alert["severity"]?.string.map { $0.prefix(1).uppercased() + $0.dropFirst() } ?? ""),
                "Category": Self.text(alert["category"]), "ServiceSource": "Microsoft Defender for Office 365",
                "DetectionSource": "Microsoft Defender for Office 365", "AttackTechniques": "",
            ]
        }
    }
}
