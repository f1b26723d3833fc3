internal import MMCore
internal import MMHTTP

/// Roles that accounts may take up for a while: the part of Privileged Identity Management that says which.
struct RoleEligibility {
    let context: TenantContext
    let store: DirectoryStore

    /// The answer to `roleEligibilityScheduleInstances`; `nil` for everything else.
    func answer(_ call: GraphCall) throws(GraphFailure) -> HTTPServerResponse? {
        let names = call.segments.map { $0.name.lowercased() }
        guard names.count >= 3, names[1] == "directory", names[2] == "roleeligibilityscheduleinstances" else {
            return nil
        }
        guard call.request.method == "GET" else { throw .notAllowed(call.request.method) }
        guard GraphScopes(call: call, isSelf: false).isOpen ?? false else { throw .denied }
        let isOwn = names.count == 4 && names[3] == "filterbycurrentuser"
        guard names.count == 3 || isOwn else { throw .unknownSegment(call.segments[3].name) }
        if !isOwn, !call.principal.isApp {
            let roles = store.roles(of: call.principal)
            guard roles.contains(.globalAdministrator) || roles.contains(.globalReader) else { throw .denied }
        }
        let rows = NamedAccount.all.compactMap { account -> JSONValue? in
            guard let role = account.eligible, let id = store.user("\(account.address)@\(TenantIdentity.domain)")?.id,
                !isOwn || id == call.principal.objectID
            else { return nil }
            return Self.row(id, role)
        }
        return GraphAnswers.json([
            "@odata.context": .string(
                "\(context.base)/\(call.version)/$metadata#Collection(unifiedRoleEligibilityScheduleInstance)"),
            "value": .array(rows),
        ])
    }

    private static func row(_ principal: String, _ role: DirectoryRoleName) -> JSONValue {
        [
            "id": .string("\(role.rawValue)-\(principal)-e"), "principalId": .string(principal),
            "roleDefinitionId": .string(role.rawValue), "directoryScopeId": "/", "appScopeId": .null,
            "startDateTime": "2025-01-01T00:00:00Z", "endDateTime": .null, "memberType": "Direct",
            "roleEligibilityScheduleId": .string("\(role.rawValue)-\(principal)"),
        ]
    }
}
