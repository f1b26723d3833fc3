internal import MMCore
internal import MMHTTP

/// Sharing files with links and with people.
extension GraphFiles {
    /// `POST …/createLink`: the link that is there already, or a new one.
    func createLink(_ call: GraphCall, _ item: Record, drive: String) throws(GraphFailure) -> HTTPServerResponse {
        let body = try call.object()
        let type = body["type"]?.string ?? "view"
        let scope = body["scope"]?.string ?? "organization"
        guard ["view", "edit", "embed"].contains(type), ["anonymous", "organization", "users"].contains(scope) else {
            throw GraphFailure(400, "invalidRequest", "One of the provided arguments is not acceptable.")
        }
        let row = FileContent.link(item.id, type: type, scope: scope)
        let isNew = add([row], to: item, drive: drive, scope: scope) == 1
        return GraphAnswers.json(.object(row), status: isNew ? 201 : 200)
    }

    /// `POST …/invite`.
    func share(_ call: GraphCall, _ item: Record, drive: String) throws(GraphFailure) -> HTTPServerResponse {
        let body = try call.object()
        let roles = body["roles"]?.array?.compactMap(\.string) ?? []
        guard let role = roles.first, ["read", "write", "owner"].contains(role) else {
            throw GraphFailure(400, "invalidRequest", "The roles of the invitation must be read, write or owner.")
        }
        var rows: [JSONObject] = []
        for recipient in body["recipients"]?.array ?? [] {
            guard let address = recipient["email"]?.string ?? recipient["alias"]?.string, address.contains("@") else {
                throw GraphFailure(400, "invalidRequest", "A recipient needs an email.")
            }
            let user = store.user(address)
            rows.append(
                FileContent.grant(
                    id: user?.id ?? "", name: user?["displayName"]?.string ?? address, mail: address, on: item.id,
                    role: role))
        }
        guard !rows.isEmpty else {
            throw GraphFailure(400, "invalidRequest", "The invitation names no recipients.")
        }
        _ = add(rows, to: item, drive: drive, scope: "users")
        return GraphAnswers.json([
            "@odata.context": .string("\(context.base)/\(call.version)/$metadata#Collection(permission)"),
            "value": .array(rows.map { .object($0) }),
        ])
    }

    /// - Returns: how many of them are new.
    private func add(_ rows: [JSONObject], to item: Record, drive: String, scope: String) -> Int {
        let address = TableAddress.permissions(drive: drive, item: item.id)
        let new = rows.filter { store.table(address).find($0["id"]?.string ?? "") == nil }
        for row in new { store.insert(row, into: address) }
        if !new.isEmpty {
            var changed = item.members(of: .driveItem)
            changed["shared"] = ["scope": .string(scope)]
            store.replace(item.id, with: changed, in: .driveItems(drive))
        }
        return new.count
    }
}
