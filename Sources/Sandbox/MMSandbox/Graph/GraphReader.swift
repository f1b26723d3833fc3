internal import MMCore
internal import MMHTTP

/// Reading: objects, and lists with filter, order, search, count, pages.
struct GraphReader {
    let context: TenantContext
    let store: DirectoryStore
    let answers: GraphAnswers

    /// One page of rows and where the next begins.
    struct Page {
        var records: [Record] = []
        var next: PageToken?
        var count: Int?
    }

    func read(_ call: GraphCall, _ place: GraphPlace) throws(GraphFailure) -> HTTPServerResponse {
        switch place.node {
        case .collection(let address, let test):
            let table = store.table(address)
            return try list(call, place, kind: table.kind, table: table, test: test) { skip, body in
                table.scan(skipping: skip, body)
            }
        case .made(let kind, let rows):
            if let key = place.rest.first?.name, let row = rows.first(where: { $0.id == key }) {
                return try one(call, kind: kind, record: row, label: place.label, owner: place.owner, etag: nil)
            }
            return try list(call, place, kind: kind, table: nil, test: nil) { skip, body in
                for row in rows.dropFirst(skip) where !body(row) { return }
            }
        case .links(let ids, _): return try linkList(call, place, ids)
        case .link(let id):
            guard let (address, record) = store.object(id) else { throw .missing(id) }
            let kind = store.table(address).kind
            return try one(call, kind: kind, record: record, label: "directoryObjects", etag: nil, typeName: kind.name)
        case .row(let address, let key):
            let table = store.table(address)
            guard let record = found(key, in: address) else { throw place.area.missing ?? .missing(key) }
            return try one(
                call, kind: table.kind, record: record, label: place.label, owner: place.owner,
                etag: answers.etag(of: record.id, in: table))
        case .single(let kind, let record):
            guard let kind else {
                var members: JSONObject = [
                    "@odata.context": .string("\(context.base)/\(call.version)/$metadata#\(place.label)")
                ]
                for (name, value) in record.members(of: .directoryObject) { members[name] = value }
                return GraphAnswers.json(.object(members))
            }
            return try one(call, kind: kind, record: record, label: place.label, owner: place.owner, etag: nil)
        }
    }

    /// A row, with the parts that are counted when somebody looks.
    func found(_ key: String, in address: TableAddress) -> Record? {
        guard let record = store.table(address).find(key) else { return nil }
        if case .mailFolders(let owner) = address { return store.mailFolderRows(owner).first { $0.id == record.id } }
        return record
    }

    private func one(
        _ call: GraphCall, kind: EntityKind, record: Record, label: String, owner: String? = nil, etag: String?,
        typeName: String? = nil
    ) throws(GraphFailure) -> HTTPServerResponse {
        try check(call, kind)
        let select = call.options.select
        let columns = select.map { "(\($0.joined(separator: ",")))" } ?? ""
        var bytes: [UInt8] = []
        bytes.append(contentsOf: #"{"@odata.context":"#.utf8)
        JSONWriter.append("\(context.base)/\(call.version)/$metadata#\(label)\(columns)/$entity", to: &bytes)
        var row: [UInt8] = []
        let record = Self.wantsTextBody(call) ? Self.withTextBody(record) : record
        let writer = RowWriter(kind: kind, select: select, typeName: typeName)
        let hasMembers = writer.open(record, etag: etag, to: &row)
        if hasMembers { bytes.append(UInt8(ascii: ",")) }
        bytes.append(contentsOf: row.dropFirst())
        try appendExpansions(call, of: record, kind: kind, owner: owner, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
        return HTTPServerResponse(status: 200, contentType: GraphAnswers.contentType, body: bytes)
    }

    /// Whether mail is wanted as plain text.
    private static func wantsTextBody(_ call: GraphCall) -> Bool {
        call.preference("outlook.body-content-type") == "text"
    }

    private static func withTextBody(_ record: Record) -> Record {
        guard case .object(var members) = record, let body = members["body"], body["contentType"]?.string == "html"
        else {
            return record
        }
        members["body"] = ["contentType": "text", "content": .string(MessageText.plain(body["content"]?.string ?? ""))]
        return .object(members)
    }

    private func check(_ call: GraphCall, _ kind: EntityKind) throws(GraphFailure) {
        do throws(QueryFault) {
            try QueryCheck.check(call.options, on: kind, isEventual: call.isEventual)
        } catch { throw GraphFailure(error) }
    }

    /// Reads a page size out of `$top`, the preference, and what the type allows.
    func pageSize(_ call: GraphCall, _ kind: EntityKind) throws(GraphFailure) -> Int {
        let preferred = call.preference("odata.maxpagesize").flatMap { Int($0) }
        guard let top = call.options.top else {
            return min(max(preferred ?? kind.pageSize, 1), kind.pageLimit)
        }
        guard top <= kind.pageLimit, top > 0 || !kind.isDirectoryObject else {
            throw .badRequest(
                "Invalid page size specified: '\(top)'. Must be between 1 and \(kind.pageLimit) inclusive.")
        }
        return preferred.map { min(top, max($0, 1)) } ?? top
    }

    private func list(
        _ call: GraphCall, _ place: GraphPlace, kind: EntityKind, table: EntityTable?,
        test: (@Sendable (Record) -> Bool)?,
        scan: (_ skipping: Int, _ body: (Record) -> Bool) -> Void
    ) throws(GraphFailure) -> HTTPServerResponse {
        try check(call, kind)
        let page = try page(call, kind: kind, total: test == nil ? table?.count : nil, test: test, scan: scan)
        return try listAnswer(call, kind: kind, label: place.label, owner: place.owner, page: page) { record in
            table.flatMap { answers.etag(of: record.id, in: $0) }
        }
    }

    /// The rows that a call asks for.
    /// - Parameter total: how many rows there are when nothing is left out, if that is known without counting.
    func page(
        _ call: GraphCall, kind: EntityKind, total: Int?, test: (@Sendable (Record) -> Bool)?,
        scan: (_ skipping: Int, _ body: (Record) -> Bool) -> Void
    ) throws(GraphFailure) -> Page {
        let options = call.options
        let size = try pageSize(call, kind)
        let token = try options.skipToken.map { (text) throws(GraphFailure) in
            guard let token = PageToken(text) else {
                throw GraphFailure(
                    400, "Directory_ExpiredPageToken",
                    "Specified page token value has expired and can no longer be included in your request.")
            }
            return token
        }
        let filter = options.filter
        let search = options.search
        func passes(_ record: Record) -> Bool {
            if let test, !test(record) { return false }
            if let filter, !FilterEvaluator(property: { record[$0] }).matches(filter) { return false }
            if let search, !RecordSearch.matches(search, record, kind: kind) { return false }
            return true
        }
        let wantsCount = options.count && (!kind.isDirectoryObject || call.isEventual)
        var page = Page()
        if !options.orderBy.isEmpty || (options.skip ?? 0) > 0 {
            var matching: [Record] = []
            scan(0) { record in
                if passes(record) { matching.append(record) }
                return true
            }
            if !options.orderBy.isEmpty { matching = SortOrder.sorted(matching, by: options.orderBy) }
            let start = min((token?.matched ?? 0) + (options.skip ?? 0), matching.count)
            page.records = Array(matching[start...].prefix(size))
            let end = start + page.records.count
            if end < matching.count, size > 0 {
                page.next = PageToken(matched: kind.isDirectoryObject ? end : end - (options.skip ?? 0))
            }
            if wantsCount { page.count = matching.count }
            return page
        }
        let isWhole = filter == nil && search == nil && test == nil
        var raw = token?.raw ?? 0
        let matchedBefore = token?.matched ?? 0
        page.records.reserveCapacity(min(size, 1000))
        scan(raw) { record in
            if isWhole || passes(record) {
                if page.records.count == size {
                    page.next = PageToken(raw: raw, matched: matchedBefore + size)
                    return false
                }
                page.records.append(record)
            }
            raw += 1
            return true
        }
        if size == 0 { page.next = nil }
        guard wantsCount else { return page }
        if isWhole, let total {
            page.count = total
            return page
        }
        var count = 0
        scan(0) { record in
            if passes(record) { count += 1 }
            return true
        }
        page.count = count
        return page
    }

    /// The JSON of a page, written straight to bytes.
    func listAnswer(
        _ call: GraphCall, kind: EntityKind, label: String, owner: String? = nil, page: Page,
        typeName: ((Record) -> EntityKind)? = nil,
        etag: (Record) -> String?
    ) throws(GraphFailure) -> HTTPServerResponse {
        let select = call.options.select
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256 + page.records.count * (select == nil ? 420 : 90 * (select?.count ?? 1)))
        bytes.append(contentsOf: #"{"@odata.context":"#.utf8)
        let columns = select.map { "(\($0.joined(separator: ",")))" } ?? ""
        JSONWriter.append("\(context.base)/\(call.version)/$metadata#\(label)\(columns)", to: &bytes)
        if let count = page.count { bytes.append(contentsOf: ",\"@odata.count\":\(count)".utf8) }
        if let next = page.next {
            bytes.append(contentsOf: #","@odata.nextLink":"#.utf8)
            JSONWriter.append(nextLink(call, kind: kind, token: next), to: &bytes)
        }
        bytes.append(contentsOf: #","value":["#.utf8)
        let writer = RowWriter(kind: kind, select: select)
        let wantsText = Self.wantsTextBody(call)
        for (place, row) in page.records.enumerated() {
            if place > 0 { bytes.append(UInt8(ascii: ",")) }
            let record = wantsText ? Self.withTextBody(row) : row
            if let rowKind = typeName?(record) {
                RowWriter(kind: rowKind, select: select, typeName: rowKind.name).open(record, etag: nil, to: &bytes)
            } else {
                writer.open(record, etag: etag(record), to: &bytes)
            }
            if !call.options.expand.isEmpty {
                try appendExpansions(call, of: record, kind: kind, owner: owner, to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(contentsOf: "]}".utf8)
        var answer = HTTPServerResponse(status: 200, contentType: GraphAnswers.contentType, body: bytes)
        if kind.isDirectoryObject { answer.headers.set("x-ms-resource-unit", "1") }
        return answer
    }

    /// The address of the next page: the request's own, with another place to begin.
    private func nextLink(_ call: GraphCall, kind: EntityKind, token: PageToken) -> String {
        let kept = (call.request.query ?? "").split(separator: "&").filter { piece in
            let name = (PercentCoding.decode(piece.prefix { $0 != "=" }.utf8) ?? "").lowercased()
            return !["$skiptoken", "skiptoken", "$skip", "skip"].contains(name)
        }
        let isMailLike = ["message", "event", "contact", "mailFolder", "calendar"].contains(kind.name)
        let position =
            isMailLike
            ? "$skip=\((token.matched ?? 0) + (call.options.skip ?? 0))" : "$skiptoken=\(token.text)"
        return "\(context.base)\(call.request.path)?\((kept.map(String.init) + [position]).joined(separator: "&"))"
    }

    private func linkList(_ call: GraphCall, _ place: GraphPlace, _ ids: [String]) throws(GraphFailure)
        -> HTTPServerResponse
    {
        if let key = place.rest.first?.name {
            guard place.rest.count == 1, ids.contains(key.lowercased()), let (address, record) = store.object(key)
            else {
                throw .missing(key)
            }
            let kind = store.table(address).kind
            return try one(
                call, kind: kind, record: record, label: place.label, owner: place.owner, etag: nil, typeName: kind.name
            )
        }
        let kinds: [TableAddress: EntityKind] = [
            .users: .user, .groups: .group, .servicePrincipals: .servicePrincipal, .applications: .application,
            .directoryRoles: .directoryRole, .devices: .device,
        ]
        // The rows are looked up as the page needs them: the group of everybody is as large as the directory.
        func typed(_ id: String) -> (EntityKind, Record)? {
            store.object(id).flatMap { found in kinds[found.0].map { ($0, found.1) } }
        }
        let castKind = place.cast.flatMap { name in kinds.values.first { $0.name == name } }
        let kind = castKind ?? .user
        if castKind != nil || call.options.filter != nil { try check(call, kind) }
        let page = try page(call, kind: kind, total: castKind == nil ? ids.count : nil, test: nil) { skip, body in
            for id in ids.dropFirst(skip) {
                guard let (rowKind, record) = typed(id) else { continue }
                if let castKind, castKind.name != rowKind.name { continue }
                if !body(record) { return }
            }
        }
        return try listAnswer(
            call, kind: kind, label: castKind.map { "\($0.name)s" } ?? place.label, page: page,
            typeName: { typed($0.id)?.0 ?? .directoryObject }, etag: { _ in nil })
    }
}
