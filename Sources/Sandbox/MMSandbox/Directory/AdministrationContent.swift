internal import MMCore

/// Devices, policies, risks and the health of services.
struct AdministrationContent: Sendable {
    let users: UserDirectory
    private let mixing: Mixing
    private let deviceIDs: ObjectIDs
    private let otherIDs: ObjectIDs

    init(users: UserDirectory, mixing: Mixing) {
        self.users = users
        self.mixing = mixing.branch(61)
        deviceIDs = ObjectIDs(mixing.branch(62))
        otherIDs = ObjectIDs(mixing.branch(63))
    }

    private func ago(_ days: Int) -> JSONValue { .string(ServiceTime.text(users.now - Int64(days) * 86_400)) }

    // MARK: Devices

    private static let models: [(maker: String, model: String, system: String, version: String, name: String)] = [
        ("LENOVO", "ThinkPad T14", "Windows", "10.0.26100.2894", "LAPTOP"),
        ("Dell Inc.", "Latitude 5550", "Windows", "10.0.22631.4460", "LAPTOP"),
        ("Apple", "MacBook Pro 14", "macOS", "15.1.1 (24B91)", "MAC"),
        ("Apple", "iPhone 16", "iOS", "18.1.1", "PHONE"),
        ("Samsung", "SM-S926B", "Android", "14.0", "PHONE"),
    ]

    /// One device for every second user of the directory.
    var deviceCount: Int { users.count / 2 }

    func deviceIndex(_ id: String) -> Int? { deviceIDs.index(ofGuid: id).flatMap { $0 < deviceCount ? $0 : nil } }

    func device(_ index: Int) -> JSONObject {
        let model = Self.models[mixing.number(index, 1, below: Self.models.count)]
        let owner = users.row(index * 2)
        let isShared = owner.isGuest
        let state = ["compliant", "compliant", "compliant", "compliant", "noncompliant", "inGracePeriod"]
        let synced = users.now - Int64(mixing.number(index, 2, below: owner.isActive ? 4 : 90) * 86_400 + 4_000)
        let name = "\(model.name)-\(10_000 + index)"
        return [
            "id": .string(deviceIDs.guid(index)), "userId": .string(isShared ? "" : owner.id),
            "deviceName": .string(name),
            "managedDeviceOwnerType": mixing.number(index, 3, below: 5) == 0 ? "personal" : "company",
            "enrolledDateTime": .string(ServiceTime.text(max(owner.created, users.now - 86_400 * 700))),
            "lastSyncDateTime": .string(ServiceTime.text(synced)), "operatingSystem": .string(model.system),
            "complianceState": .string(state[mixing.number(index, 4, below: state.count)]), "jailBroken": "Unknown",
            "managementAgent": "mdm", "osVersion": .string(model.version), "easActivated": false,
            "azureADRegistered": true,
            "deviceEnrollmentType": model.system == "Windows" ? "windowsAzureADJoin" : "userEnrollment",
            "emailAddress": .string(isShared ? "" : owner.mail),
            "azureADDeviceId": .string(otherIDs.guid(100_000 + index)),
            "deviceRegistrationState": "registered", "deviceCategoryDisplayName": isShared ? "Kiosk" : "Unknown",
            "isSupervised": false, "exchangeAccessState": "none",
            "isEncrypted": .bool(mixing.number(index, 5, below: 12) != 0),
            "userPrincipalName": .string(isShared ? "" : owner.userPrincipalName), "model": .string(model.model),
            "manufacturer": .string(model.maker), "imei": "",
            "serialNumber": .string("SB\(mixing.number(index, 6) % 10_000_000_000)"), "phoneNumber": "",
            "userDisplayName": .string(isShared ? "" : owner.displayName), "totalStorageSpaceInBytes": 511_101_108_224,
            "freeStorageSpaceInBytes": .int(Int64(20_000_000_000 + mixing.number(index, 7, below: 400_000_000_000))),
            "managedDeviceName": .string("\(name)_\(model.system)"), "partnerReportedThreatState": "unknown",
        ]
    }

    /// Returns the directory's entry of a managed device.
    func directoryDevice(_ index: Int) -> JSONObject {
        let managed = device(index)
        let state = managed["complianceState"]?.string
        let isPersonal = managed["managedDeviceOwnerType"] == "personal"
        return [
            "id": .string(objectID(ofDevice: index)), "deletedDateTime": .null,
            "accountEnabled": .bool(mixing.number(index, 8, below: 40) != 0),
            "approximateLastSignInDateTime": managed["lastSyncDateTime"] ?? .null,
            "complianceExpirationDateTime": .null, "createdDateTime": managed["enrolledDateTime"] ?? .null,
            "deviceCategory": .null, "deviceId": managed["azureADDeviceId"] ?? .null,
            "deviceOwnership": isPersonal ? "Personal" : "Company", "deviceVersion": 2,
            "displayName": managed["deviceName"] ?? .null,
            "enrollmentType": managed["deviceEnrollmentType"] ?? .null,
            "isCompliant": .bool(state == "compliant" || state == "inGracePeriod"), "isManaged": true,
            "isRooted": .null, "managementType": "MDM", "manufacturer": managed["manufacturer"] ?? .null,
            "model": managed["model"] ?? .null, "onPremisesLastSyncDateTime": .null, "onPremisesSyncEnabled": .null,
            "operatingSystem": managed["operatingSystem"] ?? .null,
            "operatingSystemVersion": managed["osVersion"] ?? .null, "profileType": "RegisteredDevice",
            "registrationDateTime": managed["enrolledDateTime"] ?? .null, "systemLabels": [],
            "trustType": isPersonal ? "Workplace" : "AzureAd",
        ]
    }

    /// Returns the object id of a device in the directory.
    func objectID(ofDevice index: Int) -> String { otherIDs.guid(Self.firstDevice + index) }

    /// Returns the index of the device with an object id of the directory, or with the device's own id.
    func directoryDeviceIndex(_ id: String) -> Int? {
        guard let number = otherIDs.index(ofGuid: id) else { return nil }
        let index = number >= Self.firstDevice ? number - Self.firstDevice : number - 100_000
        return (0..<deviceCount).contains(index) ? index : nil
    }

    /// Returns the user who registered a device.
    func owner(ofDevice index: Int) -> UserRow? {
        let owner = users.row(index * 2)
        return owner.isGuest ? nil : owner
    }

    /// The first index for ids of devices, after those for authentication methods, of which there is one per user.
    private static let firstDevice = 1 << 24

    func configurations() -> [JSONObject] {
        policies(
            [
                ("#microsoft.graph.windows10GeneralConfiguration", "Windows: base settings"),
                ("#microsoft.graph.windowsUpdateForBusinessConfiguration", "Windows: updates, first ring"),
                ("#microsoft.graph.macOSGeneralDeviceConfiguration", "Mac: base settings"),
                ("#microsoft.graph.iosGeneralDeviceConfiguration", "iPhone: restrictions"),
            ], from: 0)
    }

    func compliancePolicies() -> [JSONObject] {
        policies(
            [
                ("#microsoft.graph.windows10CompliancePolicy", "Windows: encrypted and up to date"),
                ("#microsoft.graph.macOSCompliancePolicy", "Mac: encrypted"),
                ("#microsoft.graph.iosCompliancePolicy", "iPhone: not jailbroken"),
            ], from: 20)
    }

    /// Returns the policies of the settings catalogue. Their settings are separate objects.
    func catalogPolicies() -> [JSONObject] {
        [
            ("Windows: BitLocker", "windows10"), ("Windows: local administrator password", "windows10"),
            ("Windows: attack surface reduction", "windows10"), ("Mac: firewall", "macOS"),
        ].enumerated().map { place, policy in
            [
                "id": .string(otherIDs.guid(60 + place)), "name": .string(policy.0), "description": "",
                "platforms": .string(policy.1), "technologies": "mdm", "createdDateTime": ago(300 + place),
                "lastModifiedDateTime": ago(30 + place), "settingCount": 2, "isAssigned": true, "creationSource": .null,
                "roleScopeTagIds": ["0"], "priorityMetaData": .null,
                "templateReference": ["templateId": "", "templateFamily": "none", "templateDisplayName": .null],
            ]
        }
    }

    /// Returns the settings of a policy of the settings catalogue.
    static func catalogSettings(of policy: JSONObject) -> [JSONObject] {
        let family =
            policy["platforms"]?.string == "macOS" ? "com.apple.firewall_enable" : "device_vendor_msft_bitlocker"
        return ["requireencryption", "allowwarning"].enumerated().map { place, name in
            [
                "id": .string("\(place)"),
                "settingInstance": [
                    "@odata.type": "#microsoft.graph.deviceManagementConfigurationChoiceSettingInstance",
                    "settingDefinitionId": .string("\(family)_\(name)"), "settingInstanceTemplateReference": .null,
                    "choiceSettingValue": [
                        "value": .string("\(family)_\(name)_1"), "children": [],
                        "settingValueTemplateReference": .null,
                    ],
                ],
            ]
        }
    }

    /// Returns the definition of a setting, with the choices that it allows.
    static func settingDefinitions(of setting: Record) -> [JSONObject] {
        guard let id = setting["settingInstance"]?["settingDefinitionId"]?.string else { return [] }
        let name = id.split(separator: "_").last.map(String.init) ?? id
        return [
            [
                "@odata.type": "#microsoft.graph.deviceManagementConfigurationChoiceSettingDefinition",
                "id": .string(id), "name": .string(name), "displayName": .string(name), "description": "",
                "rootDefinitionId": .string(id), "offsetUri": .string("/\(name)"), "settingUsage": "configuration",
                "defaultOptionId": .string("\(id)_0"),
                "options": .array(
                    ["Disabled", "Enabled"].enumerated().map { place, choice in
                        [
                            "itemId": .string("\(id)_\(place)"), "name": .string(choice),
                            "displayName": .string(choice), "description": .null,
                        ]
                    }),
            ]
        ]
    }

    private func policies(_ named: [(type: String, name: String)], from start: Int) -> [JSONObject] {
        named.enumerated().map { place, policy in
            [
                "@odata.type": .string(policy.type), "id": .string(otherIDs.guid(start + place)),
                "lastModifiedDateTime": ago(20 + place * 9), "createdDateTime": ago(400 + place), "description": "",
                "displayName": .string(policy.name), "version": .int(Int64(1 + place)),
            ]
        }
    }

    // MARK: Security

    func conditionalAccess() -> [JSONObject] {
        let everybody: JSONObject = ["includeUsers": ["All"], "excludeUsers": [.string(users.row(0).id)]]
        let rows: [(name: String, state: String, conditions: JSONObject, controls: [JSONValue])] = [
            ("Require MFA for everybody", "enabled", ["users": .object(everybody)], ["mfa"]),
            (
                "Block old protocols", "enabled",
                ["users": .object(everybody), "clientAppTypes": ["exchangeActiveSync", "other"]], ["block"]
            ),
            (
                "Require a compliant device for administrators", "enabledForReportingButNotEnforced",
                ["users": ["includeRoles": [.string(DirectoryRoleName.globalAdministrator.rawValue)]]],
                ["compliantDevice"]
            ),
            (
                "Block risky sign-ins", "disabled", ["users": .object(everybody), "signInRiskLevels": ["high"]],
                ["block"]
            ),
        ]
        return rows.enumerated().map { place, policy in
            var conditions: JSONObject = [
                "userRiskLevels": [], "signInRiskLevels": [], "servicePrincipalRiskLevels": [],
                "clientAppTypes": ["all"],
                "applications": [
                    "includeApplications": ["All"], "excludeApplications": [], "includeUserActions": [],
                    "includeAuthenticationContextClassReferences": [], "applicationFilter": .null,
                ], "platforms": .null, "locations": .null, "devices": .null, "clientApplications": .null,
            ]
            for (name, value) in policy.conditions { conditions[name] = value }
            // The service tells all kinds of people, also those of which a policy names none.
            var people: JSONObject = [
                "includeUsers": [], "excludeUsers": [], "includeGroups": [], "excludeGroups": [], "includeRoles": [],
                "excludeRoles": [], "includeGuestsOrExternalUsers": .null, "excludeGuestsOrExternalUsers": .null,
            ]
            for (name, value) in policy.conditions["users"]?.object ?? [:] { people[name] = value }
            conditions["users"] = .object(people)
            return [
                "id": .string(otherIDs.guid(40 + place)), "templateId": .null, "displayName": .string(policy.name),
                "createdDateTime": ago(500 - place), "modifiedDateTime": ago(60 + place),
                "state": .string(policy.state), "conditions": .object(conditions),
                "grantControls": [
                    "operator": "OR", "builtInControls": .array(policy.controls), "customAuthenticationFactors": [],
                    "termsOfUse": [], "authenticationStrength": .null,
                ], "sessionControls": .null,
            ]
        }
    }

    func riskyUsers() -> [JSONObject] {
        (0..<min(6, users.count / 20)).map { place in
            let user = users.row(11 + place * 13)
            let isOpen = place % 3 != 2
            return [
                "id": .string(user.id), "isDeleted": false, "isProcessing": false,
                "riskLevel": isOpen ? (place == 0 ? "high" : "medium") : "none",
                "riskState": isOpen ? "atRisk" : "remediated",
                "riskDetail": isOpen ? "none" : "userPerformedSecuredPasswordReset",
                "riskLastUpdatedDateTime": ago(1 + place * 2), "userDisplayName": .string(user.displayName),
                "userPrincipalName": .string(user.userPrincipalName),
            ]
        }
    }

    /// Returns the authentication methods of a user.
    func methods(of user: UserRow) -> [JSONObject] {
        var methods: [JSONObject] = [
            [
                "@odata.type": "#microsoft.graph.passwordAuthenticationMethod",
                "id": "28c10230-6103-485e-b985-444c60001490", "password": .null,
                "createdDateTime": .string(ServiceTime.text(user.created + 3600)),
            ]
        ]
        guard hasSecondFactor(user) else { return methods }
        methods.append([
            "@odata.type": "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod",
            "id": .string(otherIDs.guid(200_000 + user.index)), "displayName": "Phone",
            "deviceTag": "SoftwareTokenActivated",
            "phoneAppVersion": "6.2411.7787", "createdDateTime": .string(ServiceTime.text(user.created + 7200)),
        ])
        if user.index % 3 == 0 {
            methods.append([
                "@odata.type": "#microsoft.graph.phoneAuthenticationMethod",
                "id": "3179e48a-750b-4051-897c-87b9720928f7", "phoneNumber": user.value(of: "mobilePhone") ?? .null,
                "phoneType": "mobile", "smsSignInState": "notAllowedByPolicy", "createdDateTime": .null,
            ])
        }
        return methods
    }

    private func hasSecondFactor(_ user: UserRow) -> Bool {
        user.index == 0 || !user.isGuest && mixing.number(user.index, 8, below: 7) != 0
    }

    func registration(_ index: Int) -> JSONObject {
        let user = users.row(index)
        let isStrong = hasSecondFactor(user)
        let methods: [JSONValue] =
            !isStrong ? [] : ["microsoftAuthenticatorPush"] + (user.index % 3 == 0 ? ["mobilePhone"] : [])
        return [
            "id": .string(user.id), "userPrincipalName": .string(user.userPrincipalName),
            "userDisplayName": .string(user.displayName), "userType": user.isGuest ? "guest" : "member",
            "isAdmin": .bool(user.named?.role != nil), "isSsprRegistered": .bool(isStrong), "isSsprEnabled": true,
            "isSsprCapable": .bool(isStrong), "isMfaRegistered": .bool(isStrong), "isMfaCapable": .bool(isStrong),
            "isPasswordlessCapable": false, "methodsRegistered": .array(methods),
            "defaultMfaMethod": methods.first ?? "none", "isSystemPreferredAuthenticationMethodEnabled": true,
            "systemPreferredAuthenticationMethods": isStrong ? ["push"] : [],
            "userPreferredMethodForSecondaryAuthentication": isStrong ? "push" : "none", "lastUpdatedDateTime": ago(1),
        ]
    }

    /// Returns the second factors that a user and the service prefer, as the registration has them.
    /// - Parameter index: the index of the user; `nil` for one who has registered nothing yet.
    func signInPreferences(_ index: Int?) -> JSONObject {
        let details = index.map { registration($0) } ?? [:]
        let isStrong = details["isMfaRegistered"] == true
        return [
            "isSystemPreferredAuthenticationMethodEnabled":
                details["isSystemPreferredAuthenticationMethodEnabled"] ?? true,
            "userPreferredMethodForSecondaryAuthentication":
                details["userPreferredMethodForSecondaryAuthentication"] ?? "none",
            "systemPreferredAuthenticationMethod": isStrong ? "PhoneAppNotification" : .null,
        ]
    }

    // MARK: Health

    private static let services = [
        "Exchange Online", "SharePoint Online", "Microsoft Teams", "Microsoft Entra", "Microsoft Intune",
    ]

    /// The ids of services whose names don't end with them.
    private static let serviceIDs = ["Exchange Online": "Exchange", "SharePoint Online": "SharePoint"]

    /// Returns the id of the service that a key names: the service answers to names as well.
    static func serviceID(_ key: String) -> String {
        guard let name = services.first(where: { $0.lowercased() == key.lowercased() }) else { return key }
        return serviceIDs[name] ?? name.split(separator: " ").last.map(String.init) ?? name
    }

    func health() -> [JSONObject] {
        Self.services.enumerated().map { place, name in
            [
                "service": .string(name), "status": place == 0 ? "serviceDegradation" : "serviceOperational",
                "id": .string(Self.serviceID(name)),
            ]
        }
    }

    func issues() -> [JSONObject] {
        let rows = [
            (0, "Some users may see delayed mail", "serviceDegradation", 1, false),
            (2, "Meeting recordings may start late", "serviceRestored", 6, true),
            (1, "Search may miss new files", "serviceRestored", 12, true),
        ]
        return rows.enumerated().map { place, row in
            let (service, title, status, days, isResolved) = row
            return [
                "startDateTime": ago(days), "endDateTime": isResolved ? ago(days - 1) : .null,
                "lastModifiedDateTime": ago(isResolved ? days - 1 : 0), "title": .string(title),
                "id": .string("\(["EX", "TM", "SP"][place])\(912_000 + place * 17)"),
                "impactDescription": .string("\(title)."), "classification": "advisory", "origin": "microsoft",
                "status": .string(status), "service": .string(Self.services[service]), "feature": "",
                "featureGroup": "",
                "isResolved": .bool(isResolved), "highImpact": .null, "details": [], "posts": [],
            ]
        }
    }
}
