internal import MMCore
internal import MMHTTP

/// The administration of Power Platform.
struct PowerPlatformAdministration {
    let context: TenantContext
    let answers: PlatformAnswers

    /// What it answers, for users and for administrators.
    static func routes(_ services: TenantServices) -> Router<Void> {
        var routes = ServiceRoutes(services) { $0.platform }
        let provider = "/providers/Microsoft.BusinessAppPlatform"
        for scope in [provider, "\(provider)/scopes/admin"] {
            routes.on("GET", path: "\(scope)/environments", Self.environments)
            routes.on("GET", path: "\(scope)/environments/{environment}", Self.environment)
        }
        routes.all("\(provider)/{resource...}", Self.nothing)
        return routes.router
    }

    private func environments(_ request: ServiceRequest) -> HTTPServerResponse {
        answers.checked(request.http, for: .powerApps) { answers.list(request.http, rows(request)) }
    }

    private func environment(_ request: ServiceRequest) -> HTTPServerResponse {
        answers.checked(request.http, for: .powerApps) {
            let name = request.name("environment")
            guard let row = rows(request).first(where: { $0["name"]?.string?.lowercased() == name.lowercased() }) else {
                return .failure(404, "EnvironmentNotFound", "The environment '\(name)' could not be found.")
            }
            return HTTPServerResponse(status: 200, json: row)
        }
    }

    private func nothing(_ request: ServiceRequest) -> HTTPServerResponse {
        answers.checked(request.http, for: .powerApps) {
            .failure(404, "InvalidResourceType", "The resource type could not be found.")
        }
    }

    /// The environments, as the address that was asked shows them.
    private func rows(_ request: ServiceRequest) -> [JSONValue] {
        let scope = request.http.path.lowercased().contains("/scopes/admin/") ? "/scopes/admin" : ""
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
}
