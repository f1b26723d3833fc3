internal import MMCore
internal import MMHTTP

/// What follows an object in a path: a property, or something to do.
extension TenantState {
    mutating func step(_ call: GraphCall, _ place: GraphPlace, named name: String) throws(GraphFailure)
        -> SandboxResponse
    {
        let action = name.split(separator: ".").last.map(String.init) ?? name
        switch place.node {
        case .row(.users, let key):
            if let answer = try userAction(call, key, action) { return answer }
        case .row(.groups, let key):
            if let answer = try groupAction(call, key, action) { return answer }
        case .row(.messages(let owner), let key):
            guard let record = store.table(.messages(owner)).find(key) else { throw .mailItemMissing }
            if let answer = try messageAction(call, record, owner: owner, action) { return answer }
        case .row(.events(let owner), let key):
            guard let record = store.table(.events(owner)).find(key) else { throw .mailItemMissing }
            if let answer = try eventAction(call, record, owner: owner, action) { return answer }
        case .collection(.events(let owner), _) where action.lowercased() == "calendarview":
            return try calendarView(call, place, owner: owner)
        case .collection(.users, _) where action == "getByIds", .collection(.groups, _) where action == "getByIds":
            return try getByIDs(call)
        case .row(.driveItems(let drive), let key):
            return try itemStep(call, place, drive: drive, key: key, action)
        case .row(.deletedUsers, let key) where action == "restore":
            return try restore(call, key, from: .deletedUsers, to: .users)
        case .row(.deletedGroups, let key) where action == "restore":
            return try restore(call, key, from: .deletedGroups, to: .groups)
        case .row(.attachments(let owner, let message), let key) where action == "$value":
            guard let row = store.table(.attachments(owner: owner, message: message)).find(key) else {
                throw .mailItemMissing
            }
            let content = row["contentBytes"]?.string.flatMap { Base64.bytes($0) } ?? []
            return SandboxResponse(
                status: 200, contentType: row["contentType"]?.string ?? "application/octet-stream", body: content)
        case .row(.listItems(let site, let list), let key) where action == "fields":
            return try listFields(call, site: site, list: list, key: key)
        default: break
        }
        return try property(call, place, named: name)
    }

    /// One property of an object.
    private func property(_ call: GraphCall, _ place: GraphPlace, named name: String) throws(GraphFailure)
        -> SandboxResponse
    {
        let record: Record?
        let kind: EntityKind
        switch place.node {
        case .row(let address, let key):
            record = found(key, in: address)
            kind = store.table(address).kind
        case .single(let type?, let row): (record, kind) = (row, type)
        default: throw .unknownSegment(name)
        }
        guard let record else { throw place.area.missing ?? .missing("object") }
        guard kind.types[name] != nil else { throw .unknownSegment(name) }
        guard call.request.method == "GET" else { throw .notAllowed(call.request.method) }
        let value = record[name] ?? .null
        if place.rest.dropFirst().first?.name == "$value" {
            return SandboxResponse(
                status: 200, contentType: "text/plain", body: Array((value.string ?? value.description).utf8))
        }
        if value.isNull { return SandboxResponse(status: 204) }
        let id = record.id
        return SandboxResponse(
            status: 200,
            json: [
                "@odata.context": .string("\(base)/\(call.version)/$metadata#\(place.label)('\(id)')/\(name)"),
                "value": value,
            ],
            contentType: Self.graphContentType)
    }

    private mutating func userAction(_ call: GraphCall, _ key: String, _ action: String) throws(GraphFailure)
        -> SandboxResponse?
    {
        guard let record = store.user(key) else { throw .missing(key) }
        switch action {
        case "sendMail":
            try requirePost(call)
            return try sendMail(call, owner: record.id)
        case "revokeSignInSessions", "invalidateAllRefreshTokens":
            try requirePost(call)
            revoke(record.id)
            return value(call, true, type: "Edm.Boolean")
        case "changePassword":
            try requirePost(call)
            let body = try call.object()
            guard body["currentPassword"]?.string != nil, (body["newPassword"]?.string?.utf8.count ?? 0) >= 8 else {
                throw .badRequest("The specified password does not comply with password complexity requirements.")
            }
            revoke(record.id)
            return SandboxResponse(status: 204)
        case "assignLicense":
            try requirePost(call)
            return try assignLicense(call, record)
        case "getMemberGroups", "getMemberObjects":
            try requirePost(call)
            return value(
                call, .array(store.groups(of: record.id).map(JSONValue.string)), type: "Collection(Edm.String)")
        case "checkMemberGroups":
            try requirePost(call)
            let asked = Set(try call.object()["groupIds"]?.array?.compactMap(\.string) ?? [])
            return value(
                call, .array(store.groups(of: record.id).filter(asked.contains).map(JSONValue.string)),
                type: "Collection(Edm.String)")
        default: return nil
        }
    }

    private func groupAction(_ call: GraphCall, _ key: String, _ action: String) throws(GraphFailure)
        -> SandboxResponse?
    {
        guard let record = store.table(.groups).find(key) else { throw .missing(key) }
        switch action {
        case "getMemberGroups", "getMemberObjects", "checkMemberGroups":
            try requirePost(call)
            return value(call, [], type: "Collection(Edm.String)")
        case "renew":
            try requirePost(call)
            _ = record
            return SandboxResponse(status: 204)
        default: return nil
        }
    }

    func requirePost(_ call: GraphCall) throws(GraphFailure) {
        guard call.request.method == "POST" else { throw .notAllowed(call.request.method) }
    }

    func value(_ call: GraphCall, _ value: JSONValue, type: String) -> SandboxResponse {
        SandboxResponse(
            status: 200,
            json: ["@odata.context": .string("\(base)/\(call.version)/$metadata#\(type)"), "value": value],
            contentType: Self.graphContentType)
    }

    private mutating func assignLicense(_ call: GraphCall, _ record: Record) throws(GraphFailure) -> SandboxResponse {
        let body = try call.object()
        let adding = body["addLicenses"]?.array?.compactMap { $0["skuId"]?.string } ?? []
        let removing = Set(body["removeLicenses"]?.array?.compactMap(\.string) ?? [])
        guard body["addLicenses"]?.array != nil, body["removeLicenses"]?.array != nil else {
            throw .badRequest(
                "One or more parameters of the operation 'assignLicense' are missing from the request payload. The missing parameters are: addLicenses, removeLicenses."
            )
        }
        for sku in adding where !License.all.contains(where: { $0.sku == sku }) {
            throw .badRequest("License \(sku) does not correspond to a valid company License.")
        }
        guard record["usageLocation"]?.string != nil else {
            throw .badRequest("License assignment cannot be done for user with invalid usage location.")
        }
        var held = record["assignedLicenses"]?.array?.filter { !removing.contains($0["skuId"]?.string ?? "") } ?? []
        for sku in adding where !held.contains(where: { $0["skuId"]?.string == sku }) {
            held.append(["disabledPlans": [], "skuId": .string(sku)])
        }
        var row = record.members(of: .user)
        row["assignedLicenses"] = .array(held)
        store.change(.users) { $0.replace(record.id, with: row, sequence: $1) }
        var answer = try created(call, row, in: .users, label: "users", status: 200)
        answer.headers.remove("Location")
        return answer
    }

    private func getByIDs(_ call: GraphCall) throws(GraphFailure) -> SandboxResponse {
        try requirePost(call)
        let ids = try call.object()["ids"]?.array?.compactMap(\.string) ?? []
        var page = Page()
        page.records = ids.compactMap { object($0)?.1 }
        return try listAnswer(
            call, kind: .user, label: "directoryObjects", page: page,
            typeName: { object($0.id).map { store.table($0.0).kind } ?? .directoryObject }, etag: { _ in nil })
    }

    private mutating func restore(_ call: GraphCall, _ key: String, from: TableAddress, to: TableAddress)
        throws(GraphFailure) -> SandboxResponse
    {
        try requirePost(call)
        guard let record = store.table(from).find(key) else { throw .missing(key) }
        var row = record.members(of: store.table(from).kind)
        row["deletedDateTime"] = .null
        store.change(from) { _ = $0.remove(key, sequence: $1) }
        store.change(to) { $0.insert(row, sequence: $1) }
        return try created(call, row, in: to, label: "directoryObjects", status: 200)
    }

    private mutating func listFields(_ call: GraphCall, site: String, list: String, key: String) throws(GraphFailure)
        -> SandboxResponse
    {
        let address = TableAddress.listItems(site: site, list: list)
        guard let record = store.table(address).find(key) else { throw .fileMissing }
        var fields = record["fields"]?.object ?? [:]
        if call.request.method == "PATCH" {
            for (name, value) in try call.object() where !name.contains("@") { fields[name] = value }
            var row = record.members(of: .listItem)
            row["fields"] = .object(fields)
            store.change(address) { $0.replace(record.id, with: row, sequence: $1) }
        } else if call.request.method != "GET" {
            throw .notAllowed(call.request.method)
        }
        return SandboxResponse(status: 200, json: .object(fields), contentType: Self.graphContentType)
    }
}
