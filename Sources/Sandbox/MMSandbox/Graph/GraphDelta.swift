internal import MMCore
internal import MMHTTP

/// Delta queries: everything once, then only the changes.
struct GraphDelta {
    let context: TenantContext
    let store: DirectoryStore
    let mint: TokenMint
    let reader: GraphReader

    func answer(_ call: GraphCall, _ place: GraphPlace) throws(GraphFailure) -> HTTPServerResponse {
        guard case .collection(let address, let test) = place.node else { throw .unknownSegment("delta") }
        let table = store.table(address)
        let plainToken = call.options.other.first { $0.name == "token" }?.value
        let text = call.options.deltaToken ?? call.options.skipToken ?? plainToken
        if let text, text != "latest" {
            guard let token = PageToken(text), token.tenant == runID, let since = token.since, since <= store.sequence
            else {
                throw resync(call, place)
            }
            let isRound = call.options.skipToken != nil || token.raw != nil
            return try isRound
                ? fullRound(call, place, table, from: token.raw ?? 0, since: since, select: token.select, test: test)
                : changes(call, place, table, since: since, select: token.select, test: test)
        }
        let select = call.options.select
        do throws(QueryFault) { try OptionCheck.check(call.options, on: table.kind, isEventual: call.isEventual) } catch
        { throw GraphFailure(error) }
        if text == "latest" {
            return deltaAnswer(
                call, place, table, rows: [], removed: [], next: nil, since: store.sequence, select: select)
        }
        return try fullRound(call, place, table, from: 0, since: store.sequence, select: select, test: test)
    }

    /// The id of this run of the sandbox; a delta token of another run is expired.
    private var runID: String { String(mint.tag("run").prefix(12)) }

    private func resync(_ call: GraphCall, _ place: GraphPlace) -> GraphFailure {
        let isFiles = place.area == .files
        return GraphFailure(
            410, isFiles ? "resyncRequired" : "SyncStateNotFound", "Resync required.",
            headers: ["Location": "\(context.base)\(call.request.path)"])
    }

    private func fullRound(
        _ call: GraphCall, _ place: GraphPlace, _ table: EntityTable, from: Int, since: Int, select: [String]?,
        test: (@Sendable (Record) -> Bool)?
    ) throws(GraphFailure) -> HTTPServerResponse {
        let size = try reader.pageSize(call, table.kind)
        var rows: [Record] = []
        var raw = from
        var isMore = false
        table.scan(skipping: from) { record in
            if test?(record) ?? true {
                if rows.count == size {
                    isMore = true
                    return false
                }
                rows.append(record)
            }
            raw += 1
            return true
        }
        return deltaAnswer(
            call, place, table, rows: rows, removed: [], next: isMore ? raw : nil, since: since, select: select)
    }

    private func changes(
        _ call: GraphCall, _ place: GraphPlace, _ table: EntityTable, since: Int, select: [String]?,
        test: (@Sendable (Record) -> Bool)?
    ) throws(GraphFailure) -> HTTPServerResponse {
        var latest: [String: EntityTable.Change] = [:]
        var order: [String] = []
        for change in table.changes where change.sequence > since {
            if latest[change.id] == nil { order.append(change.id) }
            latest[change.id] = change
        }
        var rows: [Record] = []
        var removed: [String] = []
        for id in order {
            if let record = table.find(id), test?(record) ?? true { rows.append(record) } else { removed.append(id) }
        }
        return deltaAnswer(
            call, place, table, rows: rows, removed: removed, next: nil, since: store.sequence, select: select)
    }

    private func deltaAnswer(
        _ call: GraphCall, _ place: GraphPlace, _ table: EntityTable, rows: [Record], removed: [String], next: Int?,
        since: Int, select: [String]?
    ) -> HTTPServerResponse {
        var bytes = Array(#"{"@odata.context":"#.utf8)
        let columns = select.map { "(\($0.joined(separator: ",")))" } ?? ""
        JSONWriter.append("\(context.base)/\(call.version)/$metadata#\(place.label)\(columns)", to: &bytes)
        let address = "\(context.base)\(call.request.path)"
        let token = PageToken(raw: next, since: since, tenant: runID, select: select).text
        let parameter = place.area == .files ? "token" : next == nil ? "$deltatoken" : "$skiptoken"
        bytes.append(contentsOf: (next == nil ? #","@odata.deltaLink":"# : #","@odata.nextLink":"#).utf8)
        JSONWriter.append("\(address)?\(parameter)=\(token)", to: &bytes)
        bytes.append(contentsOf: #","value":["#.utf8)
        var columnsWithID = select
        if let select, !select.contains("id") { columnsWithID = ["id"] + select }
        let writer = RowWriter(kind: table.kind, select: columnsWithID)
        var first = true
        for record in rows {
            if !first { bytes.append(UInt8(ascii: ",")) }
            first = false
            writer.open(record, etag: reader.answers.etag(of: record.id, in: table), to: &bytes)
            bytes.append(UInt8(ascii: "}"))
        }
        for id in removed {
            if !first { bytes.append(UInt8(ascii: ",")) }
            first = false
            let marker: JSONValue =
                place.area == .files
                ? ["id": .string(id), "deleted": ["state": "deleted"]]
                : ["id": .string(id), "@removed": ["reason": "changed"]]
            bytes.append(contentsOf: JSONWriter.bytes(marker))
        }
        bytes.append(contentsOf: "]}".utf8)
        return HTTPServerResponse(status: 200, contentType: GraphAnswers.contentType, body: bytes)
    }
}

/// An error answer of Graph.
struct GraphFailure: Error {
    let status: Int
    let code: String
    let message: String
    var headers: HTTPHeaders = [:]

    init(_ status: Int, _ code: String, _ message: String, headers: HTTPHeaders = [:]) {
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers
    }

    init(_ fault: QueryFault) {
        self.init(400, fault.code, fault.message)
    }

    static func missing(_ key: String) -> GraphFailure {
        GraphFailure(
            404, "Request_ResourceNotFound",
            "Resource '\(key)' does not exist or one of its queried reference-property objects are not present.")
    }

    static func unknownSegment(_ name: String) -> GraphFailure {
        GraphFailure(400, "BadRequest", "Resource not found for the segment '\(name)'.")
    }

    /// Whether it says that the path has a step that is unknown here.
    var isUnknownSegment: Bool { status == 400 && message.hasPrefix("Resource not found for the segment") }

    static func badRequest(_ message: String) -> GraphFailure { GraphFailure(400, "Request_BadRequest", message) }

    /// The refusal to change a group that is kept in Exchange.
    static func keptByExchange(_ verb: String) -> GraphFailure {
        .badRequest("Cannot \(verb) a mail-enabled security groups and or distribution list.")
    }

    static let denied = GraphFailure(
        403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")

    static let mailDenied = GraphFailure(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")

    static let mailItemMissing = GraphFailure(
        404, "ErrorItemNotFound", "The specified object was not found in the store.")

    static let fileMissing = GraphFailure(404, "itemNotFound", "The resource could not be found.")

    /// A folder already has a file or folder with the name.
    static let fileNameTaken = GraphFailure(409, "nameAlreadyExists", "The specified item name already exists.")

    static func notAllowed(_ method: String) -> GraphFailure {
        GraphFailure(
            405, "Request_BadRequest", "Specified HTTP method '\(method)' is not allowed for the request target.")
    }

    static let staleETag = GraphFailure(412, "", "The If-Match header contains an invalid value.")

    static let conflict = GraphFailure(
        409, "Request_MultipleObjectsWithSameKeyValue",
        "A conflicting object with one or more of the specified property values is present in the directory.")
}
