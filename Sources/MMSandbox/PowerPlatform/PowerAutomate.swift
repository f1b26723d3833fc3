internal import MMCore
internal import MMHTTP

/// Power Automate: environments, flows and their runs.
final class PowerAutomate {
    private let context: TenantContext
    private let store: DirectoryStore
    private let answers: PlatformAnswers
    /// What was done to flows, by name.
    private var changes: [String: FlowChange] = [:]

    init(context: TenantContext, store: DirectoryStore, answers: PlatformAnswers) {
        self.context = context
        self.store = store
        self.answers = answers
    }

    func answer(_ request: SandboxRequest, segments: [String]) -> SandboxResponse {
        var answer = made(request, segments: segments)
        answer.headers.set("x-ms-request-id", RandomBytes.uuid())
        answer.headers.set("x-ms-correlation-request-id", RandomBytes.uuid())
        return answer
    }

    private func made(_ request: SandboxRequest, segments: [String]) -> SandboxResponse {
        guard segments.count >= 2, segments[1].lowercased() == "microsoft.processsimple" else {
            return PlatformAnswers.error(
                404, "InvalidResourceNamespace",
                "The resource namespace '\(segments.dropFirst().first ?? "")' is invalid.")
        }
        if let refusal = answers.refusal(request, for: .flow) { return refusal }
        guard let version = request.queryFields["api-version"], !version.isEmpty else {
            return PlatformAnswers.error(
                400, "MissingApiVersionParameter",
                "The api-version query parameter (?api-version=) is required for all requests.")
        }
        guard version.hasPrefix("2016-11-01") else {
            return PlatformAnswers.error(
                400, "InvalidApiVersionParameter",
                "The api-version '\(version.prefix(40))' is invalid. The supported versions are '2016-11-01'.")
        }
        var rest = segments.dropFirst(2).map { PercentCoding.decode($0.utf8) ?? $0 }
        if rest.first?.lowercased() == "scopes", rest.dropFirst().first?.lowercased() == "admin" { rest.removeFirst(2) }
        guard rest.first?.lowercased() == "environments" else {
            return PlatformAnswers.error(404, "InvalidResourceType", "The resource type could not be found.")
        }
        guard rest.count > 1 else { return answers.list(request, PowerEnvironment.all.map(environmentRow)) }
        guard let environment = PowerEnvironment.find(rest[1]) else {
            return PlatformAnswers.error(403, "EnvironmentAccess", "Access to the environment '\(rest[1])' is denied.")
        }
        guard rest.count > 2 else { return SandboxResponse(status: 200, json: environmentRow(environment)) }
        let collection = rest[2].lowercased()
        guard collection == "flows" || collection == "v2" else {
            return PlatformAnswers.error(404, "InvalidResourceType", "The resource type could not be found.")
        }
        let below = Array(rest.dropFirst(collection == "v2" ? 4 : 3))
        let flows = flows(in: environment.name)
        guard let name = below.first else { return answers.list(request, flows.map(JSONValue.object)) }
        guard let flow = flows.first(where: { $0["name"]?.string == name.lowercased() }) else {
            return PlatformAnswers.error(404, "FlowNotFound", "Could not find flow '\(name)'.")
        }
        return flowStep(request, flow, below, environment: environment.name)
    }

    private func flowStep(
        _ request: SandboxRequest, _ flow: JSONObject, _ below: [String], environment: String
    ) -> SandboxResponse {
        let name = flow["name"]?.string ?? ""
        switch (request.method, below.dropFirst().first?.lowercased()) {
        case ("GET", nil):
            var detailed = flow
            var properties = flow["properties"]?.object ?? [:]
            properties["definition"] = [
                "$schema":
                    "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#",
                "contentVersion": "1.0.0.0", "triggers": ["Recurrence": ["type": "Recurrence"]],
                "actions": ["Send_an_email": ["type": "OpenApiConnection", "runAfter": [:]]],
            ]
            detailed["properties"] = .object(properties)
            return SandboxResponse(status: 200, json: .object(detailed))
        case ("DELETE", nil):
            changes[name] = .deleted
            return SandboxResponse(status: 204)
        case ("PATCH", nil):
            return SandboxResponse(status: 200, json: .object(flow))
        case ("POST", "start"), ("POST", "stop"):
            changes[name] = .state(below[1].lowercased() == "start" ? "Started" : "Stopped")
            return SandboxResponse(status: 200, json: [:])
        case ("GET", "runs"):
            let runs = runs(of: name, environment: environment)
            guard let run = below.dropFirst(2).first else { return answers.list(request, runs) }
            guard let row = runs.first(where: { $0["name"]?.string == run }) else {
                return PlatformAnswers.error(
                    404, "WorkflowRunNotFound", "The workflow run '\(run)' could not be found.")
            }
            return SandboxResponse(status: 200, json: row)
        case ("POST", "triggers"): return SandboxResponse(status: 202)
        default: return PlatformAnswers.error(404, "InvalidResourceType", "The resource type could not be found.")
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

    private static let flowNames = [
        "Notify on new invoice", "Copy attachments to Finance", "Weekly status reminder", "Approve travel requests",
        "Archive old tasks",
        "Post new hires to Teams", "Escalate open incidents", "Back up price list", "Welcome new guests",
        "Collect survey answers",
        "Mirror calendar of the board", "Clean up shared mailbox",
    ]

    private func flows(in environment: String) -> [JSONObject] {
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

    private func runs(of flow: String, environment: String) -> [JSONValue] {
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
