import MMCore
import MMHTTP

/// Reads objects, and lists with filter, order, search, count and pages.
struct GraphReader {
    let context: TenantContext
    let store: DirectoryStore
    let answers: GraphAnswers

    /// One page of rows and the position of the next.
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
            // An object that is asked for without its type tells it.
            return try one(
                call, kind: table.kind, record: record, label: place.label, owner: place.owner,
                etag: answers.etag(of: record.id, in: table),
                typeName: place.label == "directoryObjects" ? table.kind.name : nil)
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

    /// Returns a row, including the counts that are computed on reading.
    func found(_ key: String, in address: TableAddress) -> Record? {
        guard let record = store.table(address).find(key) else { return nil }
        if case .mailFolders(let owner) = address { return store.mailFolderRows(owner).first { $0.id == record.id } }
        return record
    }

    private func one(
        _ call: GraphCall, kind: EntityKind, record: Record, label: String, owner: String? = nil, etag: String?,
        typeName: String? = nil
    ) throws(GraphFailure) -> HTTPServerResponse {
        let call = call.spelled(as: kind)
        try check(call, kind)
        let select = call.options.select
        let columns = select.map { "(\($0.joined(separator: ",")))" } ?? ""
        var bytes: [UInt8] = []
        bytes.append(contentsOf: #"{"@odata.context":"#.utf8)
        JSONWriter.append("\(context.base)/\(call.version)/$metadata#\(label)\(columns)/$entity", to: &bytes)
        var row: [UInt8] = []
        let record = try preferred(call, kind)?(record) ?? record
        let writer = RowWriter(
            kind: kind, select: select ?? call.everything(of: kind), typeName: typeName, expanding: call.options.expand)
        let hasMembers = writer.open(record, etag: etag, to: &row)
        if hasMembers { bytes.append(UInt8(ascii: ",")) }
        bytes.append(contentsOf: row.dropFirst())
        try append(call.options.expand, of: record, kind: kind, owner: owner, call, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
        return HTTPServerResponse(status: 200, contentType: GraphAnswers.contentType, body: bytes)
    }

    /// How a caller prefers a row to be shown.
    private typealias Preferred = (Record) throws(GraphFailure) -> Record

    /// Returns what the caller's preferences change about rows: bodies as plain text, and times of events on the clock
    /// of a zone; `nil` without such preferences.
    private func preferred(_ call: GraphCall, _ kind: EntityKind) -> Preferred? {
        let wantsText = call.preference("outlook.body-content-type") == "text"
        let zone = kind.name == "event" ? call.preference("outlook.timezone") : nil
        guard wantsText || zone != nil else { return nil }
        return { (record) throws(GraphFailure) in
            let record = wantsText ? Self.withTextBody(record) : record
            guard let zone else { return record }
            return try CalendarTime.shown(record, in: zone)
        }
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
            try OptionCheck.check(
                call.options, on: kind, isEventual: call.isEventual, isBeta: call.version == "beta")
        } catch { throw GraphFailure(error) }
    }

    /// Returns the page size from `$top`, the preference, and the limit of the type.
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
        let call = call.spelled(as: kind)
        try check(call, kind)
        let page = try page(call, kind: kind, total: test == nil ? table?.count : nil, test: test, scan: scan)
        return try listAnswer(call, kind: kind, label: place.label, owner: place.owner, page: page) { record in
            table.flatMap { answers.etag(of: record.id, in: $0) }
        }
    }

    /// Returns the rows that a call asks for.
    /// - Parameter total: the number of rows without a filter, if it is known without counting.
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
            if let filter, !FilterEvaluator(property: { record[$0] ?? links($0, of: record, kind) }).matches(filter) {
                return false
            }
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
            matching = SortOrder.sorted(matching, by: options.orderBy, SortOrder.value)
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

    /// Returns the JSON of a page, written directly as bytes.
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
        let writer = RowWriter(
            kind: kind, select: select ?? call.everything(of: kind), expanding: call.options.expand, inList: true)
        let preferred = preferred(call, kind)
        for (place, row) in page.records.enumerated() {
            if place > 0 { bytes.append(UInt8(ascii: ",")) }
            let record = try preferred?(row) ?? row
            if let rowKind = typeName?(record) {
                RowWriter(kind: rowKind, select: select, typeName: rowKind.name).open(record, etag: nil, to: &bytes)
            } else {
                writer.open(record, etag: etag(record), to: &bytes)
            }
            if !call.options.expand.isEmpty {
                try append(call.options.expand, of: record, kind: kind, owner: owner, call, to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(contentsOf: "]}".utf8)
        var answer = HTTPServerResponse(status: 200, contentType: GraphAnswers.contentType, body: bytes)
        if kind.isDirectoryObject { answer.headers.set("x-ms-resource-unit", "1") }
        return answer
    }

    /// Returns the linked objects that a filter may count; `nil` for all other names.
    private func links(_ name: String, of record: Record, _ kind: EntityKind) -> JSONValue? {
        guard kind.isDirectoryObject, let relation = LinkAddress.Relation(rawValue: name) else {
            return nil
        }
        return .array(store.linked(LinkAddress(owner: record.id, relation: relation)).map { .string($0) })
    }

    /// Returns the next link: the request's own URL with another position.
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
        // Rows are looked up only as the page needs them, because the group of everybody is as large as the directory.
        func typed(_ id: String) -> (EntityKind, Record)? {
            store.object(id).flatMap { found in kinds[found.0].map { ($0, found.1) } }
        }
        let castKind = place.cast.flatMap { name in kinds.values.first { $0.name == name } }
        let kind = castKind ?? .user
        let call = call.spelled(as: kind)
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

/// Answers `$count`: the number of rows as plain text.
extension GraphReader {
    func countAnswer(_ call: GraphCall, _ place: GraphPlace) throws(GraphFailure) -> HTTPServerResponse {
        guard call.request.method == "GET" else { throw .notAllowed(call.request.method) }
        var count = 0
        switch place.node {
        case .collection(let address, let test):
            let table = store.table(address)
            let call = call.spelled(as: table.kind)
            try checkCount(call, table.kind)
            if call.options.filter == nil, call.options.search == nil, test == nil {
                count = table.count
            } else {
                count =
                    try page(counting(call), kind: table.kind, total: nil, test: test) { table.scan(skipping: $0, $1) }
                    .count ?? 0
            }
        case .links(let ids, _):
            try checkCount(call, .directoryObject)
            count =
                ids.compactMap { store.object($0) }.filter {
                    place.cast == nil || store.table($0.0).kind.name == place.cast
                }
                .count
        case .made(let kind, let rows):
            try checkCount(call, kind)
            count = rows.count
        default: throw .unknownSegment("$count")
        }
        return HTTPServerResponse(status: 200, contentType: "text/plain", body: Array("\(count)".utf8))
    }

    private func checkCount(_ call: GraphCall, _ kind: EntityKind) throws(GraphFailure) {
        guard !kind.isDirectoryObject || call.isEventual else {
            throw .badRequest("$count is not currently supported.")
        }
        var options = call.options
        options.count = true
        do throws(QueryFault) { try OptionCheck.check(options, on: kind, isEventual: call.isEventual) } catch {
            throw GraphFailure(error)
        }
    }

    private func counting(_ call: GraphCall) -> GraphCall {
        var options = call.options
        options.count = true
        options.top = nil
        return GraphCall(
            request: call.request, version: call.version, segments: call.segments, options: options,
            principal: call.principal,
            requestID: call.requestID, clientRequestID: call.clientRequestID)
    }
}

/// `$expand`.
extension GraphReader {
    /// What `*` expands, by the name of the type.
    private static let relations = Dictionary(
        uniqueKeysWithValues: [
            "unifiedRoleAssignment", "unifiedRoleAssignmentSchedule", "unifiedRoleEligibilitySchedule",
        ].map { ($0, ["principal", "roleDefinition"]) })

    /// Appends what a request expands in an object.
    func append(
        _ expansions: [QueryOptions.Expansion], of record: Record, kind: EntityKind, owner: String?, _ call: GraphCall,
        to bytes: inout [UInt8]
    ) throws(GraphFailure) {
        for (name, expansion) in expansions.flatMap({ each in
            (each.name == "*" ? Self.relations[kind.name] ?? ["*"] : [each.name]).map { ($0, each) }
        }) {
            if bytes.last != UInt8(ascii: "{") { bytes.append(UInt8(ascii: ",")) }
            JSONWriter.append(name, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            guard !kind.isDirectoryObject || expansion.filter == nil && expansion.expand.isEmpty else {
                throw GraphFailure(
                    400, "Request_UnsupportedQuery", "The expansion of '\(name)' doesn't support $filter and $expand.")
            }
            guard let rows = try expanded(name, of: record, kind: kind, owner: owner, call) else {
                if let (kind, row) = try expandedObject(name, of: record) {
                    try append(row, kind, by: expansion, owner, call, to: &bytes)
                } else {
                    bytes.append(contentsOf: "null".utf8)
                }
                continue
            }
            let matching = rows.filter { row in
                expansion.filter.map { FilterEvaluator(property: { row.1[$0] }).matches($0) } ?? true
            }
            bytes.append(UInt8(ascii: "["))
            // The service returns at most twenty objects of an expanded list of references.
            let limit = min(expansion.top ?? .max, kind.isDirectoryObject ? 20 : 200)
            for (place, (kind, row)) in matching.prefix(limit).enumerated() {
                if place > 0 { bytes.append(UInt8(ascii: ",")) }
                try append(row, kind, by: expansion, owner, call, to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        }
    }

    /// Appends an object to which a relationship leads, with what is expanded in it in turn.
    private func append(
        _ row: Record, _ kind: EntityKind, by expansion: QueryOptions.Expansion, _ owner: String?, _ call: GraphCall,
        to bytes: inout [UInt8]
    ) throws(GraphFailure) {
        RowWriter(
            kind: kind, select: expansion.select?.map { kind.spelling(of: $0) },
            typeName: kind.isDirectoryObject ? kind.name : nil, expanding: expansion.expand
        ).open(row, etag: nil, to: &bytes)
        try append(expansion.expand, of: row, kind: kind, owner: owner, call, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
    }

    /// Returns the rows of a list; `nil` if the name is that of a single object.
    private func expanded(
        _ name: String, of record: Record, kind: EntityKind, owner: String?, _ call: GraphCall
    ) throws(GraphFailure) -> [(EntityKind, Record)]? {
        func objects(_ ids: [String]) -> [(EntityKind, Record)] {
            ids.prefix(20).compactMap { store.object($0) }.map { (store.table($0.0).kind, $0.1) }
        }
        switch (kind.name, name) {
        case ("user", "manager"): return nil
        case ("user", "sponsors"): return []
        case ("unifiedRoleAssignment", "principal"), ("unifiedRoleAssignment", "roleDefinition"),
            ("unifiedRoleAssignmentSchedule", "principal"), ("unifiedRoleAssignmentSchedule", "roleDefinition"),
            ("unifiedRoleEligibilitySchedule", "principal"), ("unifiedRoleEligibilitySchedule", "roleDefinition"),
            ("unifiedRoleManagementPolicyAssignment", "policy"):
            return nil
        case ("unifiedRoleManagementPolicy", "rules"), ("unifiedRoleManagementPolicy", "effectiveRules"):
            return ObservedContent.rolePolicyRules.map { (.rolePolicyRule, .object($0)) }
        case ("chat", "members"):
            return TeamPaths(store: store).members(ofChat: record.id).map { (.conversationMember, $0) }
        case ("list", "items"):
            guard let owner else { return [] }
            return store.table(.listItems(site: owner, list: record.id)).all.map { (.listItem, $0) }
        case ("unifiedRoleAssignmentSchedule", "activatedUsing"), ("unifiedRoleAssignmentSchedule", "directoryScope"),
            ("unifiedRoleAssignment", "directoryScope"):
            return nil
        case ("serviceHealth", "issues"):
            let service = record["service"]?.string
            return store.table(.serviceIssues).all.filter { $0["service"]?.string == service }
                .map { (.serviceIssue, $0) }
        case ("mobileApp", "assignments"):
            return ObservedContent(store: store).assignments(ofApp: record.id).map {
                (EntityKind("mobileAppAssignment", $0.keys.joined(separator: " ")), .object($0))
            }
        case ("deviceManagementConfigurationSetting", "settingDefinitions"):
            return AdministrationContent.settingDefinitions(of: record).map {
                (
                    EntityKind("deviceManagementConfigurationSettingDefinition", $0.keys.joined(separator: " ")),
                    .object($0)
                )
            }
        case ("managedDevice", "detectedApps") where call.version == "beta":
            return ObservedContent(store: store).detectedApps(on: record.id).map {
                (EntityKind("detectedApp", $0.keys.joined(separator: " ")), .object($0))
            }
        case (_, "memberOf") where kind.isDirectoryObject, (_, "transitiveMemberOf") where kind.isDirectoryObject:
            return objects(store.groups(of: record.id))
        case ("user", "directReports"): return objects(store.directReports(record.id))
        case ("user", "licenseDetails"): return store.licenseDetails(record).map { (.licenseDetails, $0) }
        case ("group", "members"): return objects(store.linked(LinkAddress(owner: record.id, relation: .members)))
        case ("group", "owners"), ("application", "owners"), ("servicePrincipal", "owners"):
            return objects(store.linked(LinkAddress(owner: record.id, relation: .owners)))
        case ("servicePrincipal", "appRoleAssignments"):
            return store.table(.appRoleAssignments(record.id)).all.map { (.appRoleAssignment, $0) }
        case ("servicePrincipal", "appRoleAssignedTo"):
            return store.table(.appRoleAssignedTo(record.id)).all.map { (.appRoleAssignment, $0) }
        case ("directoryRole", "members"):
            return objects(store.linked(LinkAddress(owner: record.id, relation: .members)))
        case ("message", "attachments"):
            guard let owner else { return [] }
            return store.table(.attachments(owner: owner, message: record.id)).all.map { (.attachment, $0) }
        case (_, EntityKind.extended) where kind.hasETag:
            let kind = EntityKind("singleValueLegacyExtendedProperty", "id value")
            return (record[name]?.array ?? []).compactMap(\.object).map { (kind, .object($0)) }
        case ("driveItem", "children"):
            guard let drive = record["parentReference"]?["driveId"]?.string else { return [] }
            return store.table(.driveItems(drive)).all.filter { $0["parentReference"]?["id"]?.string == record.id }.map
            { (.driveItem, $0) }
        case ("listItem", "fields"), ("teamsAppInstallation", "teamsApp"),
            ("teamsAppInstallation", "teamsAppDefinition"):
            return nil
        default:
            if kind.isOpen { return [] }
            if let isList = EmptyLists(store: store).expands(name, in: call) { return isList ? [] : nil }
            throw GraphFailure(
                400, "BadRequest",
                "Parsing OData Select and Expand failed: Could not find a property named '\(name)' on type 'microsoft.graph.\(kind.name)'."
            )
        }
    }

    private func expandedObject(_ name: String, of record: Record) throws(GraphFailure) -> (EntityKind, Record)? {
        if name == "principal" {
            let holder = record["principalId"]?.string.flatMap { store.object($0) }
            return holder.map { (store.table($0.0).kind, $0.1) }
        }
        if name == "roleDefinition" {
            return store.roleDefinitions.first { $0.id == record["roleDefinitionId"]?.string }.map {
                (.roleDefinition, $0)
            }
        }
        if name == "policy" {
            let policies = ObservedContent(store: store).rolePolicies
            return policies.first { $0["id"] == record["policyId"] }.map {
                (EntityKind("unifiedRoleManagementPolicy", $0.keys.joined(separator: " ")), .object($0))
            }
        }
        guard name == "manager" else {
            return (record["fields"] ?? record[name])?.object.map {
                (EntityKind("fieldValueSet", $0.keys.joined(separator: " ")), .object($0))
            }
        }
        return store.managerID(record.id).flatMap { store.user($0) }.map { (.user, $0) }
    }
}

/// Decides whether a record matches a `$search` clause.
enum RecordSearch {
    static func matches(_ search: SearchExpression, _ record: Record, kind: EntityKind) -> Bool {
        search.matches { property, text in
            if let property, kind.types[property] != nil || property == "to" {
                return has(record, property == "to" ? "toRecipients" : property, text, kind: kind)
            }
            // In mail, an unknown word before a colon is part of the text.
            let text = property.map { "\($0):\(text)" } ?? text
            return kind.searched.contains { has(record, $0, text, kind: kind) }
        }
    }

    private static func has(_ record: Record, _ property: String, _ text: String, kind: EntityKind) -> Bool {
        guard let value = record[property] else { return false }
        let texts = strings(in: value)
        guard kind.isDirectoryObject else { return texts.contains { CaselessText.contains($0, text) } }
        guard property == "displayName" || property == "description" else {
            return texts.contains { CaselessText.hasPrefix($0, text) }
        }
        // Names are split into words; each requested word must be the beginning of one of them.
        let wanted = words(text)
        return texts.contains { candidate in
            let words = words(candidate)
            return !wanted.isEmpty
                && wanted.allSatisfy { start in words.contains { CaselessText.hasPrefix($0, start) } }
        }
    }

    /// Returns the words of a text.
    static func words(_ text: String) -> [String] {
        text.split { !$0.isLetter && !$0.isNumber }.map(String.init)
    }

    private static func strings(in value: JSONValue) -> [String] {
        switch value {
        case .string(let text): [text]
        case .array(let items): items.flatMap(strings)
        case .object(let members): members.values.flatMap(strings)
        default: []
        }
    }
}

/// Sorts rows by `$orderby`.
enum SortOrder {
    /// Returns the sorted rows; equal ones keep their order, and missing values come first.
    /// - Parameter value: returns the value of a row's property.
    static func sorted<Row>(
        _ rows: [Row], by keys: [QueryOptions.SortKey], _ value: (_ path: [String], _ row: Row) -> JSONValue
    ) -> [Row] {
        guard !keys.isEmpty else { return rows }
        let keyed = rows.enumerated().map { place, row in
            (place: place, keys: keys.map { Key(value($0.path, row)) }, row: row)
        }
        return keyed.sorted { left, right in
            for (position, key) in keys.enumerated() {
                let one = left.keys[position]
                let two = right.keys[position]
                if one.precedes(two) { return !key.descending }
                if two.precedes(one) { return key.descending }
            }
            return left.place < right.place
        }.map(\.row)
    }

    static func value(of path: [String], in record: Record) -> JSONValue {
        var value = path.first.flatMap { record[$0] } ?? .null
        for step in path.dropFirst() { value = value[step] ?? .null }
        return value
    }

    /// A value prepared for many comparisons.
    private enum Key {
        case nothing
        case flag(Bool)
        case number(Double)
        case text(String)

        init(_ value: JSONValue) {
            switch value {
            case .bool(let flag): self = .flag(flag)
            case .int, .double, .number: self = .number(value.double ?? 0)
            case .string(let text): self = .text(CaselessText.folded(text))
            default: self = .nothing
            }
        }

        private var rank: Int {
            switch self {
            case .nothing: 0
            case .flag: 1
            case .number: 2
            case .text: 3
            }
        }

        func precedes(_ other: Key) -> Bool {
            switch (self, other) {
            case (.flag(let left), .flag(let right)): !left && right
            case (.number(let left), .number(let right)): left < right
            case (.text(let left), .text(let right)): left < right
            default: rank < other.rank
            }
        }
    }
}
