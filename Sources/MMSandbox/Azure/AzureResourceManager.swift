internal import MMCore
internal import MMHTTP

/// The resource manager: subscriptions, resource groups, a few resources.
struct AzureResourceManager {
    let context: TenantContext
    let answers: PlatformAnswers

    private static let subscription = "5a4db0c5-5ab5-4000-8000-000000000001"
    private static let groups = [("rg-web", "westeurope"), ("rg-data", "westeurope"), ("rg-sandbox", "northeurope")]

    func answer(_ request: SandboxRequest, segments: [String]) -> SandboxResponse {
        var answer = made(request, segments: segments.map { PercentCoding.decode($0.utf8) ?? $0 })
        answer.headers.set("x-ms-request-id", RandomBytes.uuid())
        answer.headers.set("x-ms-correlation-request-id", RandomBytes.uuid())
        let stamp = ServiceTime.text(context.now).filter { $0 != "-" && $0 != ":" }
        answer.headers.set("x-ms-routing-request-id", "WESTEUROPE:\(stamp):\(RandomBytes.uuid())")
        answer.headers.set("x-ms-ratelimit-remaining-subscription-reads", "249")
        answer.headers.set("x-ms-ratelimit-remaining-subscription-global-reads", "3749")
        return answer
    }

    private func made(_ request: SandboxRequest, segments: [String]) -> SandboxResponse {
        if let refusal = answers.refusal(request, for: .arm) { return refusal }
        guard request.queryFields["api-version"] != nil else {
            return PlatformAnswers.error(
                400, "MissingApiVersionParameter",
                "The api-version query parameter (?api-version=) is required for all requests.")
        }
        if segments[0].lowercased() == "tenants" {
            return SandboxResponse(
                status: 200,
                json: [
                    "value": [
                        [
                            "id": .string("/tenants/\(TenantIdentity.id)"), "tenantId": .string(TenantIdentity.id),
                            "countryCode": "US",
                            "displayName": .string(TenantIdentity.name), "domains": [.string(TenantIdentity.domain)],
                            "tenantCategory": "Home",
                        ]
                    ]
                ])
        }
        let row: JSONValue = [
            "id": .string("/subscriptions/\(Self.subscription)"), "authorizationSource": "RoleBased",
            "managedByTenants": [],
            "subscriptionId": .string(Self.subscription), "tenantId": .string(TenantIdentity.id),
            "displayName": "Contoso Sandbox Test",
            "state": "Enabled",
            "subscriptionPolicies": [
                "locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off",
            ],
        ]
        guard segments.count > 1 else {
            return SandboxResponse(status: 200, json: ["value": [row], "count": ["type": "Total", "value": 1]])
        }
        guard segments[1].lowercased() == Self.subscription else {
            return PlatformAnswers.error(
                404, "SubscriptionNotFound", "The subscription '\(segments[1])' could not be found.")
        }
        guard segments.count > 2 else { return SandboxResponse(status: 200, json: row) }
        return resource(request, Array(segments.dropFirst(2)))
    }

    private func resource(_ request: SandboxRequest, _ rest: [String]) -> SandboxResponse {
        let root = "/subscriptions/\(Self.subscription)"
        switch (request.method, rest[0].lowercased(), rest.count) {
        case ("GET", "resourcegroups", 1): return answers.list(request, Self.groups.map { group($0, root) })
        case ("GET", "resourcegroups", 2):
            guard let found = Self.groups.first(where: { $0.0 == rest[1].lowercased() }) else {
                return PlatformAnswers.error(
                    404, "ResourceGroupNotFound", "Resource group '\(rest[1])' could not be found.")
            }
            return SandboxResponse(status: 200, json: group(found, root))
        case ("DELETE", "resourcegroups", 2):
            guard Self.groups.contains(where: { $0.0 == rest[1].lowercased() }) else {
                return PlatformAnswers.error(
                    404, "ResourceGroupNotFound", "Resource group '\(rest[1])' could not be found.")
            }
            return SandboxResponse(
                status: 202,
                headers: [
                    "Location": "\(context.base)\(root)/operationresults/SANDBOX?api-version=2021-04-01",
                    "Retry-After": "15",
                ])
        case ("GET", "operationresults", 2): return SandboxResponse(status: 200)
        case ("GET", "resources", 1): return answers.list(request, resources(root))
        case ("PUT", "providers", _) where rest.contains("roleAssignments"),
            ("DELETE", "providers", _) where rest.contains("roleAssignments"):
            return PlatformAnswers.error(
                403, "AuthorizationFailed",
                "The client does not have authorization to perform action 'Microsoft.Authorization/roleAssignments/write' over scope '\(root)'."
            )
        default:
            return PlatformAnswers.error(
                404, "ResourceNotFound", "The Resource '\(rest.joined(separator: "/"))' was not found.")
        }
    }

    private func group(_ group: (String, String), _ root: String) -> JSONValue {
        [
            "id": .string("\(root)/resourceGroups/\(group.0)"), "name": .string(group.0),
            "type": "Microsoft.Resources/resourceGroups",
            "location": .string(group.1), "properties": ["provisioningState": "Succeeded"],
        ]
    }

    private func resources(_ root: String) -> [JSONValue] {
        let kinds = [
            ("Microsoft.Storage/storageAccounts", "sa"), ("Microsoft.Web/sites", "app"),
            ("Microsoft.KeyVault/vaults", "kv"),
        ]
        return Self.groups.flatMap { group in
            kinds.map { kind, prefix in
                let name = "\(prefix)\(group.0.dropFirst(3))"
                return [
                    "id": .string("\(root)/resourceGroups/\(group.0)/providers/\(kind)/\(name)"), "name": .string(name),
                    "type": .string(kind),
                    "location": .string(group.1),
                ]
            }
        }
    }
}
