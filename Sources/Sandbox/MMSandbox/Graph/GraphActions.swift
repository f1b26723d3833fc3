internal import MMCore
internal import MMHTTP

/// Handles the segments after an object in a path: a property or an action.
struct GraphActions {
    let context: TenantContext
    let store: DirectoryStore
    let issuer: TokenIssuer
    let answers: GraphAnswers
    let reader: GraphReader
    let mail: GraphMail
    let files: GraphFiles

    func answer(_ call: GraphCall, _ place: GraphPlace, named name: String) throws(GraphFailure) -> HTTPServerResponse {
        let action = name.split(separator: ".").last.map(String.init) ?? name
        switch place.node {
        case .row(.users, let key):
            if let answer = try userAction(call, key, action) { return answer }
        case .row(.groups, let key):
            if let answer = try groupAction(call, key, action) { return answer }
        case .row(let address, let key) where address == .applications || address == .servicePrincipals:
            let secrets = AppSecrets(context: context, store: store)
            if let answer = try secrets.answer(call, key, in: address, action) { return answer }
        case .row(.messages(let owner), let key):
            guard let record = store.table(.messages(owner)).find(key) else { throw .mailItemMissing }
            if let answer = try mail.action(call, record, owner: owner, action) { return answer }
        case .row(.events(let owner), let key):
            guard let record = store.table(.events(owner)).find(key) else { throw .mailItemMissing }
            if let answer = try eventAction(call, record, owner: owner, action) { return answer }
        case .collection(.events(let owner), _) where action.lowercased() == "calendarview":
            return try calendarView(call, place, owner: owner)
        case .collection where action == "getByIds":
            return try getByIDs(call)
        case .row(.driveItems(let drive), let key):
            return try files.step(call, place, drive: drive, key: key, action)
        case .row(let from, let key) where action == "restore":
            if let to = TableAddress.deleted[from] { return try restore(call, key, from: from, to: to) }
        case .collection(.attachments(let owner, let message), _) where action == "createUploadSession":
            return try files.openAttachment(call, owner: owner, message: message)
        case .row(.attachments(let owner, let message), let key) where action == "$value":
            guard let row = store.table(.attachments(owner: owner, message: message)).find(key) else {
                throw .mailItemMissing
            }
            let content = row["contentBytes"]?.string.flatMap { Base64.bytes($0) } ?? []
            return HTTPServerResponse(
                status: 200, contentType: row["contentType"]?.string ?? "application/octet-stream", body: content)
        case .row(.listItems(let site, let list), let key) where action == "fields":
            return try listFields(call, site: site, list: list, key: key)
        default: break
        }
        return try property(call, place, named: name)
    }

    /// Returns one property of an object.
    private func property(_ call: GraphCall, _ place: GraphPlace, named name: String) throws(GraphFailure)
        -> HTTPServerResponse
    {
        let record: Record?
        let kind: EntityKind
        switch place.node {
        case .row(let address, let key):
            record = reader.found(key, in: address)
            kind = store.table(address).kind
        case .single(let type?, let row): (record, kind) = (row, type)
        default: throw .unknownSegment(name)
        }
        guard let record else { throw place.area.missing ?? .missing("object") }
        guard kind.types[name] != nil else { throw .unknownSegment(name) }
        guard call.request.method == "GET" else { throw .notAllowed(call.request.method) }
        let value = record[name] ?? .null
        if place.rest.dropFirst().first?.name == "$value" {
            return HTTPServerResponse(
                status: 200, contentType: "text/plain", body: Array((value.string ?? value.description).utf8))
        }
        if value.isNull { return HTTPServerResponse(status: 204) }
        let id = record.id
        return GraphAnswers.json([
            "@odata.context": .string("\(context.base)/\(call.version)/$metadata#\(place.label)('\(id)')/\(name)"),
            "value": value,
        ])
    }

    private func userAction(_ call: GraphCall, _ key: String, _ action: String) throws(GraphFailure)
        -> HTTPServerResponse?
    {
        guard let record = store.user(key) else { throw .missing(key) }
        switch action {
        case "sendMail":
            try call.requirePost()
            return try mail.sendMail(call, owner: record.id)
        case "revokeSignInSessions", "invalidateAllRefreshTokens":
            try call.requirePost()
            issuer.revoke(record.id)
            return answers.value(call, true, type: "Edm.Boolean")
        case "changePassword":
            try call.requirePost()
            let body = try call.object()
            guard body["currentPassword"]?.string != nil, (body["newPassword"]?.string?.utf8.count ?? 0) >= 8 else {
                throw .badRequest("The specified password does not comply with password complexity requirements.")
            }
            issuer.revoke(record.id)
            return HTTPServerResponse(status: 204)
        case "assignLicense":
            try call.requirePost()
            return try assignLicense(call, record)
        default: return try memberships(call, of: record.id, action)
        }
    }

    private func groupAction(_ call: GraphCall, _ key: String, _ action: String) throws(GraphFailure)
        -> HTTPServerResponse?
    {
        guard let record = store.table(.groups).find(key) else { throw .missing(key) }
        guard action == "renew" else { return try memberships(call, of: record.id, action) }
        try call.requirePost()
        return HTTPServerResponse(status: 204)
    }

    /// Returns the groups that an object of the directory is in, or those of the asked ones.
    private func memberships(_ call: GraphCall, of id: String, _ action: String) throws(GraphFailure)
        -> HTTPServerResponse?
    {
        guard ["getMemberGroups", "getMemberObjects", "checkMemberGroups"].contains(action) else { return nil }
        try call.requirePost()
        var groups = store.groups(of: id)
        if action == "checkMemberGroups" {
            let asked = Set(try call.object()["groupIds"]?.array?.compactMap(\.string) ?? [])
            groups = groups.filter(asked.contains)
        }
        return answers.value(call, .array(groups.map(JSONValue.string)), type: "Collection(Edm.String)")
    }

    private func assignLicense(_ call: GraphCall, _ record: Record) throws(GraphFailure) -> HTTPServerResponse {
        let body = try call.object()
        let added = body["addLicenses"]?.array ?? []
        let adding = added.compactMap { $0["skuId"]?.string }
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
        // A licence that is assigned again gets the plans that are disabled now.
        let replaced = removing.union(adding)
        var held = record["assignedLicenses"]?.array?.filter { !replaced.contains($0["skuId"]?.string ?? "") } ?? []
        for license in added {
            held.append(["disabledPlans": license["disabledPlans"] ?? [], "skuId": license["skuId"] ?? .null])
        }
        var row = record.members(of: .user)
        row["assignedLicenses"] = .array(held)
        store.replace(record.id, with: row, in: .users)
        var answer = try answers.created(call, row, in: .users, label: "users", status: 200)
        answer.headers.remove("Location")
        return answer
    }

    private func getByIDs(_ call: GraphCall) throws(GraphFailure) -> HTTPServerResponse {
        try call.requirePost()
        let ids = try call.object()["ids"]?.array?.compactMap(\.string) ?? []
        var page = GraphReader.Page()
        page.records = ids.compactMap { store.object($0)?.1 }
        return try reader.listAnswer(
            call, kind: .user, label: "directoryObjects", page: page,
            typeName: { store.object($0.id).map { store.table($0.0).kind } ?? .directoryObject }, etag: { _ in nil })
    }

    private func restore(_ call: GraphCall, _ key: String, from: TableAddress, to: TableAddress)
        throws(GraphFailure) -> HTTPServerResponse
    {
        try call.requirePost()
        guard let record = store.table(from).find(key) else { throw .missing(key) }
        var row = record.members(of: store.table(from).kind)
        row["deletedDateTime"] = .null
        store.remove(key, from: from)
        store.insert(row, into: to)
        return try answers.created(call, row, in: to, label: "directoryObjects", status: 200)
    }

    private func listFields(_ call: GraphCall, site: String, list: String, key: String) throws(GraphFailure)
        -> HTTPServerResponse
    {
        let address = TableAddress.listItems(site: site, list: list)
        guard let record = store.table(address).find(key) else { throw .fileMissing }
        var fields = record["fields"]?.object ?? [:]
        if call.request.method == "PATCH" {
            for (name, value) in try call.object() where !name.contains("@") { fields[name] = value }
            var row = record.members(of: .listItem)
            row["fields"] = .object(fields)
            store.replace(record.id, with: row, in: address)
        } else if call.request.method != "GET" {
            throw .notAllowed(call.request.method)
        }
        return GraphAnswers.json(.object(fields))
    }

    func eventAction(_ call: GraphCall, _ record: Record, owner: String, _ action: String) throws(GraphFailure)
        -> HTTPServerResponse?
    {
        guard ["accept", "decline", "tentativelyAccept", "cancel", "forward", "dismissReminder"].contains(action) else {
            return nil
        }
        try call.requirePost()
        // A cancelled event leaves the calendar; an answer to an invitation changes nothing here.
        if action == "cancel" { store.remove(record.id, from: .events(owner)) }
        return HTTPServerResponse(status: 202)
    }

    /// Returns the events of a time span.
    func calendarView(_ call: GraphCall, _ place: GraphPlace, owner: String) throws(GraphFailure) -> HTTPServerResponse
    {
        func bound(_ name: String) throws(GraphFailure) -> Double {
            guard let text = call.options.other.first(where: { $0.name.lowercased() == name.lowercased() })?.value,
                let time = ServiceTime.seconds(text)
            else {
                throw GraphFailure(
                    400, "ErrorInvalidParameter",
                    "This request requires a time window specified by the query string parameters StartDateTime and EndDateTime."
                )
            }
            return time
        }
        let start = try bound("startDateTime")
        let end = try bound("endDateTime")
        let test: @Sendable (Record) -> Bool = { event in
            guard let begins = try? CalendarTime.seconds(event["start"]) else { return false }
            let ends = (try? CalendarTime.seconds(event["end"])) ?? begins
            return Double(begins) < end && Double(ends) > start
        }
        var inner = place
        inner.node = .collection(.events(owner), where: test)
        inner.rest = []
        return try reader.read(call, inner)
    }
}
