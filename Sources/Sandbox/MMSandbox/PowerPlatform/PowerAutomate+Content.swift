internal import MMCore

/// The flows that there are, and their runs.
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
