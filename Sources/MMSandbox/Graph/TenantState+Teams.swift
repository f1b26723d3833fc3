internal import MMCore
internal import MMHTTP

/// Making teams: the service answers at once and works on.
extension TenantState {
    /// The answer to `POST /teams` and to questions after its progress; `nil` for everything else.
    mutating func teamCreation(_ call: GraphCall) throws(GraphFailure) -> SandboxResponse? {
        let names = call.segments.map(\.name)
        if names.count == 4, names[2].lowercased() == "operations", call.request.method == "GET" {
            guard store.table(.groups).find(names[1]) != nil else { throw GraphFailure(404, "NotFound", "NotFound") }
            return SandboxResponse(
                status: 200,
                json: [
                    "id": .string(names[3]), "operationType": "createTeam", "status": "succeeded",
                    "targetResourceId": .string(names[1]),
                    "targetResourceLocation": .string("/teams('\(names[1])')"), "error": .null,
                ], contentType: Self.graphContentType)
        }
        guard names.count == 1, call.request.method == "POST" else { return nil }
        guard
            !call.principal.permissions.isDisjoint(with: [
                "Team.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All",
            ])
        else {
            throw GraphArea.teams.denied
        }
        let body = try call.object()
        guard let name = body["displayName"]?.string, !name.isEmpty else {
            throw GraphFailure(
                400, "BadRequest",
                "Failed to execute Templates backend request CreateTeamFromTemplateRequest: displayName is missing.")
        }
        let id = RandomBytes.uuid()
        let nickname = name.lowercased().filter { $0.isASCII && ($0.isLetter || $0.isNumber) }
        var group = JSONObject(
            EntityKind.group.properties.map { ($0, EntityKind.group.types[$0] == .collection ? .array([]) : .null) })
        group["id"] = .string(id)
        group["displayName"] = .string(name)
        group["description"] = body["description"] ?? .null
        group["createdDateTime"] = .string(ServiceTime.text(now))
        group["groupTypes"] = ["Unified"]
        group["mailEnabled"] = true
        group["securityEnabled"] = false
        group["mailNickname"] = .string(nickname)
        group["mail"] = .string("\(nickname)@\(TenantIdentity.domain)")
        group["resourceProvisioningOptions"] = ["Team"]
        group["visibility"] = body["visibility"] ?? "Public"
        let row = group
        store.change(.groups) { $0.insert(row, sequence: $1) }
        if !call.principal.isApp {
            let owner = call.principal.objectID
            for relation in [LinkAddress.Relation.members, .owners] {
                store.changeLinks(LinkAddress(owner: id, relation: relation)) { $0.added.append(owner) }
            }
        }
        return SandboxResponse(
            status: 202,
            headers: [
                "Content-Type": Self.graphContentType,
                "Location": "/teams('\(id)')/operations('\(RandomBytes.uuid())')",
                "Content-Location": "/teams('\(id)')",
            ])
    }
}
