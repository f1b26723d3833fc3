internal import MMCore
internal import MMGuard

/// App registrations, service principals, roles, products and logs.
struct AppContent: Sendable {
    let users: UserDirectory
    private let mixing: Mixing
    private let appIDs: ObjectIDs
    private let principalIDs: ObjectIDs
    private let roleIDs: ObjectIDs

    /// The names of the tenant.
    private let tenant: SandboxOrganization
    /// The certificates of the confidential app, in DER.
    private let certificates: [[UInt8]]
    /// All delegated permissions of Graph: hundreds, created once.
    private let scopesOfGraph: [JSONValue]

    init(users: UserDirectory, mixing: Mixing, organization: SandboxOrganization, certificates: [[UInt8]]) {
        tenant = organization
        self.certificates = certificates
        self.users = users
        self.mixing = mixing.branch(13)
        appIDs = ObjectIDs(mixing.branch(14))
        principalIDs = ObjectIDs(mixing.branch(15))
        roleIDs = ObjectIDs(mixing.branch(16))
        scopesOfGraph = Self.scopes(Self.ofGraph, of: ServedResource.graph.appID, self.mixing)
    }

    private static let others = ["Expense reports", "Visitor register", "Payroll export", withoutOwner]
    /// The app without an owner.
    static let withoutOwner = "Device inventory"

    /// Returns the consents: for a visitor app that may read all mail, and for a harmless app of one person.
    func permissionGrants() -> [JSONObject] {
        let principals = servicePrincipals()
        func id(_ name: String) -> JSONValue? { principals.first { $0["displayName"]?.string == name }?["id"] }
        guard let graph = id("Microsoft Graph"), let visitors = id("Visitor register"),
            let expenses = id("Expense reports")
        else { return [] }
        return [
            [
                "id": .string(appIDs.guid(300)), "clientId": visitors, "consentType": "AllPrincipals",
                "principalId": .null, "resourceId": graph, "scope": "User.Read Mail.ReadWrite Files.Read.All",
            ],
            [
                "id": .string(appIDs.guid(301)), "clientId": expenses, "consentType": "Principal",
                "principalId": .string(users.row(1).id), "resourceId": graph, "scope": "User.Read openid",
            ],
        ]
    }

    func applications() -> [JSONObject] {
        let own = RegisteredApp.all.filter { $0.id.hasPrefix("5a4db0c5") }.map { ($0.id, $0.name, $0.isPublicClient) }
        let more = Self.others.enumerated().map { (appIDs.guid(100 + $0.offset), $0.element, false) }
        return (own + more).enumerated().map { index, app in
            [
                "id": .string(appIDs.guid(index)), "deletedDateTime": .null, "appId": .string(app.0),
                "applicationTemplateId": .null,
                "createdDateTime": .string(ServiceTime.text(1_700_000_000 + Int64(index) * 4_000_000)),
                "description": .null,
                "displayName": .string(app.1), "identifierUris": [], "isFallbackPublicClient": .bool(app.2),
                "keyCredentials": .array(app.0 == TenantIdentity.automationApp ? keyCredentials : []), "notes": .null,
                "passwordCredentials": app.2
                    ? []
                    : [
                        [
                            "displayName": "rotated yearly", "keyId": .string(appIDs.guid(200 + index)), "hint": "sdb",
                            "startDateTime": .string(ServiceTime.text(secretEnd(index) - 86_400 * 365)),
                            "endDateTime": .string(ServiceTime.text(secretEnd(index))),
                            "secretText": .null,
                        ]
                    ],
                "publisherDomain": .string(tenant.domain),
                "publicClient": ["redirectUris": app.2 ? ["http://localhost"] : []],
                "requiredResourceAccess": [], "signInAudience": "AzureADMyOrg", "tags": [],
                "verifiedPublisher": ["displayName": .null, "verifiedPublisherId": .null, "addedDateTime": .null],
                "web": ["redirectUris": [], "homePageUrl": .null], "spa": ["redirectUris": []],
            ]
        }
    }

    private var keyCredentials: [JSONValue] {
        certificates.enumerated().compactMap { index, der in
            guard let certificate = AppCertificate(der) else { return nil }
            return [
                "customKeyIdentifier": .string(Hex.text(certificate.thumbprint).uppercased()), "displayName": .null,
                "keyId": .string(appIDs.guid(400 + index)), "type": "AsymmetricX509Cert", "usage": "Verify",
                "startDateTime": .string(ServiceTime.text(certificate.startsAt)),
                "endDateTime": .string(ServiceTime.text(certificate.endsAt)), "key": .string(Base64.text(der)),
            ]
        }
    }

    /// Returns when the secret of an app expires: that of the first in twelve days, of the next nineteen days ago, of
    /// others later.
    private func secretEnd(_ index: Int) -> Int64 {
        let days: [Int64] = [140, 12, -19, 75, 300]
        return users.now / 86_400 * 86_400 + days[index % days.count] * 86_400
    }

    func servicePrincipals() -> [JSONObject] {
        var apps = applications().map {
            ($0["appId"]?.string ?? "", $0["displayName"]?.string ?? "", tenant.id)
        }
        apps += RegisteredApp.all.filter { !$0.id.hasPrefix("5a4db0c5") }.map { ($0.id, $0.name, Self.vendor) }
        apps += Self.vendorApps.filter(\.isThere).map { ($0.id, $0.name, Self.vendor) }
        return apps.enumerated().map { index, app in
            servicePrincipal(index, id: principalIDs.guid(index), appID: app.0, name: app.1, owner: app.2)
        }
    }

    /// The id of the organisation that owns the vendor's apps.
    static let vendor = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"

    /// The vendor's services, and whether the tenant has used them before; the others get a service principal on first
    /// use.
    static let vendorApps: [(id: String, name: String, isThere: Bool)] = [
        (ServedResource.graph.appID, "Microsoft Graph", true),
        (ServedResource.exchange.appID, "Office 365 Exchange Online", true),
        (ServedResource.sharePoint.appID, "Office 365 SharePoint Online", true),
        (ServedResource.arm.appID, "Windows Azure Service Management API", true),
        (ServedResource.flow.appID, "Microsoft Flow Service", true),
        (ServedResource.teamsAdmin.appID, "Skype and Teams Tenant Admin API", true),
        (ServedResource.powerApps.appID, "PowerApps Service", false),
    ]

    /// Returns a service principal, of an app of the tenant or of a vendor's service with its permissions.
    func servicePrincipal(_ index: Int = 0, id: String, appID: String, name: String, owner: String) -> JSONObject {
        [
            "id": .string(id), "deletedDateTime": .null,
            "accountEnabled": .bool(appID != TenantIdentity.disabledApp),
            "appId": .string(appID), "appDisplayName": .string(name), "appOwnerOrganizationId": .string(owner),
            "appRoleAssignmentRequired": false,
            "appRoles": .array(appID == ServedResource.graph.appID ? ConfigurationContent.graphRoles(mixing) : []),
            "createdDateTime": .string(ServiceTime.text(1_700_000_000 + Int64(index) * 3_000_000)),
            "description": .null,
            "displayName": .string(name), "homepage": .null,
            "oauth2PermissionScopes": .array(permissions(of: appID)),
            "servicePrincipalNames": [.string(appID)], "servicePrincipalType": "Application",
            "signInAudience": owner == Self.vendor ? "AzureADMultipleOrgs" : "AzureADMyOrg",
            // The portal lists the apps with this tag as enterprise applications.
            "tags": owner == Self.vendor ? [] : ["WindowsAzureActiveDirectoryIntegratedApp"],
            "notes": .null, "notificationEmailAddresses": [], "passwordCredentials": [], "keyCredentials": [],
            "replyUrls": [], "preferredSingleSignOnMode": .null, "loginUrl": .null, "logoutUrl": .null,
            "verifiedPublisher": ["displayName": .null, "verifiedPublisherId": .null, "addedDateTime": .null],
            "alternativeNames": [], "tokenEncryptionKeyId": .null,
        ]
    }

    /// Returns the delegated permissions of one of the vendor's services.
    private func permissions(of appID: String) -> [JSONValue] {
        guard let resource = ServedResource.allCases.first(where: { $0 != .sandbox && $0.appID == appID }) else {
            return []
        }
        return resource == .graph ? scopesOfGraph : Self.scopes(resource.delegatedPermissions, of: appID, mixing)
    }

    private static func scopes(_ names: [String], of appID: String, _ mixing: Mixing) -> [JSONValue] {
        names.map { name in
            let key = "\(appID) \(name)".utf8.reduce(0) { ($0 &* 31 &+ Int($1)) & 0x7FFF_FFFF }
            return [
                "id": .string(Guid.text(mixing.number(key, 3), mixing.number(key, 4))), "value": .string(name),
                "isEnabled": true, "type": name.hasSuffix(".All") ? "Admin" : "User",
                "adminConsentDisplayName": .string(name),
            ]
        }
    }

    /// All delegated permissions that Graph has.
    private static let ofGraph = Set(RegisteredApp.everything).union(
        PermissionTable.standard.all.filter { $0.delegatedID != nil && !$0.isResourceSpecific }.map(\.name)
    ).sorted()

    func directoryRoles() -> [JSONObject] {
        DirectoryRoleName.allCases.enumerated().map { index, role in
            [
                "id": .string(roleIDs.guid(index)), "deletedDateTime": .null, "description": .string(role.purpose),
                "displayName": .string(role.title), "roleTemplateId": .string(role.rawValue),
            ]
        }
    }

    /// Returns the users who hold a role at the start.
    func holders(_ role: DirectoryRoleName) -> [Int] {
        NamedAccount.all.indices.filter { NamedAccount.all[$0].role == role }
    }

    func role(ofID id: String) -> DirectoryRoleName? {
        if let role = DirectoryRoleName(rawValue: id.lowercased()) { return role }
        return roleIDs.index(ofGuid: id).flatMap {
            DirectoryRoleName.allCases.indices.contains($0) ? DirectoryRoleName.allCases[$0] : nil
        }
    }

    func roleID(_ role: DirectoryRoleName) -> String {
        roleIDs.guid(DirectoryRoleName.allCases.firstIndex(of: role) ?? 0)
    }

    /// Returns the products of the tenant.
    /// - Parameter consumed: the number of users who hold each product, by its id.
    func subscribedSkus(consumed: [String: Int]) -> [JSONObject] {
        License.all.map { license in
            let used = consumed[license.sku] ?? 0
            let seats = max(10, used, users.count * license.seats / 100)
            return [
                "id": .string("\(tenant.id)_\(license.sku)"), "accountId": .string(tenant.id),
                "accountName": "ContosoSandbox", "appliesTo": "User", "capabilityStatus": "Enabled",
                "consumedUnits": .int(Int64(used)),
                "prepaidUnits": ["enabled": .int(Int64(seats)), "suspended": 0, "warning": 0, "lockedOut": 0],
                "servicePlans": license.servicePlans, "skuId": .string(license.sku),
                "skuPartNumber": .string(license.part),
            ]
        }
    }

    func organization() -> [JSONObject] {
        [
            [
                "id": .string(tenant.id), "deletedDateTime": .null, "businessPhones": ["+1 206 555 0100"],
                "city": "Seattle", "country": "United States", "countryLetterCode": "US",
                "createdDateTime": "2019-04-01T09:00:00Z",
                "defaultUsageLocation": "US", "displayName": .string(tenant.name),
                "marketingNotificationEmails": [],
                "onPremisesSyncEnabled": true,
                "onPremisesLastSyncDateTime": .string(ServiceTime.text(users.now - 1800)), "postalCode": "98101",
                "preferredLanguage": "en", "state": "WA",
                "street": "1401 Alder Street",
                "technicalNotificationMails": [.string("admin@\(tenant.domain)")],
                "tenantType": "AAD", "assignedPlans": [],
                "verifiedDomains": [
                    [
                        "capabilities": "Email, OfficeCommunicationsOnline", "isDefault": true, "isInitial": false,
                        "name": .string(tenant.domain), "type": "Managed",
                    ],
                    [
                        "capabilities": "Email, OfficeCommunicationsOnline", "isDefault": false, "isInitial": true,
                        "name": .string(tenant.initialDomain), "type": "Managed",
                    ],
                ],
            ]
        ]
    }

    func domains() -> [JSONObject] {
        let names = [
            (tenant.domain, true, true), (tenant.initialDomain, false, true),
            ("new.contoso-sandbox.example", false, false),
        ]
        return names.map { name, isDefault, isVerified in
            [
                "id": .string(name), "authenticationType": "Managed", "availabilityStatus": .null,
                "isAdminManaged": true,
                "isDefault": .bool(isDefault), "isInitial": .bool(name == tenant.initialDomain), "isRoot": true,
                "isVerified": .bool(isVerified),
                "passwordNotificationWindowInDays": 14, "passwordValidityPeriodInDays": 2_147_483_647,
                "supportedServices": isVerified ? ["Email", "OfficeCommunicationsOnline"] : [],
            ]
        }
    }

    private static let deeds = [
        ("UserManagement", "Add user"), ("GroupManagement", "Add member to group"), ("UserManagement", "Update user"),
        ("RoleManagement", "Add member to role"), ("ApplicationManagement", "Update application"),
    ]

    func directoryAudits() -> [JSONObject] {
        let ids = ObjectIDs(mixing.branch(18))
        return (0..<100).map { index in
            let deed = Self.deeds[mixing.number(index, 4, below: Self.deeds.count)]
            let target = users.row(mixing.number(index, 5, below: users.count))
            return [
                "id": .string("Directory_\(ids.guid(index))"), "category": .string(deed.0),
                "correlationId": .string(ids.guid(1000 + index)),
                "result": "success", "resultReason": "", "activityDisplayName": .string(deed.1),
                "activityDateTime": .string(ServiceTime.text(users.now - Int64(index) * 7_200)),
                "loggedByService": "Core Directory",
                "operationType": .string(deed.1.split(separator: " ").first.map(String.init) ?? ""),
                "initiatedBy": [
                    "user": [
                        "id": .string(users.row(0).id), "userPrincipalName": .string(users.row(0).userPrincipalName),
                    ], "app": .null,
                ],
                "targetResources": [
                    ["id": .string(target.id), "displayName": .string(target.displayName), "type": "User"]
                ], "additionalDetails": [],
            ]
        }
    }
}

/// The sign-in log.
extension AppContent {
    private static let apps: [(id: String, name: String, client: String)] = [
        (TenantIdentity.demoApp, "Microsoft Master (sandbox)", "Browser"),
        ("00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online", "Mobile Apps and Desktop clients"),
        ("00000003-0000-0ff1-ce00-000000000000", "Office 365 SharePoint Online", "Browser"),
        (
            "14d82eec-204b-4c2f-b7e8-296a70dab67e", "Microsoft Graph Command Line Tools",
            "Mobile Apps and Desktop clients"
        ),
        ("fb78d390-0c51-40cd-8e17-fdbfab77341b", "Microsoft Exchange REST API Based Powershell", "IMAP4"),
    ]

    private static let faults: [(code: Int64, reason: String, policy: String)] = [
        (50_126, "Error validating credentials due to invalid username or password.", "notApplied"),
        (53_003, "Access has been blocked by Conditional Access policies.", "failure"),
        (50_074, "Strong Authentication is required.", "failure"),
        (50_053, "The account is locked, you've tried to sign in too many times.", "notApplied"),
    ]

    /// Returns the entry at an index; the newest is first.
    func signIn(_ index: Int) -> JSONObject {
        let log = users.signIns
        let user = users.row(log.user(at: index) { users.row($0).isActive })
        let mixing = users.mixing.branch(17)
        var fault =
            mixing.number(index, 2, below: 12) == 0
            ? Self.faults[mixing.number(index, 4, below: Self.faults.count)] : nil
        switch user.named?.outcome {
        case .disabled?: fault = (50_057, "The user account is disabled.", "notApplied")
        case .blockedByPolicy?: fault = Self.faults[1]
        case .granted?: fault = nil
        default: break
        }
        let app = Self.apps[mixing.number(index, 5, below: Self.apps.count)]
        let isAway = mixing.number(index, 6, below: 90) == 0
        return [
            "id": .string(log.id(of: index)), "createdDateTime": .string(ServiceTime.text(log.time(of: index))),
            "userDisplayName": .string(user.displayName),
            "userPrincipalName": .string(user.userPrincipalName.lowercased()),
            "userId": .string(user.id), "appId": .string(app.id), "appDisplayName": .string(app.name),
            "ipAddress": .string("\(isAway ? "203.0.113" : "198.51.100").\(1 + mixing.number(index, 3, below: 250))"),
            "clientAppUsed": .string(app.client), "correlationId": .string(log.correlationID(of: index)),
            "conditionalAccessStatus": .string(fault?.policy ?? "success"),
            "appliedConditionalAccessPolicies": fault?.policy == "failure"
                ? [
                    [
                        "id": .string(Guid.text(0x5A4D_B0C5, 1)), "displayName": "Require MFA for everybody",
                        "enforcedGrantControls": ["Mfa"], "enforcedSessionControls": [], "result": "failure",
                    ]
                ] : [],
            "isInteractive": true, "riskDetail": "none", "riskLevelAggregated": isAway ? "medium" : "none",
            "riskLevelDuringSignIn": isAway ? "medium" : "none", "riskState": isAway ? "atRisk" : "none",
            "riskEventTypes_v2": isAway ? ["unfamiliarFeatures"] : [],
            "signInEventTypes": ["interactiveUser"], "userType": .string(user.isGuest ? "guest" : "member"),
            "authenticationRequirement": mixing.number(index, 9, below: 3) == 0
                ? "singleFactorAuthentication" : "multiFactorAuthentication",
            "userAgent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Edg/143.0",
            "crossTenantAccessType": .string(user.isGuest ? "b2bCollaboration" : "none"),
            "homeTenantId": .string(TenantIdentity.id), "resourceTenantId": .string(TenantIdentity.id),
            "authenticationDetails": [
                [
                    "authenticationMethod": "Password", "authenticationMethodDetail": "Password in the cloud",
                    "succeeded": .bool(fault == nil), "authenticationStepResultDetail": "Correct password",
                    "authenticationStepDateTime": .string(ServiceTime.text(log.time(of: index))),
                ]
            ],
            "resourceDisplayName": "Microsoft Graph", "resourceId": "00000003-0000-0000-c000-000000000000",
            "status": [
                "errorCode": .int(fault?.code ?? 0), "failureReason": .string(fault?.reason ?? "Other."),
                "additionalDetails": .null,
            ],
            "deviceDetail": [
                "deviceId": "", "displayName": "", "operatingSystem": isAway ? "Linux" : "Windows10",
                "browser": "Edge 143.0", "isCompliant": .bool(!isAway), "isManaged": .bool(!isAway), "trustType": "",
            ],
            "location": [
                "city": .string(isAway ? "Reykjavik" : user.office.city),
                "state": .string(isAway ? "" : user.office.state),
                "countryOrRegion": .string(isAway ? "IS" : user.office.region),
                "geoCoordinates": ["altitude": .null, "latitude": .null, "longitude": .null],
            ],
        ]
    }
}

/// An account that always exists, so that demonstrations, documents and tests can refer to it.
struct NamedAccount: Sendable {
    /// The outcome when this account signs in.
    enum SignInOutcome: Sendable, Hashable {
        case granted
        /// The account is disabled (50057).
        case disabled
        /// A policy forbids the token (53003).
        case blockedByPolicy
        /// The first sign-in works, a refresh asks for a second factor (50076).
        case secondFactorOnRefresh
    }

    let address: String
    let given: String
    let family: String
    let title: String
    let department: Int
    let role: DirectoryRoleName?
    let outcome: SignInOutcome
    let isGuest: Bool
    /// The role that the account may activate for a limited time, and hasn't.
    var eligible: DirectoryRoleName?

    /// The accounts in the order of their indices, from 0.
    static let all: [NamedAccount] = [
        NamedAccount(
            address: "admin", given: "Avery", family: "Admin", title: "Microsoft 365 Administrator", department: 9,
            role: .globalAdministrator, outcome: .granted, isGuest: false),
        NamedAccount(
            address: "lena.vogt", given: "Lena", family: "Vogt", title: "HR Business Partner", department: 4, role: nil,
            outcome: .granted, isGuest: false),
        NamedAccount(
            address: "ben.baker", given: "Ben", family: "Baker", title: "Account Executive", department: 1, role: nil,
            outcome: .granted, isGuest: false, eligible: .globalReader),
        NamedAccount(
            address: "rita.reader", given: "Rita", family: "Reader", title: "Auditor", department: 7,
            role: .globalReader,
            outcome: .granted, isGuest: false, eligible: .userAdministrator),
        NamedAccount(
            address: "gus.guest_fabrikam.example#EXT#", given: "Gus", family: "Guest", title: "Consultant",
            department: 8,
            role: nil, outcome: .granted, isGuest: true),
        NamedAccount(
            address: "dora.disabled", given: "Dora", family: "Disabled", title: "Accountant", department: 3, role: nil,
            outcome: .disabled, isGuest: false),
        NamedAccount(
            address: "paul.policy", given: "Paul", family: "Policy", title: "Counsel", department: 7, role: nil,
            outcome: .blockedByPolicy, isGuest: false),
        NamedAccount(
            address: "mia.factor", given: "Mia", family: "Factor", title: "Security Analyst", department: 9, role: nil,
            outcome: .secondFactorOnRefresh, isGuest: false),
    ]
}

/// The directory roles that the sandbox knows.
enum DirectoryRoleName: String, Sendable, CaseIterable {
    case globalAdministrator = "62e90394-69f5-4237-9190-012177145e10"
    case globalReader = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
    case userAdministrator = "fe930be7-5e62-47db-91af-98c3a49a38b1"
    case exchangeAdministrator = "29232cdf-9323-42fd-ade2-1d097af3e4de"
    case sharePointAdministrator = "f28a1f50-f6e7-4571-818b-6a12f2af6b6c"
    case teamsAdministrator = "69091246-20e8-4a56-aa4d-066075b2a7a8"

    var title: String {
        switch self {
        case .globalAdministrator: "Global Administrator"
        case .globalReader: "Global Reader"
        case .userAdministrator: "User Administrator"
        case .exchangeAdministrator: "Exchange Administrator"
        case .sharePointAdministrator: "SharePoint Administrator"
        case .teamsAdministrator: "Teams Administrator"
        }
    }

    var purpose: String {
        switch self {
        case .globalAdministrator: "Can manage all aspects of the directory and of services that use its identities."
        case .globalReader: "Can read everything that a Global Administrator can, but not update anything."
        case .userAdministrator: "Can manage all aspects of users and groups."
        case .exchangeAdministrator: "Can manage all aspects of Exchange."
        case .sharePointAdministrator: "Can manage all aspects of SharePoint."
        case .teamsAdministrator: "Can manage Teams."
        }
    }
}
