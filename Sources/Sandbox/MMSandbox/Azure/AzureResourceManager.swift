internal import MMCore
internal import MMHTTP

/// The resource manager: subscriptions, resource groups, a few resources.
struct AzureResourceManager {
    let context: TenantContext
    let answers: PlatformAnswers
    private static let subscriptionID = "5a4db0c5-5ab5-4000-8000-000000000001"
    private static let root = "/subscriptions/\(subscriptionID)"
    private static let groups = [("rg-web", "westeurope"), ("rg-data", "westeurope"), ("rg-sandbox", "northeurope")]

    /// What it answers.
    static func routes(_ services: TenantServices) -> Router<Void> {
        var routes = ServiceRoutes(services) { $0.azure }
        routes.on("GET", path: "/tenants", Self.tenants)
        routes.on("GET", path: "/subscriptions", Self.subscriptions)
        routes.on("GET", path: "/subscriptions/{subscription}", Self.subscription)
        routes.on("GET", path: "/subscriptions/{subscription}/resourceGroups", Self.resourceGroups)
        routes.on("GET", "DELETE", path: "/subscriptions/{subscription}/resourceGroups/{group}", Self.resourceGroup)
        routes.on("GET", path: "/subscriptions/{subscription}/operationResults/{operation}", Self.operationResult)
        routes.on("GET", path: "/subscriptions/{subscription}/resources", Self.resources)
        routes.all("/subscriptions/{subscription}/{resource...}", Self.resource)
        return routes.router
    }

    private func tenants(_ request: ServiceRequest) -> HTTPServerResponse {
        checked(request) {
            HTTPServerResponse(
                status: 200,
                json: [
                    "value": [
                        [
                            "id": .string("/tenants/\(TenantIdentity.id)"), "tenantId": .string(TenantIdentity.id),
                            "countryCode": "US", "displayName": .string(TenantIdentity.name),
                            "domains": [.string(TenantIdentity.domain)], "tenantCategory": "Home",
                        ]
                    ]
                ])
        }
    }

    private static let row: JSONValue = [
        "id": .string(root), "authorizationSource": "RoleBased", "managedByTenants": [],
        "subscriptionId": .string(subscriptionID), "tenantId": .string(TenantIdentity.id),
        "displayName": "Contoso Sandbox Test", "state": "Enabled",
        "subscriptionPolicies": [
            "locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off",
        ],
    ]

    private func subscriptions(_ request: ServiceRequest) -> HTTPServerResponse {
        checked(request) {
            HTTPServerResponse(status: 200, json: ["value": [Self.row], "count": ["type": "Total", "value": 1]])
        }
    }

    private func subscription(_ request: ServiceRequest) -> HTTPServerResponse {
        inSubscription(request) { HTTPServerResponse(status: 200, json: Self.row) }
    }

    private func resourceGroups(_ request: ServiceRequest) -> HTTPServerResponse {
        inSubscription(request) { answers.list(request.http, Self.groups.map(Self.group)) }
    }

    private func resourceGroup(_ request: ServiceRequest) -> HTTPServerResponse {
        inSubscription(request) {
            let name = request.name("group")
            guard let found = Self.groups.first(where: { $0.0 == name.lowercased() }) else {
                return .failure(404, "ResourceGroupNotFound", "Resource group '\(name)' could not be found.")
            }
            guard request.http.method == "DELETE" else {
                return HTTPServerResponse(status: 200, json: Self.group(found))
            }
            let result = "\(context.base)\(Self.root)/operationresults/SANDBOX?api-version=2021-04-01"
            return HTTPServerResponse(status: 202, headers: ["Location": result, "Retry-After": "15"])
        }
    }

    private func operationResult(_ request: ServiceRequest) -> HTTPServerResponse {
        inSubscription(request) { HTTPServerResponse(status: 200) }
    }

    private func resources(_ request: ServiceRequest) -> HTTPServerResponse {
        let kinds = [
            ("Microsoft.Storage/storageAccounts", "sa"), ("Microsoft.Web/sites", "app"),
            ("Microsoft.KeyVault/vaults", "kv"),
        ]
        return inSubscription(request) {
            let rows = Self.groups.flatMap { group in
                kinds.map { kind, prefix -> JSONValue in
                    let name = "\(prefix)\(group.0.dropFirst(3))"
                    return [
                        "id": .string("\(Self.root)/resourceGroups/\(group.0)/providers/\(kind)/\(name)"),
                        "name": .string(name), "type": .string(kind), "location": .string(group.1),
                    ]
                }
            }
            return answers.list(request.http, rows)
        }
    }

    private func resource(_ request: ServiceRequest) -> HTTPServerResponse {
        inSubscription(request) {
            let path = PercentCoding.decode(request.name("resource").utf8) ?? request.name("resource")
            if path.lowercased().hasPrefix("providers/"), path.contains("roleAssignments"),
                ["PUT", "DELETE"].contains(request.http.method)
            {
                return .failure(
                    403, "AuthorizationFailed",
                    "The client does not have authorization to perform action 'Microsoft.Authorization/roleAssignments/write' over scope '\(Self.root)'."
                )
            }
            return .failure(404, "ResourceNotFound", "The Resource '\(path)' was not found.")
        }
    }

    private static func group(_ group: (String, String)) -> JSONValue {
        [
            "id": .string("\(root)/resourceGroups/\(group.0)"), "name": .string(group.0),
            "type": "Microsoft.Resources/resourceGroups", "location": .string(group.1),
            "properties": ["provisioningState": "Succeeded"],
        ]
    }

    /// The answer about a subscription, which must be the one that there is.
    private func inSubscription(_ request: ServiceRequest, _ answer: () -> HTTPServerResponse) -> HTTPServerResponse {
        checked(request) {
            let name = request.name("subscription")
            guard name.lowercased() == Self.subscriptionID else {
                return .failure(404, "SubscriptionNotFound", "The subscription '\(name)' could not be found.")
            }
            return answer()
        }
    }

    /// The answer to a request whose token is in order, with the headers of the service.
    private func checked(_ request: ServiceRequest, _ answer: () -> HTTPServerResponse) -> HTTPServerResponse {
        var answer = answers.checked(request.http, for: .arm, answer)
        let stamp = ServiceTime.text(context.now).filter { $0 != "-" && $0 != ":" }
        answer.headers.set("x-ms-routing-request-id", "WESTEUROPE:\(stamp):\(RandomBytes.uuid())")
        answer.headers.set("x-ms-ratelimit-remaining-subscription-reads", "249")
        answer.headers.set("x-ms-ratelimit-remaining-subscription-global-reads", "3749")
        return answer
    }
}
