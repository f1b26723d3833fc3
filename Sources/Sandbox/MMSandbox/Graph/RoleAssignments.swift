internal import MMCore
internal import MMHTTP

/// Assignments of roles of the directory: another face of the roles' members.
struct RoleAssignments {
    let context: TenantContext
    let store: DirectoryStore
    let reader: GraphReader

    /// Lists, shows, creates or deletes assignments.
    /// - Parameter rows: those that there are.
    func answer(_ call: GraphCall, _ place: GraphPlace, _ rows: [Record]) throws(GraphFailure) -> HTTPServerResponse {
        guard let key = place.rest.first?.name, key != "$count" else {
            return call.request.method == "POST" ? try create(call, place, rows) : try reader.read(call, place)
        }
        guard let row = rows.first(where: { $0.id == key }) else { throw .missing(key) }
        switch call.request.method {
        case "GET":
            return try reader.read(
                call, GraphPlace(.single(.roleAssignment, row), "\(place.label)/$entity", place.area, []))
        case "DELETE":
            let holder = row["principalId"]?.string ?? ""
            store.changeLinks(address(row["roleDefinitionId"])) { links in
                let added = links.added.count
                links.added.removeAll { $0 == holder }
                if links.added.count == added { links.removed.insert(holder) }
            }
            return HTTPServerResponse(status: 204)
        default: throw .notAllowed(call.request.method)
        }
    }

    private func address(_ role: JSONValue?) -> LinkAddress {
        let name = DirectoryRoleName(rawValue: role?.string?.lowercased() ?? "")
        return LinkAddress(owner: name.map(store.apps.roleID) ?? "", relation: .members)
    }

    private func create(
        _ call: GraphCall, _ place: GraphPlace, _ rows: [Record]
    ) throws(GraphFailure) -> HTTPServerResponse {
        let body = try call.object()
        guard DirectoryRoleName(rawValue: body["roleDefinitionId"]?.string?.lowercased() ?? "") != nil else {
            throw .badRequest("The role definition of the assignment does not exist.")
        }
        guard let principal = body["principalId"]?.string, let holder = store.object(principal)?.1.id else {
            throw .missing(body["principalId"]?.string ?? "")
        }
        let address = address(body["roleDefinitionId"])
        guard !store.isLinked(holder, address) else { throw .conflict }
        store.changeLinks(address) { if $0.removed.remove(holder) == nil { $0.added.append(holder) } }
        let made = store.roleAssignments.first {
            $0["principalId"]?.string == holder && $0["roleDefinitionId"] == body["roleDefinitionId"]
        }
        var row: JSONObject = [
            "@odata.context": .string("\(context.base)/\(call.version)/$metadata#\(place.label)/$entity")
        ]
        for (name, value) in made?.members(of: .roleAssignment) ?? body { row[name] = value }
        return GraphAnswers.json(.object(row), status: 201)
    }
}
