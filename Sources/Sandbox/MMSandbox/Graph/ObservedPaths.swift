internal import MMCore

/// What paths name that administrators look at and nobody writes here.
struct ObservedPaths {
    let store: DirectoryStore

    private var content: ObservedContent { ObservedContent(store: store) }

    /// The place of a path; `nil` for everything else.
    func place(_ segments: ArraySlice<GraphSegment>) -> GraphPlace? {
        if let below = below(segments) { return below }
        let words = segments.prefix(4).map { $0.name.lowercased() }
        for count in stride(from: min(3, words.count), through: 1, by: -1) {
            let path = words.prefix(count).joined(separator: "/")
            let rest = segments.dropFirst(count)
            if let (kind, area, rows) = list(path) { return made(kind, area, rows, path, rest) }
            if let (kind, area, object) = single(path), rest.isEmpty {
                return GraphPlace(.single(Self.kind(kind, [object]), .object(object)), "\(path)/$entity", area, rest)
            }
        }
        return nil
    }

    /// Lists below one object of a collection: `collection/{id}/list`.
    private func below(_ segments: ArraySlice<GraphSegment>) -> GraphPlace? {
        let all = Array(segments)
        let words = all.map { $0.name.lowercased() }
        func at(_ path: String) -> ArraySlice<GraphSegment>? {
            let parts = path.split(separator: "/")
            guard words.count >= parts.count, zip(parts, words).allSatisfy({ $0 == "{}" || $0 == $1 }) else {
                return nil
            }
            return segments.dropFirst(parts.count)
        }
        if let rest = at("identityprotection/riskyusers/{}/history") {
            return made("riskyUserHistoryItem", .risks, content.riskHistory(all[2].name), "history", rest)
        }
        if let rest = at("groups/{}/planner/plans") {
            return made("plannerPlan", .groups, content.plans(of: all[1].name), "planner/plans", rest)
        }
        if let rest = at("planner/plans/{}/tasks") {
            return made("plannerTask", .groups, content.plannerTasks(all[2].name), "planner/tasks", rest)
        }
        if let rest = at("planner/plans/{}/buckets") {
            return made("plannerBucket", .groups, content.plannerBuckets(all[2].name), "planner/buckets", rest)
        }
        if let rest = at("groups/{}/memberswithlicenseerrors") {
            return .references([], nil, rest, area: .groups)
        }
        if let rest = at("devicemanagement/devicecompliancepolicies/getdevicesscheduledtoretire") {
            return made("retireScheduledManagedDevice", .devices, [], "getDevicesScheduledToRetire", rest)
        }
        if let rest = at("administrativeunits/{}/members") ?? at("directory/administrativeunits/{}/members") {
            return .references(content.unitMembers, nil, rest, area: .users)
        }
        if let rest = at("directory/administrativeunits/{}/scopedrolemembers") {
            return made("scopedRoleMembership", .roles, [], "scopedRoleMembers", rest)
        }
        return nil
    }

    /// A place below a user.
    func place(ofUser id: String, _ segments: ArraySlice<GraphSegment>) -> GraphPlace? {
        let words = segments.prefix(2).map { $0.name.lowercased() }
        switch (words.first, words.dropFirst().first) {
        case ("todo", "lists"):
            return made(
                "todoTaskList", .mailboxSettings, content.todoLists(id), "todo/lists", segments.dropFirst(2), owner: id)
        case ("presence", nil):
            let row = content.presence(id)
            return GraphPlace(
                .single(Self.kind("presence", [row]), .object(row)), "users('\(id)')/presence/$entity", .chats,
                segments.dropFirst())
        case ("oauth2permissiongrants", _):
            let rows = store.table(.permissionGrants).all.filter { $0["principalId"]?.string == id }
            return GraphPlace(
                .made(store.table(.permissionGrants).kind, rows), "oauth2PermissionGrants", .consents,
                segments.dropFirst())
        case ("authentication", let name?) where name.hasSuffix("methods") && name != "methods":
            let type = "#microsoft.graph.\(name.dropLast("methods".count))authenticationmethod"
            let rows = store.table(.authenticationMethods(id)).all.filter { $0.typeName?.lowercased() == type }
            return GraphPlace(
                .made(.authenticationMethod, rows), "users('\(id)')/authentication/\(name)", .authenticationMethods,
                segments.dropFirst(2))
        default: return nil
        }
    }

    private func made(
        _ kind: String, _ area: GraphArea, _ rows: [JSONObject], _ path: String, _ rest: ArraySlice<GraphSegment>,
        owner: String? = nil
    ) -> GraphPlace {
        let kind = Self.kind(kind, rows)
        guard let key = rest.first?.name, !key.hasPrefix("$") else {
            return GraphPlace(.made(kind, rows.map { .object(Self.listed($0)) }), path, area, rest, owner: owner)
        }
        // A cast such as graph.room has been read with the path.
        guard let row = rows.first(where: { $0["id"]?.string?.lowercased() == key.lowercased() }) else {
            return GraphPlace(.made(kind, []), path, area, rest, owner: owner)
        }
        return GraphPlace(.single(kind, .object(row)), "\(path)/$entity", area, rest.dropFirst(), owner: owner)
    }

    /// A row as lists show it: secrets are given out one at a time.
    private static func listed(_ row: JSONObject) -> JSONObject {
        var row = row
        for name in ["key", "credentials"] { row[name] = nil }
        return row
    }

    private func list(_ path: String) -> (String, GraphArea, [JSONObject])? {
        switch path {
        case "devicemanagement/windowsautopilotdeviceidentities":
            ("windowsAutopilotDeviceIdentity", .devices, content.autopilot)
        case "devicemanagement/detectedapps": ("detectedApp", .devices, content.detectedApps)
        case "deviceappmanagement/mobileapps": ("mobileApp", .devices, content.mobileApps)
        case "deviceappmanagement/managedapppolicies": ("managedAppPolicy", .devices, content.appProtection)
        case "informationprotection/bitlocker/recoverykeys": ("bitlockerRecoveryKey", .devices, content.bitLockerKeys)
        case "directory/devicelocalcredentials": ("deviceLocalCredentialInfo", .devices, content.localCredentials)
        case "security/securescores": ("secureScore", .risks, content.secureScores)
        case "security/securescorecontrolprofiles": ("secureScoreControlProfile", .risks, content.controls)
        case "security/alerts": ("alert", .risks, content.earlierAlerts)
        case "security/alerts_v2": ("security.alert", .risks, content.alerts)
        case "security/incidents": ("security.incident", .risks, content.incidents)
        case "security/cases/ediscoverycases": ("security.ediscoveryCase", .risks, content.cases)
        case "security/datasecurityandgovernance/sensitivitylabels", "security/informationprotection/sensitivitylabels":
            ("sensitivityLabel", .policies, content.sensitivityLabels)
        case "identityprotection/riskdetections": ("riskDetection", .risks, content.riskDetections)
        case "admin/serviceannouncement/messages": ("serviceUpdateMessage", .health, content.messages)
        case "places/graph.room", "places/microsoft.graph.room": ("room", .organization, content.rooms)
        case "identitygovernance/accessreviews/definitions":
            ("accessReviewScheduleDefinition", .policies, content.reviews)
        case "identitygovernance/entitlementmanagement/accesspackages":
            ("accessPackage", .policies, content.accessPackages)
        case "identitygovernance/appconsent/appconsentrequests": ("appConsentRequest", .policies, [])
        case "directory/attributesets": ("attributeSet", .roles, [])
        case "auditlogs/provisioning": ("provisioningObjectSummary", .logs, content.provisioning)
        case "print/printers": ("printer", .organization, content.printers)
        case "grouplifecyclepolicies": ("groupLifecyclePolicy", .groups, content.groupExpiration)
        case "groupsettings", "settings": ("groupSetting", .groups, content.groupSettings)
        case "schemaextensions": ("schemaExtension", .applications, [])
        case "policies/tokenlifetimepolicies": ("tokenLifetimePolicy", .policies, [])
        case "contacts": ("orgContact", .organization, [])
        case "rolemanagement/directory/roleassignmentschedules",
            "rolemanagement/directory/roleassignmentscheduleinstances":
            ("unifiedRoleAssignmentSchedule", .roles, content.roleSchedules)
        case "rolemanagement/directory/roleeligibilityschedules":
            ("unifiedRoleEligibilitySchedule", .roles, [])
        case "subscriptions": ("subscription", .organization, [])
        case "communications/callrecords": ("callRecords.callRecord", .teams, [])
        case "security/auditlog/queries": ("security.auditLogQuery", .logs, [])
        case "solutions/backuprestore/restoresessions": ("restoreSessionBase", .organization, [])
        case "solutions/backuprestore/protectionpolicies": ("protectionPolicyBase", .organization, [])
        case "identitygovernance/privilegedaccess/group/assignmentschedulerequests":
            ("privilegedAccessGroupAssignmentScheduleRequest", .groups, [])
        case "planner/tasks": ("plannerTask", .groups, content.plannerTasks("OwnPlan0"))
        case "identity/b2xuserflows": ("b2xIdentityUserFlow", .policies, [])
        case "identity/conditionalaccess/templates": ("conditionalAccessTemplate", .policies, content.accessTemplates)
        case "identityprotection/riskyserviceprincipals": ("riskyServicePrincipal", .risks, [])
        case "deviceappmanagement/vpptokens": ("vppToken", .devices, [])
        case "devicemanagement/auditevents": ("auditEvent", .devices, content.deviceEvents)
        case "admin/exchange/tracing/messagetraces": ("exchangeMessageTrace", .organization, content.messageTraces)
        default: nil
        }
    }

    private func single(_ path: String) -> (String, GraphArea, JSONObject)? {
        switch path {
        case "policies/crosstenantaccesspolicy":
            (
                "crossTenantAccessPolicy", .policies,
                [
                    "id": "crossTenantAccessPolicy", "displayName": "CrossTenantAccessPolicy",
                    "allowedCloudEndpoints": [],
                ]
            )
        case "policies/deviceregistrationpolicy":
            (
                "deviceRegistrationPolicy", .policies,
                [
                    "id": "deviceRegistrationPolicy", "displayName": "Device Registration Policy",
                    "description": "Tenant-wide policy that manages initial provisioning controls for devices.",
                    "userDeviceQuota": 50, "multiFactorAuthConfiguration": "notRequired",
                    "azureADRegistration": ["isAdminConfigurable": false],
                    "azureADJoin": ["isAdminConfigurable": true], "localAdminPassword": ["isEnabled": true],
                ]
            )
        case "devicemanagement/manageddeviceoverview":
            ("managedDeviceOverview", .devices, content.deviceOverview)
        case "admin/reportsettings":
            ("adminReportSettings", .reports, ["id": "reportSettings", "displayConcealedNames": false])
        case "reports/authenticationmethods/usersregisteredbymethod":
            ("userRegistrationMethodSummary", .authenticationMethods, content.registeredMethods)
        case "devicemanagement/applepushnotificationcertificate":
            (
                "applePushNotificationCertificate", .devices,
                [
                    "id": "apns", "appleIdentifier": .string("apple@\(TenantIdentity.domain)"),
                    "topicIdentifier": "com.apple.mgmt.External.sandbox",
                    "expirationDateTime": .string(ServiceTime.text(store.users.now + 86_400 * 120)),
                ]
            )
        default: nil
        }
    }

    /// The type of rows that nobody writes, as they are.
    private static func kind(_ name: String, _ rows: [JSONObject]) -> EntityKind {
        var words: [String] = []
        for (property, value) in rows.first ?? ["id": ""] where !property.hasPrefix("@") {
            let type: String
            switch value {
            case .bool: type = ":b"
            case .int, .double, .number: type = ":n"
            case .array: type = ":c"
            case .object: type = ":o"
            case .string, .null: type = property.hasSuffix("DateTime") ? ":d" : ""
            }
            words.append(property + type)
        }
        return EntityKind(name, words.joined(separator: " "), abstract: rows.first?["@odata.type"] != nil)
    }
}
