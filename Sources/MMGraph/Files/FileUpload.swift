package import MMCore

/// The upload of a file to a service: the way in which it is sent, and the first request, which the guard checks.
package struct FileUpload: Sendable {
    enum Way: Sendable, Hashable {
        /// One request with the file as its body.
        case content
        /// An upload session of a drive.
        case session
        /// One request with the file as base64 in JSON, the only way for small attachments.
        case attachment
        /// An upload session of a mailbox.
        case attachmentSession
    }

    /// The file.
    package let file: FileReader
    /// The first request. For `content`, its body is added when it is sent.
    package let request: GraphRequest
    /// The behaviour when a file of that name exists already.
    package let conflict: ConflictBehavior
    let way: Way
    /// The file's place in a drive; `nil` elsewhere.
    let item: DriveItemPath?

    /// The largest file that is sent in one request; larger ones use a session ("Upload large files with an upload
    /// session").
    static let largestContent = 4 << 20
    static let largestSmallAttachment = 3_000_000
    static let largestAttachment = 150 << 20

    /// Plans the upload of a file to an endpoint.
    /// - Parameters:
    ///   - file: the file.
    ///   - endpoint: the destination: a drive's file or folder, the `attachments` of a message or event, or anything
    ///     that takes bytes with `PUT`.
    ///   - isFolder: whether the endpoint was written with a slash at its end, which names a folder.
    ///   - conflict: what to do if a file of that name exists already.
    ///   - parse: converts an endpoint of the plan to a target of the client.
    /// - Throws: `.invalidInput` for an endpoint that takes no file; `.limitExceeded` for a file that is too large for
    ///   it.
    init(
        _ file: FileReader, to target: RequestTarget, isFolder: Bool, conflict: ConflictBehavior,
        _ parse: (String) throws(MMError) -> RequestTarget
    ) throws(MMError) {
        self.file = file
        self.conflict = conflict
        if let path = DriveItemPath(target) {
            guard ["", "content", "children", "createuploadsession"].contains(path.suffix.first ?? "") else {
                throw Self.noFile(target)
            }
            let place = path.isFolder || isFolder ? path.below(file.name) : path
            item = place
            if file.size <= Self.largestContent {
                way = .content
                request = try GraphRequest(
                    method: "PUT",
                    target: try parse(place.endpoint("content"))
                        .addingQuery("@microsoft.graph.conflictBehavior", conflict.rawValue),
                    contentType: "application/octet-stream", mayRepeat: conflict != .rename)
            } else {
                way = .session
                request = try GraphRequest(
                    method: "POST", target: try parse(place.endpoint("createUploadSession")),
                    json: ["item": ["@microsoft.graph.conflictBehavior": .string(conflict.rawValue)]])
            }
            return
        }
        item = nil
        let last = target.segments.last?.lowercased()
        guard target.service == .graph, last == "attachments" else {
            guard file.size <= GraphRequest.maxBodyBytes else { throw Self.tooLarge(file, GraphRequest.maxBodyBytes) }
            guard last != nil else { throw Self.noFile(target) }
            way = .content
            request = try GraphRequest(
                method: "PUT", target: target, contentType: FileKind.mediaType(of: file.name), mayRepeat: true)
            return
        }
        guard file.size <= Self.largestAttachment else { throw Self.tooLarge(file, Self.largestAttachment) }
        if file.size < Self.largestSmallAttachment {
            way = .attachment
            request = try GraphRequest(
                method: "POST", target: target,
                json: [
                    "@odata.type": "#microsoft.graph.fileAttachment", "name": .string(file.name),
                    "contentType": .string(FileKind.mediaType(of: file.name)),
                ])
        } else {
            way = .attachmentSession
            request = try GraphRequest(
                method: "POST", target: try parse(target.path + "/createUploadSession"),
                json: [
                    "AttachmentItem": [
                        "attachmentType": "file", "name": .string(file.name), "size": .int(Int64(file.size)),
                        "contentType": .string(FileKind.mediaType(of: file.name)),
                    ]
                ])
        }
    }

    /// Returns the single request that sends the whole file; `nil` if it is sent in pieces.
    package func wholeRequest() async throws(MMError) -> GraphRequest? {
        guard way == .content || way == .attachment else { return nil }
        let bytes = try await file.read(0..<file.size)
        try file.checkUnchanged()
        if way == .attachment, var body = request.body.flatMap({ try? JSONParser.parse($0) })?.object {
            body["contentBytes"] = .string(Base64.text(bytes))
            return try GraphRequest(method: request.method, target: request.target, json: .object(body))
        }
        return try GraphRequest(
            method: request.method, target: request.target, body: bytes, contentType: request.contentType,
            mayRepeat: request.mayRepeat)
    }

    /// The largest piece that the service accepts; mailboxes require less than 4 MiB.
    var largestPiece: Int { way == .attachmentSession ? 12 * 327_680 : .max }

    private static func noFile(_ target: RequestTarget) -> MMError {
        MMError(
            .invalidInput, "Files can't be uploaded to \(target.path).",
            hint: "Use a file or folder of a drive (/me/drive/root:/Reports/a.pdf, /me/drive/root:/Reports/), or the "
                + "attachments of a message (/me/messages/ID/attachments).", details: ["field": "endpoint"])
    }

    private static func tooLarge(_ file: FileReader, _ limit: Int) -> MMError {
        MMError(
            .limitExceeded, "“\(file.path)” has \(file.size) bytes; the limit there is \(limit).",
            hint: "Put it into a drive instead, and send a link.")
    }
}

/// The properties of a file that follow from its name.
enum FileKind {
    /// Returns the media type for the extension of a name.
    static func mediaType(of name: String) -> String {
        types[end(of: name)] ?? "application/octet-stream"
    }

    /// Returns whether SharePoint writes its own properties into files of this kind, so that their content changes on
    /// upload.
    static func isRewritten(_ name: String) -> Bool { office.contains(end(of: name)) }

    private static func end(of name: String) -> String {
        guard let dot = name.lastIndex(of: ".") else { return "" }
        return name[name.index(after: dot)...].lowercased()
    }

    private static let office: Set<String> = [
        "docx", "docm", "dotx", "dotm", "xlsx", "xlsm", "xltx", "xltm", "xlsb", "pptx", "pptm", "potx", "potm", "ppsx",
        "ppsm", "vsdx", "doc", "xls", "ppt", "one", "mpp",
    ]
    private static let types: [String: String] = [
        "txt": "text/plain", "csv": "text/csv", "html": "text/html", "json": "application/json",
        "xml": "application/xml",
        "pdf": "application/pdf", "zip": "application/zip", "png": "image/png", "jpg": "image/jpeg",
        "jpeg": "image/jpeg",
        "gif": "image/gif", "svg": "image/svg+xml", "eml": "message/rfc822", "mp4": "video/mp4",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ]
}
