internal import MMCore
internal import MMHTTP

/// The administration of Power Platform.
struct PowerPlatformAdministration {
    let context: TenantContext
    let answers: PlatformAnswers

    /// The administration of environments.
    func answer(_ request: SandboxRequest, segments: [String]) -> SandboxResponse {
        var answer = made(request, segments: segments)
        answer.headers.set("x-ms-request-id", RandomBytes.uuid())
        answer.headers.set("x-ms-correlation-request-id", RandomBytes.uuid())
        return answer
    }

    private func made(_ request: SandboxRequest, segments: [String]) -> SandboxResponse {
        if let refusal = answers.refusal(request, for: .powerApps) { return refusal }
        guard request.queryFields["api-version"] != nil else {
            return PlatformAnswers.error(
                400, "MissingApiVersionParameter",
                "The api-version query parameter (?api-version=) is required for all requests.")
        }
        var rest = segments.dropFirst(2).map { PercentCoding.decode($0.utf8) ?? $0 }
        let isAdmin = rest.first?.lowercased() == "scopes" && rest.dropFirst().first?.lowercased() == "admin"
        if isAdmin { rest.removeFirst(2) }
        guard rest.first?.lowercased() == "environments", request.method == "GET" else {
            return PlatformAnswers.error(404, "InvalidResourceType", "The resource type could not be found.")
        }
        let rows = PowerEnvironment.all.map { environment -> JSONValue in
            [
                "id": .string(
                    "/providers/Microsoft.BusinessAppPlatform\(isAdmin ? "/scopes/admin" : "")/environments/\(environment.name)"
                ),
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
        guard let name = rest.dropFirst().first else { return answers.list(request, rows) }
        guard let row = rows.first(where: { $0["name"]?.string?.lowercased() == name.lowercased() }) else {
            return PlatformAnswers.error(404, "EnvironmentNotFound", "The environment '\(name)' could not be found.")
        }
        return SandboxResponse(status: 200, json: row)
    }
}
