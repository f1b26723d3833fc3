internal import MMCore
internal import MMHTTP

/// Power Automate: environments, flows and their runs.
final class PowerAutomate {
    let context: TenantContext
    let store: DirectoryStore
    private let answers: PlatformAnswers
    /// The changes of flows, by name.
    private(set) var changes: [String: FlowChange] = [:]

    init(context: TenantContext, store: DirectoryStore, answers: PlatformAnswers) {
        self.context = context
        self.store = store
        self.answers = answers
    }

    /// Returns the routes: flows at both of their addresses, for users and for administrators.
    static func routes(_ services: TenantServices) -> Router<Void> {
        var routes = ServiceRoutes(services) { $0.automate }
        for scope in ["", "/scopes/admin"] {
            let environments = "/providers/Microsoft.ProcessSimple\(scope)/environments"
            routes.on("GET", path: environments, PowerAutomate.environments)
            routes.on("GET", path: "\(environments)/{environment}", PowerAutomate.environment)
            for collection in ["flows", "v2/flows"] {
                let flows = "\(environments)/{environment}/\(collection)"
                routes.on("GET", path: flows, PowerAutomate.flows)
                routes.on("GET", "PATCH", "DELETE", path: "\(flows)/{flow}", PowerAutomate.flow)
                routes.on("POST", path: "\(flows)/{flow}/start", PowerAutomate.start)
                routes.on("POST", path: "\(flows)/{flow}/stop", PowerAutomate.stop)
                routes.on("GET", path: "\(flows)/{flow}/runs", PowerAutomate.runs)
                routes.on("GET", path: "\(flows)/{flow}/runs/{run}", PowerAutomate.run)
                routes.on("POST", path: "\(flows)/{flow}/triggers/{trigger...}", PowerAutomate.trigger)
            }
        }
        routes.all("/providers/{namespace}/{resource...}", PowerAutomate.nothing)
        return routes.router
    }

    private func environments(_ request: ServiceRequest) -> HTTPServerResponse {
        checked(request) { answers.list(request.http, PowerEnvironment.all.map(environmentRow)) }
    }

    private func environment(_ request: ServiceRequest) -> HTTPServerResponse {
        inEnvironment(request) { HTTPServerResponse(status: 200, json: environmentRow($0)) }
    }

    private func flows(_ request: ServiceRequest) -> HTTPServerResponse {
        inEnvironment(request) { answers.list(request.http, flows(in: $0.name).map(JSONValue.object)) }
    }

    private func flow(_ request: ServiceRequest) -> HTTPServerResponse {
        ofFlow(request) { flow, name, _ in
            switch request.http.method {
            case "DELETE":
                changes[name] = .deleted
                return HTTPServerResponse(status: 204)
            case "PATCH": return HTTPServerResponse(status: 200, json: .object(flow))
            default: break
            }
            var detailed = flow
            var properties = flow["properties"]?.object ?? [:]
            properties["definition"] = [
                "$schema":
                    "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#",
                "contentVersion": "1.0.0.0", "triggers": ["Recurrence": ["type": "Recurrence"]],
                "actions": ["Send_an_email": ["type": "OpenApiConnection", "runAfter": [:]]],
            ]
            detailed["properties"] = .object(properties)
            return HTTPServerResponse(status: 200, json: .object(detailed))
        }
    }

    private func start(_ request: ServiceRequest) -> HTTPServerResponse { change(request, to: "Started") }

    private func stop(_ request: ServiceRequest) -> HTTPServerResponse { change(request, to: "Stopped") }

    private func change(_ request: ServiceRequest, to state: String) -> HTTPServerResponse {
        ofFlow(request) { _, name, _ in
            changes[name] = .state(state)
            return HTTPServerResponse(status: 200, json: [:])
        }
    }

    private func runs(_ request: ServiceRequest) -> HTTPServerResponse {
        ofFlow(request) { answers.list(request.http, runs(of: $1, environment: $2)) }
    }

    private func run(_ request: ServiceRequest) -> HTTPServerResponse {
        ofFlow(request) { _, name, environment in
            let run = request.name("run")
            guard let row = runs(of: name, environment: environment).first(where: { $0["name"]?.string == run }) else {
                return .failure(404, "WorkflowRunNotFound", "The workflow run '\(run)' could not be found.")
            }
            return HTTPServerResponse(status: 200, json: row)
        }
    }

    private func trigger(_ request: ServiceRequest) -> HTTPServerResponse {
        ofFlow(request) { _, _, _ in HTTPServerResponse(status: 202) }
    }

    private func nothing(_ request: ServiceRequest) -> HTTPServerResponse {
        let namespace = request.name("namespace")
        guard namespace.lowercased() == "microsoft.processsimple" else {
            return .failure(404, "InvalidResourceNamespace", "The resource namespace '\(namespace)' is invalid.")
        }
        return checked(request) {
            .failure(404, "InvalidResourceType", "The resource type could not be found.")
        }
    }

    private func checked(_ request: ServiceRequest, _ answer: () -> HTTPServerResponse) -> HTTPServerResponse {
        answers.checked(request.http, for: .flow, version: "2016-11-01", answer)
    }

    /// Returns the answer about an environment, after checking that it exists.
    private func inEnvironment(
        _ request: ServiceRequest, _ answer: (PowerEnvironment) -> HTTPServerResponse
    ) -> HTTPServerResponse {
        checked(request) {
            let name = request.name("environment")
            guard let environment = PowerEnvironment.find(name) else {
                return .failure(403, "EnvironmentAccess", "Access to the environment '\(name)' is denied.")
            }
            return answer(environment)
        }
    }

    /// Returns the answer about a flow, after checking that it exists; `answer` gets the flow, its name, and that of
    /// its environment.
    private func ofFlow(
        _ request: ServiceRequest, _ answer: (JSONObject, String, String) -> HTTPServerResponse
    ) -> HTTPServerResponse {
        inEnvironment(request) { environment in
            let name = request.name("flow").lowercased()
            guard let flow = flows(in: environment.name).first(where: { $0["name"]?.string == name }) else {
                return .failure(404, "FlowNotFound", "Could not find flow '\(request.name("flow"))'.")
            }
            return answer(flow, name, environment.name)
        }
    }

    private func environmentRow(_ environment: PowerEnvironment) -> JSONValue {
        [
            "name": .string(environment.name), "location": "europe", "type": "Microsoft.ProcessSimple/environments",
            "id": .string("/providers/Microsoft.ProcessSimple/environments/\(environment.name)"),
            "properties": [
                "displayName": .string(environment.shown), "createdTime": "2020-01-01T00:00:00Z",
                "createdBy": ["id": "SYSTEM", "displayName": "SYSTEM", "type": "NotSpecified"],
                "provisioningState": "Succeeded",
                "creationType": environment.isDefault ? "DefaultTenant" : "User",
                "environmentSku": environment.isDefault ? "Default" : "Sandbox",
                "environmentType": environment.isDefault ? "Production" : "Sandbox",
                "isDefault": .bool(environment.isDefault),
                "azureRegionHint": "westeurope",
                "runtimeEndpoints": [
                    "microsoft.BusinessAppPlatform": .string(context.base),
                    "microsoft.PowerApps": .string(context.base),
                    "microsoft.Flow": .string(context.base),
                ],
                "linkedEnvironmentMetadata": [
                    "type": "Dynamics365Instance", "resourceId": "dddddddd-0000-4000-8000-0000000000ee",
                    "friendlyName": .string(environment.shown),
                    "uniqueName": "orgsandbox", "domainName": "orgsandbox", "version": "9.2.0.0",
                    "instanceUrl": "https://orgsandbox.crm4.dynamics.com/",
                    "instanceApiUrl": "https://orgsandbox.api.crm4.dynamics.com/",
                ],
            ],
        ]
    }
}

/// The initial flows and their runs.
extension PowerAutomate {
    private static let flowNames = [
        "Notify on new invoice", "Copy attachments to Finance", "Weekly status reminder", "Approve travel requests",
        "Archive old tasks",
        "Post new hires to Teams", "Escalate open incidents", "Back up price list", "Welcome new guests",
        "Collect survey answers",
        "Mirror calendar of the board", "Clean up shared mailbox",
    ]

    func flows(in environment: String) -> [JSONObject] {
        let place = context.mixing.branch(21)
        let ids = ObjectIDs(place)
        let offset = environment.hasPrefix("Default") ? 0 : 100
        let admin = store.users.row(0).id
        return Self.flowNames.prefix(offset == 0 ? 12 : 3).enumerated().compactMap { index, shown in
            let name = ids.guid(offset + index)
            var state = place.number(offset + index, 3, below: 4) == 0 ? "Stopped" : "Started"
            switch changes[name] {
            case .deleted: return nil
            case .state(let changed): state = changed
            case nil: break
            }
            let id = "/providers/Microsoft.ProcessSimple/environments/\(environment)"
            return [
                "name": .string(name), "id": .string("\(id)/flows/\(name)"),
                "type": "Microsoft.ProcessSimple/environments/flows",
                "properties": [
                    "apiId": "/providers/Microsoft.PowerApps/apis/shared_logicflows", "displayName": .string(shown),
                    "userType": "Owner",
                    "state": .string(state),
                    "createdTime": .string(ServiceTime.text(1_750_000_000 + Int64(index) * 900_000)),
                    "lastModifiedTime": .string(ServiceTime.text(1_760_000_000 + Int64(index) * 500_000)),
                    "environment": [
                        "name": .string(environment), "type": "Microsoft.ProcessSimple/environments", "id": .string(id),
                    ],
                    "definitionSummary": [
                        "triggers": [["type": "Recurrence"]],
                        "actions": [["type": "OpenApiConnection", "swaggerOperationId": "SendEmailV2"]],
                    ],
                    "creator": [
                        "tenantId": .string(TenantIdentity.id), "objectId": .string(admin), "userId": .string(admin),
                        "userType": "ActiveDirectory",
                    ],
                    "flowSuspensionReason": "None", "provisioningMethod": "FromDefinition", "isManaged": false,
                ],
            ]
        }
    }

    func runs(of flow: String, environment: String) -> [JSONValue] {
        let place = context.mixing.branch(UInt64(flow.utf8.reduce(7) { ($0 &* 31) &+ UInt64($1) }))
        return (0..<20).map { index in
            let start = store.users.now / 86_400 * 86_400 - Int64(index) * 86_400 + 3_600
            let failed = place.number(index, 1, below: 5) == 0
            let name = "0858\(place.number(index, 2) % 10_000_000_000)CU00"
            var properties: JSONObject = [
                "startTime": .string(ServiceTime.longText(start)), "endTime": .string(ServiceTime.longText(start + 5)),
                "status": failed ? "Failed" : "Succeeded", "code": failed ? "ActionFailed" : "OK",
                "correlation": ["clientTrackingId": .string(name)],
                "trigger": [
                    "name": "Recurrence", "startTime": .string(ServiceTime.text(start)),
                    "endTime": .string(ServiceTime.text(start)),
                    "status": "Succeeded", "code": "OK",
                    "outputsLink": [
                        "uri": .string(
                            "\(context.base)/workflows/sandbox/runs/\(name)/contents/TriggerOutputs?api-version=2016-06-01&sp=%2Fread&sv=1.0&sig=SANDBOXSIG"
                        ),
                        "contentVersion": "SANDBOX==", "contentSize": 10,
                    ],
                ],
            ]
            if failed {
                properties["error"] = [
                    "code": "ActionFailed", "message": "An action failed. No dependent actions succeeded.",
                ]
            }
            return [
                "name": .string(name),
                "id": .string(
                    "/providers/Microsoft.ProcessSimple/environments/\(environment)/flows/\(flow)/runs/\(name)"),
                "type": "Microsoft.ProcessSimple/environments/flows/runs", "properties": .object(properties),
            ]
        }
    }
}

/// A change of a flow.
enum FlowChange: Sendable, Hashable {
    case deleted
    case state(String)
}

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

/// The administration of Power Platform.
struct PowerPlatformAdministration {
    let context: TenantContext
    let answers: PlatformAnswers

    /// Returns the routes, for users and for administrators.
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

    /// Returns the environments in the form for the requested address.
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

/// The common behaviour of the platform services: the check of tokens, and the form of lists.
struct PlatformAnswers {
    let context: TenantContext
    let bearer: BearerCheck

    /// Returns the answer to a request with a valid token and API version, with the common headers.
    /// - Parameter version: the version of the service; empty for any.
    func checked(
        _ request: HTTPServerRequest, for resource: ServedResource, version: String = "",
        _ answer: () -> HTTPServerResponse
    ) -> HTTPServerResponse {
        checked(request, for: resource, version: version) { _ in answer() }
    }

    /// Returns the same answer, which depends on who asks.
    func checked(
        _ request: HTTPServerRequest, for resource: ServedResource, version: String = "",
        _ answer: (SignedInPrincipal) -> HTTPServerResponse
    ) -> HTTPServerResponse {
        var answer =
            switch principal(of: request, for: resource) {
            case .success(let principal): Self.refusal(request, version: version) ?? answer(principal)
            case .failure(let refusal): refusal.answer
            }
        answer.headers.set("x-ms-request-id", RandomBytes.uuid())
        answer.headers.set("x-ms-correlation-request-id", RandomBytes.uuid())
        return answer
    }

    private static func refusal(_ request: HTTPServerRequest, version: String) -> HTTPServerResponse? {
        guard let asked = request.queryFields["api-version"], !asked.isEmpty else {
            return .failure(
                400, "MissingApiVersionParameter",
                "The api-version query parameter (?api-version=) is required for all requests.")
        }
        guard asked.hasPrefix(version) else {
            return .failure(
                400, "InvalidApiVersionParameter",
                "The api-version '\(asked.prefix(40))' is invalid. The supported versions are '\(version)'.")
        }
        return nil
    }

    /// The refusal of a request with an invalid token.
    private struct Refusal: Error {
        let answer: HTTPServerResponse
    }

    /// Returns whom the token of a request represents, or the refusal of an invalid one.
    private func principal(
        of request: HTTPServerRequest, for resource: ServedResource
    ) -> Result<SignedInPrincipal, Refusal> {
        let challenge: HTTPHeaders = ["WWW-Authenticate": "Bearer authorization_uri=\"\(context.base)/\""]
        func refused(_ message: String) -> Result<SignedInPrincipal, Refusal> {
            .failure(Refusal(answer: .failure(401, "AuthenticationFailed", message, headers: challenge)))
        }
        do throws(TokenMint.Refusal) {
            let principal = try bearer.principal(request, for: resource)
            return bearer.isRevoked(principal) ? refused("The access token has been revoked.") : .success(principal)
        } catch {
            let message =
                switch error {
                case .absent: "The request has no access token."
                case .expired: "The access token has expired."
                case .wrongAudience: "The access token has the wrong audience."
                case .malformed, .forged: "The access token is not valid."
                }
            return refused(message)
        }
    }

    /// Returns a list with the paging of these services: `nextLink` without a namespace, and always with the port.
    /// - Parameter named: returns the value of a name that filters know but that isn't a member of a row.
    func list(
        _ request: HTTPServerRequest, _ rows: [JSONValue],
        named: @escaping (_ name: String, _ row: JSONValue) -> JSONValue? = { _, _ in nil }
    ) -> HTTPServerResponse {
        let fields = request.queryFields
        var matching = rows
        if let filter = fields["$filter"], !filter.isEmpty {
            guard let expression = try? FilterParser.parse(filter) else {
                return .failure(400, "InvalidFilterInQueryString", "The filter '\(filter.prefix(200))' is not valid.")
            }
            matching = rows.filter { row in
                FilterEvaluator(property: { name in
                    let small = "\(name.prefix(1).lowercased())\(name.dropFirst())"
                    return row["properties"]?[small] ?? row[small] ?? named(small, row)
                }).matches(expression)
            }
        }
        let start = fields["$skiptoken"].flatMap { PageToken($0)?.matched } ?? 0
        if fields["$skiptoken"] != nil, fields["$skiptoken"].flatMap({ PageToken($0) }) == nil {
            return .failure(400, "InvalidSkipToken", "The skip token is not valid.")
        }
        let size = max(1, fields["$top"].flatMap { Int($0) } ?? 50)
        let page = matching.dropFirst(start).prefix(size)
        var members: JSONObject = ["value": .array(Array(page))]
        if start + page.count < matching.count {
            let kept = (request.query ?? "").split(separator: "&").filter {
                !$0.hasPrefix("$skiptoken=") && !$0.hasPrefix("%24skiptoken=")
            }
            let token = "$skiptoken=\(PageToken(matched: start + page.count).text)"
            members["nextLink"] = .string(
                "\(context.base)\(request.path)?\((kept.map(String.init) + [token]).joined(separator: "&"))")
        }
        return HTTPServerResponse(status: 200, json: .object(members))
    }
}
