internal import MMCore
internal import MMHTTP

/// Reading, writing, copying and sharing files.
extension TenantState {
    /// What follows an item in a path.
    mutating func itemStep(_ call: GraphCall, _ place: GraphPlace, drive: String, key: String, _ action: String)
        throws(GraphFailure) -> SandboxResponse
    {
        let record = store.table(.driveItems(drive)).find(key)
        switch (action, call.request.method) {
        case ("content", "GET"):
            guard let record else { throw .fileMissing }
            guard record["file"] != nil else {
                throw GraphFailure(400, "invalidRequest", "You cannot get content for a folder")
            }
            let grant = mint.tag("download:\(drive):\(record.id)")
            return SandboxResponse(
                status: 302,
                headers: [
                    "Location":
                        "\(base)/_layouts/15/download.aspx?drive=\(Self.escaped(drive))&item=\(Self.escaped(record.id))&tempauth=\(grant)"
                ])
        case ("content", "PUT"):
            guard call.request.body.count <= 250 << 20 else {
                throw GraphFailure(413, "invalidRequest", "The file is too large for a single request.")
            }
            return try write(call, drive: drive, key: key, content: call.request.body)
        case ("createUploadSession", "POST"): return try openUpload(call, drive: drive, key: key)
        case ("createLink", "POST"):
            guard let record else { throw .fileMissing }
            return try createLink(call, record, drive: drive)
        case ("invite", "POST"):
            guard let record else { throw .fileMissing }
            return try share(call, record, drive: drive)
        case ("copy", "POST"):
            guard let record else { throw .fileMissing }
            let name = try call.optionalObject()["name"]?.string ?? "Copy of \(record["name"]?.string ?? "")"
            let parent = record["parentReference"]?["id"]?.string ?? ""
            let copy = put(name: name, content: content(of: record, drive: drive), parent: parent, drive: drive)
            let id = copy["id"]?.string ?? ""
            return SandboxResponse(status: 202, headers: ["Location": "\(base)/_api/v2.0/monitor/\(Self.escaped(id))"])
        default:
            guard let record else { throw .fileMissing }
            guard EntityKind.driveItem.types[action] != nil, call.request.method == "GET" else {
                throw .unknownSegment(action)
            }
            return value(call, record[action] ?? .null, type: "drives/items/\(action)")
        }
    }

    static func escaped(_ text: String) -> String {
        PercentCoding.encode(text, isPlain: PercentCoding.isUnreservedByte)
    }

    func content(of record: Record, drive: String) -> [UInt8] {
        store.uploads["\(drive)/\(record.id)"] ?? FileContent.startContent(name: record["name"]?.string ?? "")
    }

    private mutating func write(_ call: GraphCall, drive: String, key: String, content: [UInt8]) throws(GraphFailure)
        -> SandboxResponse
    {
        let (parent, name, existing) = target(key, drive: drive)
        if let existing {
            try checkETag(call, id: existing.id, in: store.table(.driveItems(drive)))
            guard existing["file"] != nil else {
                throw GraphFailure(409, "nameAlreadyExists", "The specified item name already exists.")
            }
        }
        let row = put(name: name, content: content, parent: parent, drive: drive)
        var answer = try created(
            call, row, in: .driveItems(drive), label: "drives('\(drive)')/items", status: existing == nil ? 201 : 200)
        answer.headers.remove("Location")
        return answer
    }

    /// Where a key of an item, or of a place below one, puts a file.
    private func target(_ key: String, drive: String) -> (parent: String, name: String, existing: Record?) {
        if let record = store.table(.driveItems(drive)).find(key) {
            return (record["parentReference"]?["id"]?.string ?? "", record["name"]?.string ?? "", record)
        }
        let parts = key.split(separator: ":", maxSplits: 1)
        return (String(parts.first ?? ""), String(parts.dropFirst().first?.dropFirst() ?? ""), nil)
    }

    /// Writes a file and answers its row.
    mutating func put(name: String, content: [UInt8], parent: String, drive: String) -> JSONObject {
        let table = store.table(.driveItems(drive))
        let existing = table.all.first {
            $0["parentReference"]?["id"]?.string == parent && CaselessText.equal($0["name"]?.string ?? "", name)
        }
        let folder = table.find(parent)
        let id = existing?.id ?? "01\(RandomBytes.text(bytes: 16).uppercased().filter { $0.isLetter || $0.isNumber })"
        var row = FileContent.item(
            id: id, name: name, created: now, url: "\(folder?["webUrl"]?.string ?? "")/\(Self.escaped(name))",
            size: Int64(content.count),
            more: [
                "parentReference": [
                    "driveId": .string(drive), "id": .string(parent), "path": .string("/drives/\(drive)/root:"),
                ],
                "file": [
                    "mimeType": "application/octet-stream",
                    "hashes": ["quickXorHash": .string(Base64.text(SHA256.digest(content).prefix(20)))],
                ],
            ])
        if let existing { row["createdDateTime"] = existing["createdDateTime"] }
        let version = table.version(of: id) + 1
        row["eTag"] = .string("\"{\(id)},\(version + 1)\"")
        let stored = row
        store.change(.driveItems(drive)) {
            existing == nil ? $0.insert(stored, sequence: $1) : $0.replace(id, with: stored, sequence: $1)
        }
        store.uploads["\(drive)/\(id)"] = content
        return stored
    }

    /// A new folder below another.
    mutating func createFolder(_ call: GraphCall, _ body: JSONObject, drive: String, parent: String?)
        throws(GraphFailure) -> SandboxResponse
    {
        guard let parent, let folder = store.table(.driveItems(drive)).find(parent), let name = body["name"]?.string,
            !name.isEmpty,
            body["folder"]?.object != nil, !name.contains("/")
        else {
            throw GraphFailure(400, "invalidRequest", "A new folder needs a parent, a name and the facet 'folder'.")
        }
        let (_, missing) = walk([name], from: parent, drive: drive)
        guard missing != nil else {
            throw GraphFailure(409, "nameAlreadyExists", "The specified item name already exists.")
        }
        let row = FileContent.item(
            id: "01\(RandomBytes.text(bytes: 16).uppercased().filter { $0.isLetter || $0.isNumber })", name: name,
            created: now,
            url: "\(folder["webUrl"]?.string ?? "")/\(Self.escaped(name))", size: 0,
            more: [
                "parentReference": [
                    "driveId": .string(drive), "id": .string(parent), "path": .string("/drives/\(drive)/root:"),
                ],
                "folder": ["childCount": 0],
            ])
        store.change(.driveItems(drive)) { $0.insert(row, sequence: $1) }
        return try created(call, row, in: .driveItems(drive), label: "drives('\(drive)')/items")
    }

    private mutating func openUpload(_ call: GraphCall, drive: String, key: String) throws(GraphFailure)
        -> SandboxResponse
    {
        let (parent, name, existing) = target(key, drive: drive)
        let item = try call.optionalObject()["item"]
        if existing != nil, item?["@microsoft.graph.conflictBehavior"]?.string == "fail" {
            throw GraphFailure(409, "nameAlreadyExists", "The specified item name already exists.")
        }
        let id = RandomBytes.text(bytes: 18)
        uploads[id] = UploadSession(
            drive: drive, parent: parent, name: item?["name"]?.string ?? name, expires: now + 86_400)
        return SandboxResponse(
            status: 200,
            json: [
                "@odata.context": .string("\(base)/\(call.version)/$metadata#microsoft.graph.uploadSession"),
                "expirationDateTime": .string(ServiceTime.text(now + 86_400)), "nextExpectedRanges": ["0-"],
                "uploadUrl": .string("\(base)/_api/v2.0/uploadSession?guid=\(id)&tempauth=\(mint.tag("upload:\(id)"))"),
            ], contentType: Self.graphContentType)
    }
}
