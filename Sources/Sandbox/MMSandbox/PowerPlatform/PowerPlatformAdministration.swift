internal import MMCore
internal import MMHTTP

/// An environment of Power Platform.
struct PowerEnvironment: Sendable {
    let name: String
    let shown: String
    let isDefault: Bool

    static let all = [
        PowerEnvironment(
            name: "Default-\(TenantIdentity.id)", shown: "\(TenantIdentity.name) (default)", isDefault: true),
        PowerEnvironment(name: "5a4db0c5-e0e0-4000-8000-000000000002", shown: "Test", isDefault: false),
    ]

    /// Returns the environment with a name, ignoring case.
    static func find(_ name: String) -> PowerEnvironment? { all.first { $0.name.lowercased() == name.lowercased() } }
}

/// The administration of Power Platform: environments, the settings of the tenant, and the apps and connections of an
/// environment.
final class PowerPlatformAdministration {
    private let context: TenantContext
    private let store: DirectoryStore
    private let answers: PlatformAnswers
    /// The apps that were deleted, by name.
    private var deleted: Set<String> = []
    private var settings: JSONObject = [
        "walkMeOptOut": false, "disableNPSCommentsReachout": false, "disableNewsletterSendout": false,
        "disableEnvironmentCreationByNonAdminUsers": false, "disablePortalsCreationByNonAdminUsers": false,
        "disableSurveyFeedback": false, "disableTrialEnvironmentCreationByNonAdminUsers": false,
        "disableCapacityAllocationByEnvironmentAdmins": false, "disableSupportTicketsVisibleByAllUsers": false,
        "powerPlatform": [
            "search": ["disableDocsSearch": false, "disableCommunitySearch": false, "disableBingVideoSearch": false],
            "teamsIntegration": ["shareWithColleaguesUserLimit": 10_000],
            "powerApps": [
                "disableShareWithEveryone": false, "enableGuestsToMake": false, "disableMembersIndicator": false,
            ], "powerAutomate": ["disableCopilot": false],
            "governance": ["disableAdminDigest": false, "disableDeveloperEnvironmentCreationByNonAdminUsers": false],
        ],
    ]

    init(context: TenantContext, store: DirectoryStore, answers: PlatformAnswers) {
        (self.context, self.store, self.answers) = (context, store, answers)
    }

    /// Returns the routes, for users and for administrators.
    static func routes(_ services: TenantServices) -> Router<Void> {
        var routes = ServiceRoutes(services) { $0.platform }
        let provider = "/providers/Microsoft.BusinessAppPlatform"
        for scope in [provider, "\(provider)/scopes/admin"] {
            routes.on("GET", path: "\(scope)/environments", PowerPlatformAdministration.environments)
            routes.on("GET", path: "\(scope)/environments/{environment}", PowerPlatformAdministration.environment)
        }
        routes.on("POST", path: "\(provider)/listTenantSettings", PowerPlatformAdministration.tenantSettings)
        routes.on(
            "POST", path: "\(provider)/scopes/admin/updateTenantSettings", PowerPlatformAdministration.tenantSettings)
        routes.all("\(provider)/{resource...}", PowerPlatformAdministration.nothing)
        routes.on("GET", path: "/providers/PowerPlatform.Governance/v1/policies", PowerPlatformAdministration.policies)
        let apps = "/providers/Microsoft.PowerApps/scopes/admin/environments/{environment}"
        routes.on("GET", path: "\(apps)/apps", PowerPlatformAdministration.apps)
        routes.on("GET", "DELETE", path: "\(apps)/apps/{app}", PowerPlatformAdministration.app)
        routes.on("GET", path: "\(apps)/connections", PowerPlatformAdministration.connections)
        return routes.router
    }

    private func checked(
        _ request: ServiceRequest, _ answer: (SignedInPrincipal) -> HTTPServerResponse
    ) -> HTTPServerResponse {
        answers.checked(request.http, for: .powerApps, answer)
    }

    private func environments(_ request: ServiceRequest) -> HTTPServerResponse {
        checked(request) { answers.list(request.http, rows(request, $0)) }
    }

    private func environment(_ request: ServiceRequest) -> HTTPServerResponse {
        checked(request) { principal in
            let name = request.name("environment").lowercased()
            guard let row = rows(request, principal).first(where: { $0["name"]?.string?.lowercased() == name }) else {
                return .failure(
                    404, "EnvironmentNotFound",
                    "The environment '\(request.name("environment"))' could not be found.")
            }
            return HTTPServerResponse(status: 200, json: row)
        }
    }

    private func nothing(_ request: ServiceRequest) -> HTTPServerResponse {
        checked(request) { _ in .failure(404, "InvalidResourceType", "The resource type could not be found.") }
    }

    /// Returns the settings of the tenant, after those that the body changes.
    private func tenantSettings(_ request: ServiceRequest) -> HTTPServerResponse {
        checked(request) { principal in
            guard store.administersPowerPlatform(principal) else {
                return .failure(
                    403, "Forbidden",
                    "The user with object id '\(principal.objectID)' does not have permission to the tenant settings.")
            }
            if request.http.path.lowercased().hasSuffix("/updatetenantsettings") {
                settings = Self.merged(settings, request.http.object ?? [:])
            }
            return HTTPServerResponse(status: 200, json: .object(settings))
        }
    }

    /// Lists the policies that say which connectors may share data.
    private func policies(_ request: ServiceRequest) -> HTTPServerResponse {
        checked(request) { principal in
            guard store.administersPowerPlatform(principal) else {
                return .failure(
                    403, "Forbidden",
                    "The user with object id '\(principal.objectID)' does not have permission to the policies.")
            }
            let groups: [JSONValue] = [("Confidential", ["shared_sharepointonline"]), ("General", []), ("Blocked", [])]
                .map { name, connectors in
                    [
                        "classification": .string(name),
                        "connectors": .array(
                            connectors.map {
                                [
                                    "id": .string("/providers/Microsoft.PowerApps/apis/\($0)"),
                                    "type": "Microsoft.PowerApps/apis",
                                ]
                            }),
                    ]
                }
            return answers.list(
                request.http,
                [
                    [
                        "name": "5a4db0c5-d1b0-4000-8000-000000000001", "displayName": "Business data only",
                        "defaultConnectorsClassification": "General", "environmentType": "AllEnvironments",
                        "environments": [], "connectorGroups": .array(groups),
                        "createdTime": "2024-05-01T08:00:00Z", "lastModifiedTime": "2024-05-01T08:00:00Z",
                    ]
                ])
        }
    }

    private static func merged(_ old: JSONObject, _ new: JSONObject) -> JSONObject {
        var made = old
        for (name, value) in new {
            if let inner = made[name]?.object, let members = value.object {
                made[name] = .object(merged(inner, members))
            } else {
                made[name] = value
            }
        }
        return made
    }

    /// Returns the environments in the form for the requested address; as an administrator sees them, only to one.
    private func rows(_ request: ServiceRequest, _ principal: SignedInPrincipal) -> [JSONValue] {
        guard store.opens(request, to: principal) else { return [] }
        let scope = request.isOfAdministration ? "/scopes/admin" : ""
        return PowerEnvironment.all.map { environment in
            [
                "id": .string("/providers/Microsoft.BusinessAppPlatform\(scope)/environments/\(environment.name)"),
                "type": "Microsoft.BusinessAppPlatform/scopes/environments", "location": "europe",
                "name": .string(environment.name),
                "properties": [
                    "azureRegion": "westeurope", "displayName": .string(environment.shown),
                    "createdTime": "2020-01-01T00:00:00Z",
                    "createdBy": ["id": "SYSTEM", "displayName": "SYSTEM", "type": "NotSpecified"],
                    "provisioningState": "Succeeded",
                    "creationType": environment.isDefault ? "DefaultTenant" : "User",
                    "environmentSku": environment.isDefault ? "Default" : "Sandbox",
                    "isDefault": .bool(environment.isDefault),
                    "clientUris": [
                        "admin": .string(
                            "https://admin.powerplatform.microsoft.com/environments/environment/\(environment.name)/hub"
                        )
                    ],
                    "runtimeEndpoints": ["microsoft.Flow": .string(context.base)], "databaseType": "CommonDataService",
                    "states": ["management": ["id": "Ready"]],
                ],
            ]
        }
    }

    // MARK: Apps and connections

    /// Returns the answer about an environment to an administrator.
    private func inEnvironment(
        _ request: ServiceRequest, _ answer: (PowerEnvironment) -> HTTPServerResponse
    ) -> HTTPServerResponse {
        checked(request) { principal in
            let name = request.name("environment")
            guard let environment = PowerEnvironment.find(name), store.administersPowerPlatform(principal) else {
                return .environmentDenied(name, principal)
            }
            return answer(environment)
        }
    }

    private func apps(_ request: ServiceRequest) -> HTTPServerResponse {
        inEnvironment(request) { answers.list(request.http, apps(in: $0)) }
    }

    private func app(_ request: ServiceRequest) -> HTTPServerResponse {
        inEnvironment(request) { environment in
            let name = request.name("app").lowercased()
            guard let row = apps(in: environment).first(where: { $0["name"]?.string == name }) else {
                return .failure(404, "AppNotFound", "The app '\(request.name("app"))' was not found.")
            }
            guard request.http.method == "DELETE" else { return HTTPServerResponse(status: 200, json: row) }
            deleted.insert(name)
            return HTTPServerResponse(status: 200)
        }
    }

    private func connections(_ request: ServiceRequest) -> HTTPServerResponse {
        inEnvironment(request) { answers.list(request.http, connections(in: $0)) }
    }

    /// Returns an account as apps and connections name it: the administrator, or a disabled one that has left some.
    private func maker(_ index: Int) -> JSONValue {
        let user = store.users.row(index)
        return [
            "id": .string(user.id), "displayName": .string(user.displayName), "email": .string(user.mail),
            "type": "User", "tenantId": .string(TenantIdentity.id),
            "userPrincipalName": .string(user.userPrincipalName),
        ]
    }

    private static func place(_ environment: PowerEnvironment) -> JSONValue {
        [
            "id": .string("/providers/Microsoft.PowerApps/environments/\(environment.name)"),
            "name": .string(environment.name),
        ]
    }

    private func apps(in environment: PowerEnvironment) -> [JSONValue] {
        let ids = ObjectIDs(context.mixing.branch(65))
        let names = ["Expense reports", "Site inspection", "Visitor desk", "Prototype"]
        return names.enumerated().compactMap { place, shown -> JSONValue? in
            let name = ids.guid(place)
            // The last one is in the other environment, and the second one belongs to an account that is disabled.
            guard (place < 3) == environment.isDefault, !deleted.contains(name) else { return nil }
            let owner = maker(place == 1 ? 5 : 0)
            return [
                "name": .string(name), "id": .string("/providers/Microsoft.PowerApps/apps/\(name)"),
                "type": "Microsoft.PowerApps/apps", "tags": ["primaryFormFactor": "Phone"],
                "properties": [
                    "displayName": .string(shown), "description": "", "appType": "ClassicCanvasApp", "status": "Ready",
                    "owner": owner, "createdBy": owner, "lastModifiedBy": owner,
                    "createdTime": .string(ServiceTime.longText(1_740_000_000 + Int64(place) * 900_000)),
                    "lastModifiedTime": .string(ServiceTime.longText(1_755_000_000 + Int64(place) * 500_000)),
                    "sharedGroupsCount": .int(place == 0 ? 1 : 0), "sharedUsersCount": .int(Int64(place * 3)),
                    "environment": Self.place(environment), "isFeaturedApp": false, "bypassConsent": false,
                ],
            ]
        }
    }

    private func connections(in environment: PowerEnvironment) -> [JSONValue] {
        let ids = ObjectIDs(context.mixing.branch(66))
        let kinds = [("shared_office365", 0), ("shared_sharepointonline", 0), ("shared_office365", 5)]
        return kinds.enumerated().filter { environment.isDefault || $0.offset == 0 }.map { place, kind in
            let name = "shared-\(ids.guid(place + (environment.isDefault ? 0 : 10)))"
            let (api, maker) = ("/providers/Microsoft.PowerApps/apis/\(kind.0)", maker(kind.1))
            // The sign-in of a disabled account has ended.
            let status: JSONValue =
                kind.1 == 0
                ? ["status": "Connected"]
                : ["status": "Error", "error": ["code": "Unauthorized", "message": "Failed to refresh access token."]]
            return [
                "name": .string(name), "id": .string("\(api)/connections/\(name)"),
                "type": "Microsoft.PowerApps/apis/connections",
                "properties": [
                    "apiId": .string(api), "displayName": maker["userPrincipalName"] ?? .null,
                    "statuses": [status], "createdBy": maker, "environment": Self.place(environment),
                    "createdTime": .string(ServiceTime.longText(1_741_000_000 + Int64(place) * 700_000)),
                    "lastModifiedTime": .string(ServiceTime.longText(1_756_000_000 + Int64(place) * 400_000)),
                ],
            ]
        }
    }
}

extension DirectoryStore {
    /// Returns whether somebody administers Power Platform: by a role, or as an app, which has no roles.
    func administersPowerPlatform(_ principal: SignedInPrincipal) -> Bool {
        principal.isApp || roles(of: principal).contains(.globalAdministrator)
    }

    /// Returns whether an address of Power Platform is open to somebody: one for administrators only to them.
    func opens(_ request: ServiceRequest, to principal: SignedInPrincipal) -> Bool {
        !request.isOfAdministration || administersPowerPlatform(principal)
    }
}

extension ServiceRequest {
    /// Whether the address is one for administrators, who see what everybody has.
    var isOfAdministration: Bool { http.path.lowercased().contains("/scopes/admin/") }
}

extension HTTPServerResponse {
    /// Returns the refusal of an environment that there isn't, or that somebody may not see.
    static func environmentDenied(_ name: String, _ principal: SignedInPrincipal) -> HTTPServerResponse {
        .failure(
            403, "EnvironmentAccess",
            "The user with object id '\(principal.objectID)' does not have access to the environment '\(name)'.")
    }
}
