internal import MMCore
internal import MMHTTP

/// Reading, writing, copying and sharing files.
struct GraphFiles {
    let context: TenantContext
    let store: DirectoryStore
    let storage: FileStorage
    let answers: GraphAnswers

    /// Handles the segments after an item in a path.
    func step(_ call: GraphCall, _ place: GraphPlace, drive: String, key: String, _ action: String)
        throws(GraphFailure) -> HTTPServerResponse
    {
        let record = store.table(.driveItems(drive)).find(key)
        switch (action, call.request.method) {
        case ("content", "GET"):
            guard let record else { throw .fileMissing }
            guard record["file"] != nil else {
                throw GraphFailure(400, "invalidRequest", "You cannot get content for a folder")
            }
            return HTTPServerResponse(
                status: 302, headers: ["Location": storage.downloadAddress(of: record.id, drive: drive)])
        case ("content", "PUT"):
            let content = call.request.content
            guard content.count <= 250 << 20 else {
                throw GraphFailure(413, "invalidRequest", "The file is too large for a single request.")
            }
            return try write(call, drive: drive, key: key, content: content)
        case ("createUploadSession", "POST"): return try openUpload(call, drive: drive, key: key)
        case ("createLink", "POST"):
            guard let record else { throw .fileMissing }
            return try createLink(call, record, drive: drive)
        case ("invite", "POST"):
            guard let record else { throw .fileMissing }
            return try share(call, record, drive: drive)
        case ("versions", _):
            guard let record else { throw .fileMissing }
            return try version(call, record, drive: drive, Array(place.rest.dropFirst()))
        case ("copy", "POST"):
            guard let record else { throw .fileMissing }
            return try copy(call, record, drive: drive)
        default:
            guard let record else { throw .fileMissing }
            guard EntityKind.driveItem.types[action] != nil, call.request.method == "GET" else {
                throw .unknownSegment(action)
            }
            return answers.value(call, record[action] ?? .null, type: "drives/items/\(action)")
        }
    }

    private func write(_ call: GraphCall, drive: String, key: String, content: StoredContent) throws(GraphFailure)
        -> HTTPServerResponse
    {
        var (parent, name, existing) = target(key, drive: drive)
        let conflict = call.request.queryFields["@microsoft.graph.conflictBehavior"] ?? "replace"
        if let found = existing {
            try answers.checkETag(call, id: found.id, in: store.table(.driveItems(drive)))
            guard found["file"] != nil, conflict != "fail" else { throw .fileNameTaken }
            if conflict == "rename" {
                name = storage.freeName(name, in: parent, drive: drive)
                existing = nil
            }
        }
        let row = storage.put(name: name, content: content, parent: parent, drive: drive)
        var answer = try answers.created(
            call, row, in: .driveItems(drive), label: "drives('\(drive)')/items", status: existing == nil ? 201 : 200)
        answer.headers.remove("Location")
        return answer
    }

    /// Checks that an item may have the name and the folder that a change gives it.
    func checkPlace(_ changes: JSONObject, of item: Record, drive: String) throws(GraphFailure) {
        guard changes["name"] != nil || changes["parentReference"] != nil else { return }
        func parent(_ item: Record) -> String { item["parentReference"]?["id"]?.string ?? "" }
        let folder = try folder(changes["parentReference"]?["id"]?.string ?? parent(item), drive: drive)
        var above: Record? = folder
        while let place = above {
            guard place.id != item.id else {
                throw GraphFailure(400, "invalidRequest", "A folder can't be moved into itself.")
            }
            above = store.table(.driveItems(drive)).find(parent(place))
        }
        let name = changes["name"]?.string ?? item["name"]?.string ?? ""
        if let there = store.driveItem(named: name, in: folder.id, drive: drive), there.id != item.id {
            throw .fileNameTaken
        }
    }

    /// Returns the folder with an id.
    private func folder(_ id: String, drive: String) throws(GraphFailure) -> Record {
        guard let folder = store.table(.driveItems(drive)).find(id), folder["file"] == nil else { throw .fileMissing }
        return folder
    }

    /// Copies a file, or a folder with all that is in it, into the folder that the request names or else its own.
    private func copy(_ call: GraphCall, _ item: Record, drive: String) throws(GraphFailure) -> HTTPServerResponse {
        let body = try call.optionalObject()
        let target = body["parentReference"]
        let place = target?["driveId"]?.string ?? drive
        let folder = try folder(target?["id"]?.string ?? item["parentReference"]?["id"]?.string ?? "", drive: place)
        var name = body["name"]?.string ?? item["name"]?.string ?? ""
        if let there = store.driveItem(named: name, in: folder.id, drive: place) {
            let areFiles = item["file"] != nil && there["file"] != nil
            switch call.request.queryFields["@microsoft.graph.conflictBehavior"] {
            case "rename": name = storage.freeName(name, in: folder.id, drive: place)
            case "replace" where areFiles: break
            default: throw .fileNameTaken
            }
        }
        // What is there now is copied, not what the copying adds where a folder goes into itself.
        let items = store.table(.driveItems(drive)).all
        func copy(_ item: Record, named name: String, into folder: String, url: String) -> String {
            guard item["file"] == nil else {
                let content = storage.content(of: item, drive: drive)
                return storage.put(name: name, content: content, parent: folder, drive: place)["id"]?.string ?? ""
            }
            let row = FileContent.folder(name, in: folder, drive: place, url: url, created: context.now)
            store.insert(row, into: .driveItems(place))
            let id = row["id"]?.string ?? ""
            for inner in items where inner["parentReference"]?["id"]?.string == item.id {
                _ = copy(inner, named: inner["name"]?.string ?? "", into: id, url: row["webUrl"]?.string ?? "")
            }
            return id
        }
        let id = copy(item, named: name, into: folder.id, url: folder["webUrl"]?.string ?? "")
        return HTTPServerResponse(
            status: 202, headers: ["Location": "\(context.base)/_api/v2.0/monitor/\(PercentCoding.unreserved(id))"])
    }

    /// Returns the versions of a file or one of them, or restores a version.
    private func version(
        _ call: GraphCall, _ record: Record, drive: String, _ rest: [GraphSegment]
    ) throws(GraphFailure) -> HTTPServerResponse {
        guard record["file"] != nil else { throw GraphFailure(400, "invalidRequest", "Only files have versions.") }
        let versions = storage.versions(of: record, drive: drive)
        guard let id = rest.first?.name else {
            guard call.request.method == "GET" else { throw .notAllowed(call.request.method) }
            return answers.value(call, .array(versions.map(\.row)), type: "drives/items/versions")
        }
        guard let version = versions.first(where: { $0.id == id }) else { throw .fileMissing }
        switch (rest.dropFirst().first?.name.lowercased(), call.request.method) {
        case (nil, "GET"): return GraphAnswers.json(version.row)
        case ("restoreversion", "POST"):
            guard version.id != versions.first?.id else {
                throw GraphFailure(400, "invalidRequest", "The current version can't be restored.")
            }
            _ = storage.put(
                name: record["name"]?.string ?? "", content: version.content,
                parent: record["parentReference"]?["id"]?.string ?? "", drive: drive)
            return HTTPServerResponse(status: 204)
        default: throw .unknownSegment(rest.last?.name ?? "")
        }
    }

    /// Returns where an upload puts a file: at an item's key, or at a path below one.
    private func target(_ key: String, drive: String) -> (parent: String, name: String, existing: Record?) {
        if let record = store.table(.driveItems(drive)).find(key) {
            return (record["parentReference"]?["id"]?.string ?? "", record["name"]?.string ?? "", record)
        }
        let parts = key.split(separator: ":", maxSplits: 1)
        let names = (parts.dropFirst().first ?? "").split(separator: "/").map(String.init)
        let parent = storage.folder(names.dropLast(), below: String(parts.first ?? ""), drive: drive)
        return (parent, names.last ?? "", nil)
    }

    /// Creates a folder in another.
    func createFolder(_ call: GraphCall, _ body: JSONObject, drive: String, parent: String?)
        throws(GraphFailure) -> HTTPServerResponse
    {
        guard let parent, let folder = store.table(.driveItems(drive)).find(parent), let name = body["name"]?.string,
            !name.isEmpty,
            body["folder"]?.object != nil, !name.contains("/")
        else {
            throw GraphFailure(400, "invalidRequest", "A new folder needs a parent, a name and the facet 'folder'.")
        }
        guard store.driveItem(named: name, in: parent, drive: drive) == nil else { throw .fileNameTaken }
        let row = FileContent.folder(
            name, in: parent, drive: drive, url: folder["webUrl"]?.string ?? "", created: context.now)
        store.insert(row, into: .driveItems(drive))
        return try answers.created(call, row, in: .driveItems(drive), label: "drives('\(drive)')/items")
    }

    private func openUpload(_ call: GraphCall, drive: String, key: String) throws(GraphFailure) -> HTTPServerResponse {
        let (parent, name, existing) = target(key, drive: drive)
        let item = try call.optionalObject()["item"]
        let conflict = item?["@microsoft.graph.conflictBehavior"]?.string ?? "fail"
        if existing != nil, conflict == "fail" { throw .fileNameTaken }
        let expires = context.now + 86_400
        let address = storage.open(
            OpenUpload(
                place: .file(drive: drive, parent: parent, conflict: conflict), name: item?["name"]?.string ?? name,
                expires: expires))
        return session(call, address, until: expires)
    }

    /// Opens an upload of a message's attachment.
    func openAttachment(_ call: GraphCall, owner: String, message: String) throws(GraphFailure) -> HTTPServerResponse {
        let item = try call.optionalObject()["AttachmentItem"]
        guard item?["attachmentType"]?.string == "file", let name = item?["name"]?.string,
            let size = item?["size"]?.int, size > 0, size <= 150 << 20
        else {
            throw GraphFailure(400, "ErrorInvalidRequest", "The attachment item needs a type, a name and a size.")
        }
        let expires = context.now + 86_400
        let address = storage.open(
            OpenUpload(
                place: .attachment(owner: owner, message: message), name: name,
                contentType: item?["contentType"]?.string ?? "application/octet-stream", expires: expires))
        return session(call, address, until: expires)
    }

    private func session(_ call: GraphCall, _ address: String, until expires: Int64) -> HTTPServerResponse {
        GraphAnswers.json([
            "@odata.context": .string("\(context.base)/\(call.version)/$metadata#microsoft.graph.uploadSession"),
            "expirationDateTime": .string(ServiceTime.text(expires)), "nextExpectedRanges": ["0-"],
            "uploadUrl": .string(address),
        ])
    }
}

/// Sharing files with links and with people.
extension GraphFiles {
    /// Handles `POST …/createLink`: returns the existing link, or a new one.
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

    /// Handles `POST …/invite`.
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

    /// Adds permissions to an item.
    /// - Returns: the number of new ones.
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
