internal import MMCore
internal import MMHTTP

/// The storage of uploaded files, and the URLs that Graph returns for them, which carry their own authorisation.
final class FileStorage {
    private let context: TenantContext
    private let store: DirectoryStore
    private let mint: TokenMint
    /// The uploads in progress, by the number of the session.
    private var uploads: [String: OpenUpload] = [:]
    /// The uploaded contents, by drive and item.
    private var contents: [String: StoredContent] = [:]
    /// The earlier versions of files, the oldest first, by drive and item.
    private var earlier: [String: [FileVersion]] = [:]

    init(context: TenantContext, store: DirectoryStore, mint: TokenMint) {
        self.context = context
        self.store = store
        self.mint = mint
    }

    /// Returns the download URL of a file.
    func downloadAddress(of item: String, drive: String) -> String {
        "\(context.base)/_layouts/15/download.aspx?drive=\(PercentCoding.unreserved(drive))"
            + "&item=\(PercentCoding.unreserved(item))&tempauth=\(mint.tag("download:\(drive):\(item)"))"
    }

    /// Opens an upload.
    /// - Returns: the URL to which its parts are sent.
    func open(_ session: OpenUpload) -> String {
        let id = RandomBytes.text(bytes: 18)
        uploads[id] = session
        return "\(context.base)/_api/v2.0/uploadSession?guid=\(id)&tempauth=\(mint.tag("upload:\(id)"))"
    }

    func content(of record: Record, drive: String) -> StoredContent {
        contents["\(drive)/\(record.id)"]
            ?? StoredContent(FileContent.startContent(name: record["name"]?.string ?? ""))
    }

    /// Returns the current and earlier versions of a file, the newest first. Version numbers keep increasing even when
    /// an earlier version is restored.
    func versions(of record: Record, drive: String) -> [FileVersion] {
        let before = earlier["\(drive)/\(record.id)"] ?? []
        let current = FileVersion(
            number: before.count + 1, content: content(of: record, drive: drive),
            size: record["size"]?.int.map(Int64.init) ?? 0, modified: record["lastModifiedDateTime"]?.string ?? "")
        return [current] + before.reversed()
    }

    /// Finds the folder with a path and creates missing ones, as the service does for uploads.
    func folder(_ names: some Sequence<String>, below parent: String, drive: String) -> String {
        var parent = parent
        for name in names {
            if let found = store.driveItem(named: name, in: parent, drive: drive) {
                parent = found.id
                continue
            }
            let row = FileContent.folder(name, in: parent, drive: drive, url: "", created: context.now)
            store.insert(row, into: .driveItems(drive))
            parent = row["id"]?.string ?? ""
        }
        return parent
    }

    /// Returns a name that no file of a folder has yet.
    func freeName(_ name: String, in parent: String, drive: String) -> String {
        let taken = store.table(.driveItems(drive)).all
            .filter { $0["parentReference"]?["id"]?.string == parent }.compactMap { $0["name"]?.string }
        guard taken.contains(where: { CaselessText.equal($0, name) }) else { return name }
        let dot = name.lastIndex(of: ".") ?? name.endIndex
        for number in 1...taken.count + 1 {
            let free = "\(name[..<dot]) \(number)\(name[dot...])"
            if !taken.contains(where: { CaselessText.equal($0, free) }) { return free }
        }
        return name
    }

    /// Writes a file and returns its row.
    func put(name: String, content: StoredContent, parent: String, drive: String) -> JSONObject {
        let table = store.table(.driveItems(drive))
        let existing = store.driveItem(named: name, in: parent, drive: drive)
        let folder = table.find(parent)
        let id = existing?.id ?? "01\(RandomBytes.text(bytes: 16).uppercased().filter { $0.isLetter || $0.isNumber })"
        var row = FileContent.item(
            id: id, name: name, created: context.now,
            url: "\(folder?["webUrl"]?.string ?? "")/\(PercentCoding.unreserved(name))",
            size: Int64(content.count),
            more: [
                "parentReference": [
                    "driveId": .string(drive), "id": .string(parent), "path": .string("/drives/\(drive)/root:"),
                ],
                "file": [
                    "mimeType": "application/octet-stream",
                    "hashes": ["quickXorHash": .string(content.quickXorHash)],
                ],
            ])
        if let existing { row["createdDateTime"] = existing["createdDateTime"] }
        if let existing {
            earlier["\(drive)/\(id)", default: []].append(versions(of: existing, drive: drive)[0])
        }
        let version = table.version(of: id) + 1
        row["eTag"] = .string("\"{\(id)},\(version + 1)\"")
        row["cTag"] = .string("\"c:{\(id)},\(version + 1)\"")
        let stored = row
        store.change(.driveItems(drive)) {
            existing == nil ? $0.insert(stored, sequence: $1) : $0.replace(id, with: stored, sequence: $1)
        }
        contents["\(drive)/\(id)"] = content
        return stored
    }

    // MARK: Addresses

    /// Returns the routes for the URLs that Graph returned.
    static func routes(_ services: TenantServices) -> Router<Void> {
        var routes = ServiceRoutes(services) { $0.files }
        routes.on("GET", path: "/_layouts/15/download.aspx", FileStorage.download)
        routes.on("GET", path: "/_api/v2.0/monitor/{item}", FileStorage.progress)
        routes.on("GET", "PUT", "DELETE", path: "/_api/v2.0/uploadSession", FileStorage.upload)
        return routes.router
    }

    private func download(_ request: ServiceRequest) -> HTTPServerResponse {
        let fields = request.http.queryFields
        let drive = fields["drive"] ?? ""
        guard let item = fields["item"], fields["tempauth"] == mint.tag("download:\(drive):\(item)"),
            let record = store.table(.driveItems(drive)).find(item)
        else { return Self.refused }
        return ranged(
            request.http, content(of: record, drive: drive),
            type: record["file"]?["mimeType"]?.string ?? "application/octet-stream")
    }

    /// Reports a copy as completed, because copies are done at once.
    private func progress(_ request: ServiceRequest) -> HTTPServerResponse {
        HTTPServerResponse(
            status: 200,
            json: [
                "percentageComplete": 100.0, "resourceId": .string(request.name("item")), "status": "completed",
            ])
    }

    private func upload(_ request: ServiceRequest) -> HTTPServerResponse {
        let fields = request.http.queryFields
        let id = fields["guid"] ?? ""
        guard fields["tempauth"] == mint.tag("upload:\(id)") else { return Self.refused }
        guard let session = uploads[id], session.expires > context.now else {
            return .failure(404, "itemNotFound", "The upload session was not found")
        }
        switch request.http.method {
        case "PUT": return receive(request.http, id, session)
        case "DELETE":
            uploads[id] = nil
            return HTTPServerResponse(status: 204)
        default: return Self.expected("\(session.count)-", of: session, status: 200)
        }
    }

    private static let refused = HTTPServerResponse.failure(
        401, "unauthenticated", "The tempauth of the address is not valid.")

    /// Returns the answer with the missing ranges of an upload.
    private static func expected(_ range: String, of session: OpenUpload, status: Int) -> HTTPServerResponse {
        HTTPServerResponse(
            status: status,
            json: [
                "expirationDateTime": .string(ServiceTime.text(session.expires)),
                "nextExpectedRanges": [.string(range)],
            ])
    }

    private func ranged(
        _ request: HTTPServerRequest, _ stored: StoredContent, type: String
    ) -> HTTPServerResponse {
        guard let content = stored.bytes else {
            return .failure(
                501, "notSupported",
                "The sandbox keeps no file of more than \(StoredContent.most >> 20) MB; the real service does.")
        }
        var answer = HTTPServerResponse(status: 200, contentType: type, body: [])
        ByteRange(request.headers["range"], of: content.count).fill(&answer, from: content)
        return answer
    }

    private func attach(_ session: OpenUpload, owner: String, message: String) {
        store.insert(
            [
                "@odata.type": "#microsoft.graph.fileAttachment", "id": .string("AAMk\(RandomBytes.text(bytes: 18))"),
                "name": .string(session.name), "contentType": .string(session.contentType),
                "size": .int(Int64(session.count)), "isInline": false,
                "lastModifiedDateTime": .string(ServiceTime.text(context.now)),
                "contentBytes": .string(Base64.text(session.content.bytes ?? [])),
            ], into: .attachments(owner: owner, message: message))
    }

    private func receive(_ request: HTTPServerRequest, _ id: String, _ session: OpenUpload) -> HTTPServerResponse {
        func invalid(_ message: String, status: Int = 400) -> HTTPServerResponse {
            .failure(status, "invalidRange", message)
        }
        let words = (request.headers["content-range"] ?? "").split { $0 == " " || $0 == "-" || $0 == "/" }
        guard words.count == 4, words[0] == "bytes", let first = Int(words[1]), let last = Int(words[2]),
            let total = Int(words[3]),
            case let part = request.content, last - first + 1 == part.count, last < total
        else { return invalid("The Content-Range header is missing or does not fit the body.") }
        guard first == session.count, session.total ?? total == total else {
            return invalid("Optimistic concurrency failure during fragmented upload", status: 416)
        }
        guard last + 1 == total || session.isMail || part.count % 327_680 == 0 else {
            return invalid("The size of a part must be a multiple of 320 KiB.")
        }
        guard !session.isMail || part.count < 4 << 20 else {
            return invalid("A part of an attachment must be smaller than 4 MB.", status: 413)
        }
        var session = session
        session.content.append(part)
        session.total = total
        guard session.count == total else {
            uploads[id] = session
            return Self.expected("\(session.count)-\(total - 1)", of: session, status: 202)
        }
        uploads[id] = nil
        switch session.place {
        case .attachment(let owner, let message):
            attach(session, owner: owner, message: message)
            return HTTPServerResponse(
                status: 201,
                headers: ["Location": "\(context.base)/v1.0/users/\(owner)/messages/\(message)/attachments/1"])
        case .file(let drive, let parent, let conflict):
            let name = conflict == "rename" ? freeName(session.name, in: parent, drive: drive) : session.name
            return HTTPServerResponse(
                status: 201,
                json: .object(put(name: name, content: session.content, parent: parent, drive: drive)))
        }
    }
}

/// A version of a file that the service keeps.
struct FileVersion: Sendable {
    let number: Int
    let content: StoredContent
    let size: Int64
    let modified: String

    /// Its id: versions of libraries have a minor number as well.
    var id: String { "\(number).0" }

    /// The version as Graph shows it.
    var row: JSONValue {
        ["id": .string(id), "size": .int(size), "lastModifiedDateTime": .string(modified)]
    }
}

/// An upload in progress, part by part.
struct OpenUpload: Sendable {
    /// The destination.
    enum Place: Sendable {
        case file(drive: String, parent: String, conflict: String)
        case attachment(owner: String, message: String)
    }

    let place: Place
    let name: String
    let contentType: String
    /// The content that has arrived. An attachment is kept completely, because it is returned later and its size is
    /// limited.
    var content: StoredContent
    var total: Int?
    let expires: Int64

    init(place: Place, name: String, contentType: String = "application/octet-stream", expires: Int64) {
        (self.place, self.name, self.contentType, self.expires) = (place, name, contentType, expires)
        content = if case .attachment = place { StoredContent(keeping: 150 << 20) } else { StoredContent() }
    }

    /// The number of bytes that have arrived.
    var count: Int { content.count }

    /// Whether it is an attachment: mailboxes accept parts of any size below their limit.
    var isMail: Bool { if case .attachment = place { true } else { false } }
}
