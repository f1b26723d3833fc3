internal import MMCore
internal import MMHTTP

/// The blob service of storage accounts: containers, and blobs that are written whole or block by block.
final class BlobService {
    private let context: TenantContext
    private var accounts: [String: [Container]] = [:]
    /// Blocks that aren't part of a blob yet, by the address of the blob and their ids.
    private var blocks: [String: [String: StoredContent]] = [:]
    /// The number of writes so far.
    private var writes = 0

    private struct Container {
        let name: String
        var blobs: [Blob]
    }

    private struct Blob {
        let name: String
        let type: String
        let content: StoredContent
        let changed: Int64
        /// What clients have noted about it: the headers whose names begin with `x-ms-meta-`.
        var notes: [HTTPHeaders.Field] = []
        /// The number of the write that it comes from; 0 if it was there at the start.
        var write = 0

        var tag: String {
            "\"0x\(Hex.text(SHA256.digest("\(write) \(content.quickXorHash)".utf8)).prefix(15).uppercased())\""
        }
    }

    init(context: TenantContext) { self.context = context }

    private func containers(of account: String) -> [Container] {
        if let known = accounts[account] { return known }
        let changed = context.now - 30 * 86_400
        func blob(_ name: String, _ type: String, _ text: String) -> Blob {
            Blob(name: name, type: type, content: StoredContent(Array(text.utf8)), changed: changed)
        }
        return [
            Container(
                name: "logs",
                blobs: (1...3).map { blob("2026/0\($0)/app.log", "text/plain", "line of \(account) in month \($0)\n") }),
            Container(
                name: "reports", blobs: [blob("licences.csv", "text/csv", "sku,used,free\nE3,240,10\nE5,41,9\n")]),
        ]
    }

    /// Returns the answer to a request with a valid token.
    func answer(_ request: HTTPServerRequest, at host: AzureDataServices.Host) -> HTTPServerResponse {
        var answer = answered(request, host)
        answer.headers.set("x-ms-request-id", RandomBytes.uuid())
        answer.headers.set("x-ms-version", request.headers["x-ms-version"] ?? "2021-08-06")
        answer.headers.set("Server", "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0")
        return answer
    }

    private func answered(_ request: HTTPServerRequest, _ host: AzureDataServices.Host) -> HTTPServerResponse {
        guard request.headers.contains("x-ms-version") else {
            return Self.failure(
                400, "InvalidHeaderValue",
                "A token needs a version of the service that takes it: x-ms-version is missing.")
        }
        let parts = request.segments.map { PercentCoding.decode($0.utf8) ?? $0 }
        let fields = request.queryFields
        guard let name = parts.first else {
            guard request.method == "GET", fields["comp"] == "list" else { return Self.unknown(request) }
            return list(containers: host, prefix: fields["prefix"] ?? "")
        }
        var all = containers(of: host.name)
        guard let at = all.firstIndex(where: { $0.name == name }) else {
            guard request.method == "PUT", parts.count == 1, fields["restype"] == "container" else {
                return Self.failure(404, "ContainerNotFound", "The specified container does not exist.")
            }
            all.append(Container(name: name, blobs: []))
            accounts[host.name] = all
            return changed(201, context.now, "\"0x1\"")
        }
        let path = parts.dropFirst().joined(separator: "/")
        guard path.isEmpty else { return blob(path, at, request, host) }
        switch (request.method, fields["comp"]) {
        case ("GET", "list"):
            return list(all[at], host, fields)
        case ("GET", nil), ("HEAD", nil): return changed(200, context.now - 30 * 86_400, "\"0x1\"")
        case ("PUT", nil): return Self.failure(409, "ContainerAlreadyExists", "The specified container already exists.")
        case ("DELETE", nil):
            all.remove(at: at)
            accounts[host.name] = all
            return HTTPServerResponse(status: 202)
        default: return Self.unknown(request)
        }
    }

    private func blob(
        _ path: String, _ container: Int, _ request: HTTPServerRequest, _ host: AzureDataServices.Host
    ) -> HTTPServerResponse {
        var all = containers(of: host.name)
        let at = all[container].blobs.firstIndex { $0.name == path }
        let comp = request.queryFields["comp"]
        // A block becomes part of a blob only with its list, whose conditions then count.
        if comp != "block", let refusal = Self.refusal(of: request, for: at.map { all[container].blobs[$0] }) {
            return refusal
        }
        if request.method == "PUT", comp != "metadata" { return put(path, at, in: container, comp, request, host) }
        guard let at else { return Self.failure(404, "BlobNotFound", "The specified blob does not exist.") }
        let blob = all[container].blobs[at]
        switch (request.method, comp) {
        case ("GET", nil), ("HEAD", nil): return told(blob, request)
        case ("PUT", "metadata"):
            let changed = made(path, blob.type, blob.content, request)
            all[container].blobs[at] = changed
            accounts[host.name] = all
            return self.changed(200, changed.changed, changed.tag)
        case ("DELETE", nil):
            all[container].blobs.remove(at: at)
            accounts[host.name] = all
            return HTTPServerResponse(status: 202)
        default: return Self.unknown(request)
        }
    }

    /// Writes a blob, or a block for one.
    private func put(
        _ path: String, _ at: Int?, in container: Int, _ comp: String?, _ request: HTTPServerRequest,
        _ host: AzureDataServices.Host
    ) -> HTTPServerResponse {
        var all = containers(of: host.name)
        let address = "\(host.name)/\(all[container].name)/\(path)"
        let content: StoredContent
        switch comp {
        case nil:
            guard request.headers["x-ms-blob-type"]?.lowercased() == "blockblob" else { return Self.unknown(request) }
            content = request.content
        case "block":
            guard let id = request.queryFields["blockid"] else {
                return Self.failure(400, "InvalidQueryParameterValue", "The block has no blockid.")
            }
            stage(request.content, id, of: address)
            return changed(201, context.now, "\"0x1\"")
        case "blocklist":
            var whole = StoredContent()
            for id in Self.listed(request.body) {
                guard let block = blocks[address]?[id] else {
                    return Self.failure(400, "InvalidBlockList", "The specified block list is invalid.")
                }
                whole.append(block)
            }
            blocks[address] = nil
            content = whole
        default: return Self.unknown(request)
        }
        let type = request.headers["x-ms-blob-content-type"] ?? request.headers["content-type"]
        let blob = made(path, type ?? "application/octet-stream", content, request)
        if let at { all[container].blobs[at] = blob } else { all[container].blobs.append(blob) }
        accounts[host.name] = all
        return changed(201, blob.changed, blob.tag)
    }

    /// Returns the blob that a write makes, with the notes of its request.
    private func made(
        _ path: String, _ type: String, _ content: StoredContent, _ request: HTTPServerRequest
    ) -> Blob {
        writes += 1
        return Blob(
            name: path, type: type, content: content, changed: context.now,
            notes: request.headers.filter { $0.name.lowercased().hasPrefix(Self.noteStart) }, write: writes)
    }

    private static let noteStart = "x-ms-meta-"

    private static let unmet = failure(
        412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.")

    /// Returns the refusal of a request whose conditions a blob doesn't meet (RFC 9110, section 13.1).
    private static func refusal(of request: HTTPServerRequest, for blob: Blob?) -> HTTPServerResponse? {
        func isMet(_ condition: String) -> Bool? {
            request.headers[condition].map { $0 == "*" ? blob != nil : $0 == blob?.tag }
        }
        if isMet("If-Match") == false { return blob == nil && request.method != "PUT" ? nil : unmet }
        guard isMet("If-None-Match") == true else { return nil }
        if ["GET", "HEAD"].contains(request.method) {
            return HTTPServerResponse(status: 304, headers: ["ETag": blob?.tag ?? ""])
        }
        guard request.headers["If-None-Match"] == "*" else { return unmet }
        return failure(409, "BlobAlreadyExists", "The specified blob already exists.")
    }

    /// Returns a blob, or the requested range of it.
    private func told(_ blob: Blob, _ request: HTTPServerRequest) -> HTTPServerResponse {
        guard let bytes = blob.content.bytes else {
            return Self.failure(
                501, "NotImplemented",
                "The sandbox keeps no blob of more than \(StoredContent.most >> 20) MB; the real service does.")
        }
        var answer = changed(200, blob.changed, blob.tag)
        answer.headers.set("Content-Type", blob.type)
        answer.headers.set("x-ms-blob-type", "BlockBlob")
        for note in blob.notes { answer.headers.add(note.name, note.value) }
        let range = request.headers["x-ms-range"] ?? request.headers["range"]
        let part = ByteRange(request.method == "GET" ? range : nil, of: bytes.count)
        guard part != .outside else {
            return Self.failure(
                416, "InvalidRange", "The range specified is invalid for the current size of the resource.")
        }
        part.fill(&answer, from: bytes)
        return answer
    }

    private func changed(_ status: Int, _ seconds: Int64, _ tag: String) -> HTTPServerResponse {
        HTTPServerResponse(
            status: status, headers: ["Last-Modified": ServiceTime.headerText(seconds), "ETag": tag], body: .bytes([]))
    }

    // MARK: Lists

    private func list(containers host: AzureDataServices.Host, prefix: String) -> HTTPServerResponse {
        let rows = containers(of: host.name).filter { $0.name.hasPrefix(prefix) }.map { container in
            "<Container><Name>\(HTMLText.escaped(container.name))</Name><Properties>"
                + "<Last-Modified>\(ServiceTime.headerText(context.now - 30 * 86_400))</Last-Modified><Etag>\"0x1\"</Etag>"
                + "<LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState></Properties></Container>"
        }
        return Self.listed("", host, "<Containers>\(rows.joined())</Containers>")
    }

    private func list(
        _ container: Container, _ host: AzureDataServices.Host, _ fields: PostedForm
    ) -> HTTPServerResponse {
        let (prefix, delimiter) = (fields["prefix"] ?? "", fields["delimiter"] ?? "")
        let showsNotes = (fields["include"] ?? "").split(separator: ",").contains("metadata")
        var folders: [String] = []
        var rows = ""
        for blob in container.blobs.sorted(by: { $0.name < $1.name }) where blob.name.hasPrefix(prefix) {
            let rest = blob.name.dropFirst(prefix.count)
            if let mark = delimiter.first, let end = rest.firstIndex(of: mark) {
                let folder = prefix + rest[...end]
                if !folders.contains(folder) { folders.append(folder) }
                continue
            }
            let when = ServiceTime.headerText(blob.changed)
            rows +=
                "<Blob><Name>\(HTMLText.escaped(blob.name))</Name><Properties><Creation-Time>\(when)</Creation-Time>"
                + "<Last-Modified>\(when)</Last-Modified><Etag>\(blob.tag)</Etag>"
                + "<Content-Length>\(blob.content.count)</Content-Length><Content-Type>\(HTMLText.escaped(blob.type))</Content-Type>"
                + "<BlobType>BlockBlob</BlobType><AccessTier>Hot</AccessTier><LeaseStatus>unlocked</LeaseStatus>"
                + "<LeaseState>available</LeaseState></Properties>"
            if showsNotes {
                let notes = blob.notes.map { note in
                    let name = note.name.dropFirst(Self.noteStart.count)
                    return "<\(name)>\(HTMLText.escaped(note.value))</\(name)>"
                }
                rows += "<Metadata>\(notes.joined())</Metadata>"
            }
            rows += "</Blob>"
        }
        for folder in folders { rows += "<BlobPrefix><Name>\(HTMLText.escaped(folder))</Name></BlobPrefix>" }
        return Self.listed(" ContainerName=\"\(HTMLText.escaped(container.name))\"", host, "<Blobs>\(rows)</Blobs>")
    }

    private static func listed(_ names: String, _ host: AzureDataServices.Host, _ rows: String) -> HTTPServerResponse {
        xml(
            200,
            "<EnumerationResults ServiceEndpoint=\"https://\(host.text)/\"\(names)>\(rows)<NextMarker /></EnumerationResults>"
        )
    }

    /// Stores a block. Blocks of a large blob are stored without their bytes.
    private func stage(_ block: StoredContent, _ id: String, of address: String) {
        var staged = blocks[address] ?? [:]
        blocks[address] = nil
        staged[id] = block
        if staged.values.reduce(0, { $0 + $1.count }) > StoredContent.most {
            staged = staged.mapValues { $0.withoutBytes }
        }
        blocks[address] = staged
    }

    /// Returns the ids in a list of blocks (`<Latest>`, `<Uncommitted>`), in order.
    private static func listed(_ body: [UInt8]) -> [String] {
        String(decoding: body, as: UTF8.self).split(separator: "<").compactMap { piece in
            let parts = piece.split(separator: ">", maxSplits: 1)
            return parts.count == 2 && ["latest", "uncommitted"].contains(parts[0].lowercased())
                ? String(parts[1]) : nil
        }
    }

    // MARK: Words

    private static func unknown(_ request: HTTPServerRequest) -> HTTPServerResponse {
        failure(
            501, "NotImplemented",
            "The sandbox doesn't know \(request.method.prefix(10)) \(request.target.prefix(100)) of blobs; the real service does."
        )
    }

    static func failure(_ status: Int, _ code: String, _ message: String) -> HTTPServerResponse {
        var answer = xml(status, "<Error><Code>\(code)</Code><Message>\(HTMLText.escaped(message))</Message></Error>")
        answer.headers.set("x-ms-error-code", code)
        return answer
    }

    private static func xml(_ status: Int, _ text: String) -> HTTPServerResponse {
        HTTPServerResponse(
            status: status, contentType: "application/xml",
            body: Array("<?xml version=\"1.0\" encoding=\"utf-8\"?>\(text)".utf8))
    }
}
