internal import MMCore

/// Content for administrators besides the directory: keys of devices, secure score, alerts, service messages, rooms,
/// reviews. It is read-only and derived from the same people and devices as everything else.
struct ObservedContent {
    let store: DirectoryStore

    private var users: UserDirectory { store.users }
    private var administration: AdministrationContent { store.administration }
    private var ids: ObjectIDs { ObjectIDs(store.mixing.branch(81)) }

    /// Returns the time some days ago.
    func ago(_ days: Int) -> JSONValue { .string(ServiceTime.text(users.now - Int64(days) * 86_400)) }

    /// Returns the identifier of one object of a kind.
    func id(_ kind: Int, _ place: Int) -> JSONValue { .string(ids.guid(kind << 20 | place)) }

    /// The managed devices with Windows, with their indices.
    private var windows: [(place: Int, row: JSONObject)] {
        (0..<min(administration.deviceCount, 400)).map { ($0, administration.device($0)) }
            .filter { $0.1["operatingSystem"] == "Windows" }
    }

    // MARK: Devices

    var autopilot: [JSONObject] {
        windows.map { place, device in
            [
                "id": id(1, place), "deploymentProfileAssignmentStatus": "assignedUnkownSyncState",
                "groupTag": .string(place % 3 == 0 ? "Kiosk" : "Office"), "purchaseOrderIdentifier": "",
                "serialNumber": device["serialNumber"] ?? "", "productKey": "",
                "manufacturer": device["manufacturer"] ?? "", "model": device["model"] ?? "",
                "enrollmentState": "enrolled", "lastContactedDateTime": device["lastSyncDateTime"] ?? .null,
                "userPrincipalName": device["userPrincipalName"] ?? "", "displayName": device["deviceName"] ?? "",
                "azureActiveDirectoryDeviceId": device["azureADDeviceId"] ?? .null,
                "managedDeviceId": device["id"] ?? .null,
            ]
        }
    }

    /// The keys of encrypted disks; lists leave the key itself out.
    var bitLockerKeys: [JSONObject] {
        windows.filter { $0.row["isEncrypted"] == true }.map { place, device in
            [
                "id": id(2, place), "createdDateTime": device["enrolledDateTime"] ?? .null,
                "volumeType": "operatingSystemVolume", "deviceId": device["azureADDeviceId"] ?? .null,
                "key": .string(
                    (0..<8).map { String(100_000 + (place * 7919 + $0 * 104_729) % 900_000) }.joined(separator: "-")),
            ]
        }
    }

    /// The stored passwords of local administrators; lists leave the password itself out.
    var localCredentials: [JSONObject] {
        windows.map { place, device in
            [
                "id": device["azureADDeviceId"] ?? .null, "deviceName": device["deviceName"] ?? "",
                "lastBackupDateTime": ago(place % 28), "refreshDateTime": ago(place % 28 - 30),
                "credentials": [
                    [
                        "accountName": "Administrator", "accountSid": "S-1-5-21-2127521184-1604012920-1887927527-500",
                        "backupDateTime": ago(place % 28),
                        "passwordBase64": .string(Base64.text(Array("Sandbox-\(place)".utf8))),
                    ]
                ],
            ]
        }
    }

    var detectedApps: [JSONObject] {
        [("Google Chrome", "131.0.6778"), ("7-Zip", "24.08"), ("TeamViewer", "15.58"), ("Adobe Acrobat", "24.004")]
            .enumerated().map { place, app in
                [
                    "id": id(3, place), "displayName": .string(app.0), "version": .string(app.1), "sizeInByte": 0,
                    "deviceCount": .int(Int64(max(1, administration.deviceCount / (place + 2)))), "platform": "windows",
                    "publisher": "",
                ]
            }
    }

    /// Returns the apps on one device: each app is on as many of the first devices as it counts.
    func detectedApps(on device: String) -> [JSONObject] {
        guard let place = store.table(.managedDevices).all.firstIndex(where: { $0.id == device }) else { return [] }
        return detectedApps.filter { place < $0["deviceCount"]?.int ?? 0 }
    }

    /// Returns the apps of a tenant, of which only the beta version tells whether they are assigned.
    func mobileApps(_ isBeta: Bool = false) -> [JSONObject] {
        [
            ("#microsoft.graph.officeSuiteApp", "Microsoft 365 Apps", "Microsoft"),
            ("#microsoft.graph.iosStoreApp", "Microsoft Outlook", "Microsoft Corporation"),
            ("#microsoft.graph.win32LobApp", "Contoso Time Sheet", "Contoso"),
        ].enumerated().map { place, app in
            var row: JSONObject = [
                "@odata.type": .string(app.0), "id": id(4, place), "displayName": .string(app.1), "description": "",
                "publisher": .string(app.2), "createdDateTime": ago(300 + place),
                "lastModifiedDateTime": ago(40 + place),
                "isFeatured": false, "publishingState": "published",
            ]
            if isBeta { row["isAssigned"] = true }
            return row
        }
    }

    /// Returns to whom an app is assigned: to everybody, to a group for those who want it, or to all devices.
    func assignments(ofApp app: String) -> [JSONObject] {
        guard let place = mobileApps().firstIndex(where: { $0["id"]?.string?.lowercased() == app.lowercased() }) else {
            return []
        }
        let group = store.table(.groups).all.first { $0["securityEnabled"] == true }?.id ?? ""
        let targets: [(id: String, intent: JSONValue, target: JSONObject)] = [
            (
                "acacacac-9df4-4c7d-9d50-4ef0226f57a9", "required",
                ["@odata.type": "#microsoft.graph.allLicensedUsersAssignmentTarget"]
            ),
            (
                group, "available",
                ["@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": .string(group)]
            ),
            (
                "adadadad-808e-44e2-905a-0b7873a8a531", "required",
                ["@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"]
            ),
        ]
        let own = targets[place % targets.count]
        var target = own.target
        target["deviceAndAppManagementAssignmentFilterId"] = .null
        target["deviceAndAppManagementAssignmentFilterType"] = "none"
        return [
            [
                "id": .string("\(own.id)_\(place)_0"), "intent": own.intent, "source": "direct",
                "sourceId": .string(app),
                "target": .object(target), "settings": .null,
            ]
        ]
    }

    var appProtection: [JSONObject] {
        [
            ("#microsoft.graph.iosManagedAppProtection", "iPhone: company data"),
            ("#microsoft.graph.androidManagedAppProtection", "Android: company data"),
        ]
        .enumerated().map { place, policy in
            [
                "@odata.type": .string(policy.0), "id": id(5, place), "displayName": .string(policy.1),
                "description": "", "createdDateTime": ago(200), "lastModifiedDateTime": ago(20 + place),
                "version": .string("\(place + 1)"), "apps": [], "assignments": [],
                "deploymentSummary": [
                    "id": .string("summary-\(place)"), "displayName": .string(policy.1),
                    "configurationDeployedUserCount": 12,
                    "configurationDeploymentSummaryPerApp": [],
                ],
            ]
        }
    }

    // MARK: Security

    var secureScores: [JSONObject] {
        (0..<30).map { day in
            [
                "id": .string("\(TenantIdentity.id)_\(day)"), "azureTenantId": .string(TenantIdentity.id),
                "activeUserCount": .int(Int64(users.count)), "createdDateTime": ago(day),
                "currentScore": .int(Int64(612 - day / 6)), "maxScore": 1050,
                "licensedUserCount": .int(Int64(users.count)),
                "enabledServices": ["HasExchange", "HasSharePoint", "HasTeams"],
                "controlScores": .array(
                    controls.prefix(4).map {
                        [
                            "controlName": $0["id"] ?? .null, "controlCategory": $0["controlCategory"] ?? .null,
                            "score": 5,
                        ]
                    }),
            ]
        }
    }

    var controls: [JSONObject] {
        [
            ("MFARegistrationV2", "Identity", "Ensure all users can complete multifactor authentication", 9),
            ("BlockLegacyAuthentication", "Identity", "Block legacy authentication", 8),
            ("OneAdmin", "Identity", "Use more than one global administrator", 1),
            ("mdo_safelinks", "Apps", "Protect with Safe Links", 9),
            ("exo_blockautoforward", "Apps", "Block automatic forwarding", 5),
        ].map { control in
            [
                "id": .string(control.0), "azureTenantId": .string(TenantIdentity.id),
                "controlCategory": .string(control.1), "title": .string(control.2), "maxScore": .int(Int64(control.3)),
                "rank": 1, "service": "AAD", "actionType": "Config", "tier": "Core", "userImpact": "Low",
                "implementationCost": "Low", "deprecated": false,
            ]
        }
    }

    private static let alarms = [
        ("Sign-in from an unusual place", "medium", "new"), ("Many files deleted", "low", "inProgress"),
        ("Suspicious inbox rule", "high", "new"),
        ("Mail with malware was delivered and removed", "informational", "resolved"),
    ]

    var alerts: [JSONObject] {
        Self.alarms.enumerated().map { place, alarm in
            let user = users.row(3 + place * 5)
            return [
                "id": .string("da63\(7_000 + place)"), "title": .string(alarm.0), "severity": .string(alarm.1),
                "status": .string(alarm.2), "category": "InitialAccess", "createdDateTime": ago(1 + place),
                "lastUpdateDateTime": ago(place), "serviceSource": "microsoftDefenderForOffice365",
                "incidentId": .string("\(40 + place)"), "assignedTo": .null,
                "evidence": [["userAccount": ["userPrincipalName": .string(user.userPrincipalName)]]],
            ]
        }
    }

    /// The same alerts in the form of the first security API.
    var earlierAlerts: [JSONObject] {
        alerts.map { alert in
            [
                "id": alert["id"] ?? .null, "title": alert["title"] ?? .null, "severity": alert["severity"] ?? .null,
                "status": alert["status"] ?? .null, "category": alert["category"] ?? .null,
                "createdDateTime": alert["createdDateTime"] ?? .null,
                "eventDateTime": alert["createdDateTime"] ?? .null,
                "lastModifiedDateTime": alert["lastUpdateDateTime"] ?? .null, "assignedTo": .null,
                "description": alert["title"] ?? .null,
                "vendorInformation": ["provider": "Office 365 Security and Compliance", "vendor": "Microsoft"],
                "userStates": .array(
                    (alert["evidence"]?.array ?? []).map {
                        ["userPrincipalName": $0["userAccount"]?["userPrincipalName"] ?? .null]
                    }),
            ]
        }
    }

    /// Returns the history of a user's risk.
    func riskHistory(_ user: String) -> [JSONObject] {
        administration.riskyUsers().filter { $0["id"]?.string == user.lowercased() }.map { row in
            var row = row
            row["userId"] = .string(user)
            row["initiatedBy"] = .null
            row["activity"] = ["riskEventTypes": ["unfamiliarFeatures"], "detail": .null]
            return row
        }
    }

    /// The members of each administrative unit: the colleagues of the first accounts.
    var unitMembers: [String] { (3..<min(9, users.count)).map { users.row($0).id } }

    var accessTemplates: [JSONObject] {
        ["Require multifactor authentication for admins", "Block legacy authentication"].enumerated().map {
            place, name in
            [
                "id": id(20, place), "name": .string(name), "description": .string("\(name)."),
                "scenarios": "secureFoundation,zeroTrust",
                "details": ["conditions": ["clientAppTypes": ["all"]], "grantControls": ["operator": "OR"]],
            ]
        }
    }

    /// The audit events of device administration.
    var deviceEvents: [JSONObject] {
        ["Sync device", "Create policy", "Assign policy"].enumerated().map { place, name in
            [
                "id": id(21, place), "displayName": .string(name), "componentName": "ManagedDevices",
                "activity": .null, "activityDateTime": ago(2 + place * 5), "activityType": .string(name),
                "activityOperationType": "Action", "activityResult": "Success", "category": "Device",
                "actor": ["userPrincipalName": .string(users.row(0).userPrincipalName)], "resources": [],
            ]
        }
    }

    var deviceOverview: JSONObject {
        var counts: [String: Int64] = [:]
        for place in 0..<administration.deviceCount {
            counts[administration.device(place)["operatingSystem"]?.string ?? "", default: 0] += 1
        }
        return [
            "id": id(22, 0), "enrolledDeviceCount": .int(Int64(administration.deviceCount)),
            "mdmEnrolledCount": .int(Int64(administration.deviceCount)), "dualEnrolledDeviceCount": 0,
            "deviceOperatingSystemSummary": [
                "androidCount": .int(counts["Android"] ?? 0), "iosCount": .int(counts["iOS"] ?? 0),
                "macOSCount": .int(counts["macOS"] ?? 0), "windowsCount": .int(counts["Windows"] ?? 0),
            ],
        ]
    }

    /// How many devices are in each state of compliance.
    var complianceSummary: JSONObject {
        var counts: [String: Int64] = [:]
        for place in 0..<administration.deviceCount {
            counts[administration.device(place)["complianceState"]?.string ?? "", default: 0] += 1
        }
        return [
            "id": id(22, 1), "inGracePeriodCount": .int(counts["inGracePeriod"] ?? 0), "configManagerCount": 0,
            "unknownDeviceCount": .int(counts["unknown"] ?? 0), "notApplicableDeviceCount": 0,
            "compliantDeviceCount": .int(counts["compliant"] ?? 0), "remediatedDeviceCount": 0,
            "nonCompliantDeviceCount": .int(counts["noncompliant"] ?? 0), "errorDeviceCount": 0,
            "conflictDeviceCount": 0,
        ]
    }

    /// How many devices have taken their configuration: all.
    var configurationSummary: JSONObject {
        [
            "id": id(22, 2), "unknownDeviceCount": 0, "notApplicableDeviceCount": 0,
            "compliantDeviceCount": .int(Int64(administration.deviceCount)), "remediatedDeviceCount": 0,
            "nonCompliantDeviceCount": 0, "errorDeviceCount": 0, "conflictDeviceCount": 0,
        ]
    }

    /// The same of their updates, with the users of the devices.
    var updateSummary: JSONObject {
        var summary: JSONObject = ["id": id(22, 3), "displayName": "Software updates"]
        for state in ["compliant", "nonCompliant", "remediated", "error", "unknown", "conflict", "notApplicable"] {
            let count = state == "compliant" ? Int64(administration.deviceCount) : 0
            summary["\(state)DeviceCount"] = .int(count)
            summary["\(state)UserCount"] = .int(count)
        }
        return summary
    }

    /// The messages of the last days.
    var messageTraces: [JSONObject] {
        TracedMessage.all(of: store).map { message in
            [
                "id": .string(message.traceID), "senderAddress": .string(message.sender),
                "recipientAddress": .string(message.recipient), "messageId": .string(message.messageID),
                "subject": .string(message.subject), "status": message.hasFailed ? "failed" : "delivered",
                "size": .int(Int64(message.size)),
                "receivedDateTime": .string(ServiceTime.text(message.received)),
                "fromIP": .string(message.fromIP), "toIP": .null,
            ]
        }
    }

    /// The assignments of roles as schedules without an end.
    var roleSchedules: [JSONObject] {
        store.roleAssignments.map { assignment in
            [
                "id": assignment["id"] ?? .null, "principalId": assignment["principalId"] ?? .null,
                "roleDefinitionId": assignment["roleDefinitionId"] ?? .null, "directoryScopeId": "/",
                "assignmentType": "Assigned", "memberType": "Direct", "status": "Provisioned",
                "createdDateTime": ago(400), "scheduleInfo": ["startDateTime": ago(400), "expiration": .null],
            ]
        }
    }

    /// The enrolment configurations for devices.
    var enrollment: [JSONObject] {
        [
            [
                "@odata.type": "#microsoft.graph.deviceEnrollmentLimitConfiguration", "id": id(24, 0),
                "displayName": "All users and all devices", "description": "", "priority": 0,
                "createdDateTime": ago(700), "lastModifiedDateTime": ago(100), "version": 1, "limit": 15,
            ]
        ]
    }

    /// The purchases: a subscription for each product.
    var subscriptions: [JSONObject] {
        store.table(.subscribedSkus).all.enumerated().map { place, sku in
            [
                "id": id(25, place), "commerceSubscriptionId": id(26, place), "skuId": sku["skuId"] ?? .null,
                "skuPartNumber": sku["skuPartNumber"] ?? .null, "status": "Enabled", "isTrial": false,
                "totalLicenses": sku["prepaidUnits"]?["enabled"] ?? 0, "createdDateTime": ago(500 + place),
                "nextLifecycleDateTime": ago(-(90 + place * 30)), "ownerId": .string(TenantIdentity.id),
                "ownerTenantId": .string(TenantIdentity.id), "ownerType": "User", "serviceStatus": [],
            ]
        }
    }

    /// The last sign-ins of apps.
    var appActivities: [JSONObject] {
        store.table(.servicePrincipals).all.prefix(12).enumerated().map { place, app in
            let last: JSONValue = ["lastSignInDateTime": ago(place * 3), "lastSignInRequestId": id(28, place)]
            return [
                "id": id(27, place), "appId": app["appId"] ?? .null, "lastSignInActivity": last,
                "delegatedClientSignInActivity": last, "delegatedResourceSignInActivity": .null,
                "applicationAuthenticationClientSignInActivity": .null,
                "applicationAuthenticationResourceSignInActivity": .null,
            ]
        }
    }

    // MARK: Planner

    func plans(of group: String) -> [JSONObject] {
        ["Launch", "Maintenance"].enumerated().map { place, title in
            [
                "id": .string("\(group.prefix(8))Plan\(place)"), "title": .string(title), "owner": .string(group),
                "createdDateTime": ago(120 + place),
                "container": ["containerId": .string(group), "type": "group"],
            ]
        }
    }

    func plannerBuckets(_ plan: String) -> [JSONObject] {
        ["To do", "Doing"].enumerated().map { place, name in
            [
                "id": .string("\(plan)Bucket\(place)"), "name": .string(name), "planId": .string(plan),
                "orderHint": .string("858\(place)"),
            ]
        }
    }

    func plannerTasks(_ plan: String) -> [JSONObject] {
        ["Write the announcement", "Check the numbers", "Ask the lawyers"].enumerated().map { place, title in
            let user = users.row(3 + place)
            return [
                "id": .string("\(plan)Task\(place)"), "planId": .string(plan), "title": .string(title),
                "bucketId": .string("\(plan)Bucket\(place % 2)"), "percentComplete": place == 1 ? 100 : 0,
                "priority": 5, "createdDateTime": ago(60 - place), "startDateTime": .null,
                "dueDateTime": ago(place * 20 - 10), "completedDateTime": place == 1 ? ago(4) : .null,
                "hasDescription": false, "assignments": [user.id: ["orderHint": "8585"]],
                "createdBy": ["user": ["id": .string(users.row(0).id)]],
            ]
        }
    }

    var incidents: [JSONObject] {
        Self.alarms.enumerated().map { place, alarm in
            [
                "id": .string("\(40 + place)"), "displayName": .string("\(alarm.0) involving one user"),
                "severity": .string(alarm.1), "status": .string(alarm.2 == "resolved" ? "resolved" : "active"),
                "createdDateTime": ago(1 + place), "lastUpdateDateTime": ago(place), "assignedTo": .null,
                "classification": "unknown", "determination": "unknown",
            ]
        }
    }

    var riskDetections: [JSONObject] {
        administration.riskyUsers().enumerated().map { place, user in
            [
                "id": id(7, place), "riskEventType": "unfamiliarFeatures", "riskLevel": user["riskLevel"] ?? "low",
                "riskState": user["riskState"] ?? "atRisk", "riskDetail": "none", "source": "IdentityProtection",
                "detectionTimingType": "realtime", "activity": "signin", "ipAddress": "203.0.113.7",
                "userId": user["id"] ?? .null, "userDisplayName": user["userDisplayName"] ?? .null,
                "userPrincipalName": user["userPrincipalName"] ?? .null, "activityDateTime": ago(1 + place * 2),
                "detectedDateTime": ago(1 + place * 2),
            ]
        }
    }

    var sensitivityLabels: [JSONObject] {
        ["Public", "Internal", "Confidential", "Strictly confidential"].enumerated().map { place, name in
            [
                "id": id(8, place), "name": .string(name), "displayName": .string(name), "description": "",
                "sensitivity": .int(Int64(place)), "isEnabled": true, "isActive": true, "priority": .int(Int64(place)),
            ]
        }
    }

    var cases: [JSONObject] {
        ["Contract dispute", "Leak of a price list"].enumerated().map { place, name in
            [
                "id": id(9, place), "displayName": .string(name), "description": "", "externalId": "",
                "status": place == 0 ? "active" : "closed", "createdDateTime": ago(60 + place * 30),
                "lastModifiedDateTime": ago(5 + place), "closedDateTime": place == 0 ? .null : ago(5),
            ]
        }
    }

    // MARK: Service

    var messages: [JSONObject] {
        [
            ("MC942817", "Microsoft Teams: new calendar", "stayInformed", "normal", "Microsoft Teams"),
            ("MC945120", "Retirement of legacy tokens in Exchange Online", "planForChange", "high", "Exchange Online"),
            (
                "MC951003", "Baseline security mode comes to the admin center", "planForChange", "normal",
                "Microsoft 365 suite"
            ),
        ].enumerated().map { place, message in
            [
                "id": .string(message.0), "title": .string(message.1), "category": .string(message.2),
                "severity": .string(message.3), "services": [.string(message.4)], "isMajorChange": .bool(place == 1),
                "startDateTime": ago(20 + place * 4), "endDateTime": ago(-60), "lastModifiedDateTime": ago(place + 2),
                "actionRequiredByDateTime": place == 1 ? ago(-40) : .null, "tags": ["Feature update"], "details": [],
                "body": ["contentType": "html", "content": .string("<p>\(message.1).</p>")],
            ]
        }
    }

    var rooms: [JSONObject] {
        (0..<users.count).compactMap { index in
            guard let box = ExchangeMailbox(users.row(index)), box.kind == .room else { return nil }
            return [
                "id": .string(box.id), "displayName": .string(box.displayName), "emailAddress": .string(box.address),
                "nickname": .string(box.alias), "building": .string(box.row.office.city), "floorNumber": 1,
                "capacity": .int(Int64(4 + index % 12)), "bookingType": "standard", "isWheelChairAccessible": true,
                "audioDeviceName": .null, "videoDeviceName": .null, "tags": [], "phone": "",
            ]
        }
    }

    // MARK: Governance

    var reviews: [JSONObject] {
        [("Guests, every quarter", "InProgress"), ("Administrators, every month", "Completed")].enumerated().map {
            place, review in
            [
                "id": id(10, place), "displayName": .string(review.0), "status": .string(review.1),
                "createdDateTime": ago(90 + place), "lastModifiedDateTime": ago(7 + place), "descriptionForAdmins": "",
                "scope": ["query": "/users?$filter=userType eq 'Guest'", "queryType": "MicrosoftGraph"],
            ]
        }
    }

    var accessPackages: [JSONObject] {
        ["New in Sales", "Partner project"].enumerated().map { place, name in
            [
                "id": id(11, place), "displayName": .string(name), "description": "", "isHidden": false,
                "createdDateTime": ago(120 + place), "modifiedDateTime": ago(12 + place),
            ]
        }
    }

    var provisioning: [JSONObject] {
        (0..<6).map { place in
            [
                "id": id(13, place), "activityDateTime": ago(place), "jobId": "scim.1", "provisioningAction": "update",
                "provisioningStatusInfo": ["status": place == 4 ? "failure" : "success"], "durationInMilliseconds": 412,
                "servicePrincipal": ["displayName": "Contoso HR"],
                "targetIdentity": ["displayName": .string(users.row(place + 2).displayName)],
            ]
        }
    }

    var printers: [JSONObject] {
        ["Ground floor", "Second floor"].enumerated().map { place, name in
            [
                "id": id(14, place), "displayName": .string(name), "manufacturer": "Kyocera",
                "model": "TASKalfa 3554ci",
                "isShared": true, "registeredDateTime": ago(300), "lastSeenDateTime": ago(0),
            ]
        }
    }

    var groupExpiration: [JSONObject] {
        [
            [
                "id": id(15, 0), "groupLifetimeInDays": 180, "managedGroupTypes": "Selected",
                "alternateNotificationEmails": .string("admin@\(TenantIdentity.domain)"),
            ]
        ]
    }

    var groupSettings: [JSONObject] {
        [
            [
                "id": id(16, 0), "displayName": "Group.Unified", "templateId": "62375ab9-6b52-47ed-826b-58e47e0e304b",
                "values": [
                    ["name": "EnableGroupCreation", "value": "true"],
                    ["name": "AllowGuestsToAccessGroups", "value": "true"],
                    ["name": "PrefixSuffixNamingRequirement", "value": ""],
                ],
            ]
        ]
    }

    /// The number of accounts that have registered each authentication method.
    var registeredMethods: JSONObject {
        var counts: [String: Int] = [:]
        for index in 0..<users.count {
            for method in administration.registration(index)["methodsRegistered"]?.array ?? [] {
                counts[method.string ?? "", default: 0] += 1
            }
        }
        return [
            "totalUserCount": .int(Int64(users.count)),
            "userRegistrationMethodCounts": .array(
                counts.sorted { $0.key < $1.key }.map {
                    ["authenticationMethod": .string($0.key), "userCount": .int(Int64($0.value))]
                }),
        ]
    }

    // MARK: One person's

    /// Returns a user's to-do lists.
    func todoLists(_ user: String) -> [JSONObject] {
        guard let index = users.index(of: user) else { return [] }
        return ["Tasks", "Flagged Emails"].enumerated().map { place, name in
            [
                "id": id(17, index * 2 + place), "displayName": .string(name), "isOwner": true, "isShared": false,
                "wellknownListName": place == 0 ? "defaultList" : "flaggedEmails",
            ]
        }
    }

    /// Returns a user's presence.
    func presence(_ user: String) -> JSONObject {
        let isThere = (users.index(of: user) ?? 0) % 3 != 1
        return [
            "id": .string(user), "availability": isThere ? "Available" : "Away",
            "activity": isThere ? "Available" : "Away",
            "statusMessage": .null,
        ]
    }
}

// Content that is requested less often.
extension ObservedContent {
    /// The roles that a directory can have, as templates.
    var roleTemplates: [JSONObject] {
        DirectoryRoleName.allCases.map { role in
            [
                "id": .string(role.rawValue), "deletedDateTime": .null, "description": .string(role.purpose),
                "displayName": .string(role.title),
            ]
        }
    }

    /// The numbers of sign-ins with a second factor, by day.
    var secondFactors: [JSONObject] {
        (1...7).map { day in
            let (all, single) = (Int64(400 + day * 37 % 90), Int64(day * 13 % 30))
            return [
                "id": .string("day-\(day)"), "createdDateTime": ago(day), "totalSignIns": .int(all),
                "singleFactorSignIns": .int(single), "multiFactorSignIns": .int(all - single),
            ]
        }
    }

    /// Returns the policies for apps of one system.
    func protection(of system: String) -> [JSONObject] {
        appProtection.filter { $0["@odata.type"]?.string?.contains(".\(system)") == true }.map { row in
            var row = row
            row["@odata.type"] = nil
            return row
        }
    }

    /// The external contacts in the address list.
    var orgContacts: [JSONObject] {
        [("Frida Fabrikam", "Fabrikam", "fabrikam.com"), ("Nils Northwind", "Northwind Traders", "northwind.example")]
            .enumerated().map { place, contact in
                let given = contact.0.split(separator: " ")[0].lowercased()
                return [
                    "id": id(24, place), "displayName": .string(contact.0), "companyName": .string(contact.1),
                    "mail": .string("\(given)@\(contact.2)"), "mailNickname": .string(given), "givenName": .null,
                    "surname": .null, "jobTitle": .null, "department": .null, "onPremisesSyncEnabled": .null,
                    "proxyAddresses": [.string("SMTP:\(given)@\(contact.2)")],
                ]
            }
    }

    var exchangeMailboxes: [JSONObject] {
        (0..<min(40, users.count)).map { ["id": .string(users.row($0).id)] }
    }

    /// The permissions on a calendar: everybody in the organisation sees free/busy times, unless the owner decides
    /// otherwise.
    var calendarPermissions: [JSONObject] {
        [
            [
                "id": "RGVmYXVsdA==", "isRemovable": false, "isInsideOrganization": true, "role": "freeBusyRead",
                "allowedRoles": ["none", "freeBusyRead", "limitedRead", "read", "write"],
                "emailAddress": ["name": "My Organization"],
            ]
        ]
    }

    var phoneNumbers: [JSONObject] {
        (0..<min(20, users.count)).map { place in
            [
                "id": .string("+3491055510\(10 + place)"), "telephoneNumber": .string("+3491055510\(10 + place)"),
                "numberType": "callingPlan", "activationState": "activated", "isoCountryCode": "ES",
                "capabilities": ["userAssignment"],
                "assignmentStatus": place < 12 ? "userAssigned" : "unassigned",
                "assignmentTargetId": place < 12 ? .string(users.row(place).id) : .null,
            ]
        }
    }

    var catalogApps: [JSONObject] {
        TeamContent.installedApps(of: "").compactMap { $0["teamsApp"]?.object } + [
            [
                "id": id(25, 0), "externalId": "contoso.timesheet", "displayName": "Contoso Time Sheet",
                "distributionMethod": "organization",
            ]
        ]
    }

    var healthScripts: [JSONObject] {
        [
            [
                "id": id(26, 0), "displayName": "Free disk space", "description": "Empties folders of temporary files.",
                "publisher": .string(TenantIdentity.name), "version": "1", "isGlobalScript": false,
                "runAsAccount": "system", "enforceSignatureCheck": false, "createdDateTime": ago(200),
                "lastModifiedDateTime": ago(30),
            ]
        ]
    }

    var deviceRoles: [JSONObject] {
        ["Help Desk Operator", "Policy and Profile manager", "Read Only Operator"].enumerated().map { place, name in
            [
                "id": id(27, place), "displayName": .string(name), "description": .string("\(name)."),
                "isBuiltIn": true, "rolePermissions": [],
            ]
        }
    }

    var deploymentProfiles: [JSONObject] {
        [
            [
                "id": id(28, 0), "displayName": "Office computers", "description": "", "language": "os-default",
                "createdDateTime": ago(300), "lastModifiedDateTime": ago(60), "deviceNameTemplate": "PC-%SERIAL%",
                "deviceType": "windowsPc", "preprovisioningAllowed": false,
            ]
        ]
    }

    /// The required DNS records of the domain.
    var dnsRecords: [JSONObject] {
        let mail = "\(TenantIdentity.sharePointHost).mail.protection.outlook.com"
        return [
            ("Mx", "Email", ["mailExchange": .string(mail), "preference": 0]),
            ("Txt", "Email", ["text": "v=spf1 include:spf.protection.outlook.com -all"]),
            ("CName", "Email", ["canonicalName": "autodiscover.outlook.com"]),
        ].enumerated().map { (place, record: (String, String, JSONObject)) in
            var row: JSONObject = [
                "id": id(29, place), "recordType": .string(record.0), "supportedService": .string(record.1),
                "label": .string(TenantIdentity.domain), "ttl": 3600, "isOptional": false,
            ]
            for (name, value) in record.2 { row[name] = value }
            return row
        }
    }

    var packageAssignments: [JSONObject] {
        (0..<min(4, users.count)).map { place in
            [
                "id": id(30, place), "state": "delivered", "status": "Delivered", "expiredDateTime": .null,
                "schedule": ["startDateTime": ago(90), "expiration": .null],
            ]
        }
    }

    var roomLists: [JSONObject] {
        Set(rooms.compactMap { $0["building"]?.string }).sorted().enumerated().map { place, city in
            let name = city.lowercased().filter { $0.isLetter }
            return [
                "id": id(31, place), "displayName": .string("Rooms in \(city)"),
                "emailAddress": .string("rooms.\(name)@\(TenantIdentity.domain)"), "phone": "", "address": .null,
            ]
        }
    }

    /// The plans of the first group.
    var ownPlans: [JSONObject] { store.table(.groups).first.map { plans(of: $0.id) } ?? [] }

    /// The policies for activating each role.
    var rolePolicies: [JSONObject] {
        store.roleDefinitions.prefix(6).map { role in
            [
                "id": .string("DirectoryRole_\(TenantIdentity.id)_\(role.id)"), "displayName": "DirectoryRole",
                "description": "DirectoryRole", "isOrganizationDefault": false, "scopeId": "/",
                "scopeType": "DirectoryRole", "lastModifiedDateTime": ago(200),
            ]
        }
    }

    var rolePolicyAssignments: [JSONObject] {
        store.roleDefinitions.prefix(6).map { role in
            let policy = "DirectoryRole_\(TenantIdentity.id)_\(role.id)"
            return [
                "id": .string("\(policy)_\(role.id)"), "policyId": .string(policy), "scopeId": "/",
                "scopeType": "DirectoryRole", "roleDefinitionId": .string(role.id),
            ]
        }
    }

    var retentionLabels: [JSONObject] {
        ["Keep for ten years", "Delete after a year"].enumerated().map { place, name in
            [
                "id": id(32, place), "displayName": .string(name), "isInUse": .bool(place == 0),
                "retentionTrigger": "dateCreated", "behaviorDuringRetentionPeriod": "retain",
                "actionAfterRetentionPeriod": place == 0 ? "none" : "delete", "createdDateTime": ago(400),
            ]
        }
    }
}
