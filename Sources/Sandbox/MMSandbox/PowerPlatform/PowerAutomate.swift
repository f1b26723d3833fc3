internal import MMCore
internal import MMHTTP

/// Power Automate: environments, flows and their runs.
final class PowerAutomate {
    let context: TenantContext
    let store: DirectoryStore
    private let answers: PlatformAnswers
    /// The changes of flows, by name.
    private(set) var changes: [String: FlowChange] = [:]
    /// When runs were cancelled, by name.
    private var cancelled: [String: Int64] = [:]

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
                routes.on("POST", path: "\(flows)/{flow}/runs/{run}/cancel", PowerAutomate.cancel)
                routes.on("POST", path: "\(flows)/{flow}/triggers/{trigger...}", PowerAutomate.trigger)
                routes.on("GET", path: "\(flows)/{flow}/permissions", PowerAutomate.permissions)
            }
        }
        routes.all("/providers/{namespace}/{resource...}", PowerAutomate.nothing)
        return routes.router
    }

    private func environments(_ request: ServiceRequest) -> HTTPServerResponse {
        checked(request) { principal in
            let rows = store.opens(request, to: principal) ? PowerEnvironment.all.map(environmentRow) : []
            return answers.list(request.http, rows)
        }
    }

    private func environment(_ request: ServiceRequest) -> HTTPServerResponse {
        inEnvironment(request) { environment, _ in HTTPServerResponse(status: 200, json: environmentRow(environment)) }
    }

    private func flows(_ request: ServiceRequest) -> HTTPServerResponse {
        inEnvironment(request) { environment, principal in
            answers.list(request.http, flows(request, in: environment.name, for: principal).map(JSONValue.object))
        }
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
        ofRun(request) { HTTPServerResponse(status: 200, json: $0) }
    }

    private func cancel(_ request: ServiceRequest) -> HTTPServerResponse {
        ofRun(request) { row in
            let state = row["properties"]?["status"]?.string ?? ""
            guard state == "Running" else {
                return .failure(
                    409, "Conflict",
                    "The workflow run '\(request.name("run"))' cannot be cancelled, because its state is '\(state)'.")
            }
            cancelled[request.name("run")] = context.now
            return HTTPServerResponse(status: 200)
        }
    }

    /// Returns the answer about a run of a flow, after checking that it exists.
    private func ofRun(_ request: ServiceRequest, _ answer: (JSONValue) -> HTTPServerResponse) -> HTTPServerResponse {
        ofFlow(request) { _, name, environment in
            let run = request.name("run")
            guard let row = runs(of: name, environment: environment).first(where: { $0["name"]?.string == run }) else {
                return .failure(404, "WorkflowRunNotFound", "The workflow run '\(run)' could not be found.")
            }
            return answer(row)
        }
    }

    /// Lists who may use a flow: its creator, with all rights.
    private func permissions(_ request: ServiceRequest) -> HTTPServerResponse {
        ofFlow(request) { flow, name, environment in
            let owner = flow["properties"]?["creator"]?["objectId"]?.string ?? ""
            let id = "/providers/Microsoft.ProcessSimple/environments/\(environment)/flows/\(name)/permissions/\(owner)"
            return answers.list(
                request.http,
                [
                    [
                        "name": .string(owner), "id": .string(id),
                        "type": "/providers/Microsoft.ProcessSimple/environments/flows/permissions",
                        "properties": [
                            "roleName": "Owner", "permissionType": "Principal",
                            "principal": ["id": .string(owner), "type": "User"],
                        ],
                    ]
                ])
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
        return checked(request) { _ in
            .failure(404, "InvalidResourceType", "The resource type could not be found.")
        }
    }

    private func checked(
        _ request: ServiceRequest, _ answer: (SignedInPrincipal) -> HTTPServerResponse
    ) -> HTTPServerResponse {
        answers.checked(request.http, for: .flow, version: "2016-11-01", answer)
    }

    /// Returns the answer about an environment, after checking that it exists, and that only an administrator asks at
    /// an address for administrators.
    private func inEnvironment(
        _ request: ServiceRequest, _ answer: (PowerEnvironment, SignedInPrincipal) -> HTTPServerResponse
    ) -> HTTPServerResponse {
        checked(request) { principal in
            let name = request.name("environment")
            guard let environment = PowerEnvironment.find(name), store.opens(request, to: principal) else {
                return .environmentDenied(name, principal)
            }
            return answer(environment, principal)
        }
    }

    /// Returns the flows that somebody sees: administrators at their address all, others the own ones.
    private func flows(
        _ request: ServiceRequest, in environment: String, for principal: SignedInPrincipal
    ) -> [JSONObject] {
        flows(in: environment).filter { flow in
            request.isOfAdministration
                || flow["properties"]?["creator"]?["objectId"]?.string == principal.objectID
        }
    }

    /// Returns the answer about a flow, after checking that it exists; `answer` gets the flow, its name, and that of
    /// its environment.
    private func ofFlow(
        _ request: ServiceRequest, _ answer: (JSONObject, String, String) -> HTTPServerResponse
    ) -> HTTPServerResponse {
        inEnvironment(request) { environment, principal in
            let name = request.name("flow").lowercased()
            let flows = flows(request, in: environment.name, for: principal)
            guard let flow = flows.first(where: { $0["name"]?.string == name }) else {
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

    private static func isApproval(_ flow: String, ids: ObjectIDs) -> Bool {
        ids.index(ofGuid: flow).flatMap { flowNames.dropFirst($0 % 100).first }?.hasPrefix("Approve") ?? false
    }

    func runs(of flow: String, environment: String) -> [JSONValue] {
        let place = context.mixing.branch(UInt64(flow.utf8.reduce(7) { ($0 &* 31) &+ UInt64($1) }))
        return (0..<20).map { index in
            let start = store.users.now / 86_400 * 86_400 - Int64(index) * 86_400 + 3_600
            // An approval waits for people.
            let isWaiting = index == 0 && Self.isApproval(flow, ids: ObjectIDs(context.mixing.branch(21)))
            let failed = !isWaiting && place.number(index, 1, below: 5) == 0
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
            if isWaiting {
                let end = cancelled[name]
                properties["status"] = end == nil ? "Running" : "Cancelled"
                properties["code"] = end == nil ? nil : "Cancelled"
                properties["endTime"] = end.map { .string(ServiceTime.longText($0)) }
            }
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
