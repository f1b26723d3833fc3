import MMCore
import MMMCP
import MMNative
import MMOperations

/// The resources that a client can read by URI: connections, sessions, stored answers, the audit log.
///
/// A connection whose `mcps` list leaves out this server's name does not exist here, nor does anything that came from
/// it. Of a registry entry, only the members that a model needs to choose it are shown.
struct MCPResources: Sendable {
    private let service: any OperationService
    private let services: OperationServices
    private let calls: ClientCalls
    private let serverName: String

    /// Creates the resources of a user's files.
    /// - Parameters:
    ///   - service: carries out the operations behind the resources.
    ///   - services: the user's files.
    ///   - calls: identifies the readers.
    ///   - serverName: the name that connections' `mcps` lists are compared with.
    init(service: any OperationService, services: OperationServices, calls: ClientCalls, serverName: String) {
        self.service = service
        self.calls = calls
        self.services = services
        self.serverName = serverName
    }

    /// The resources that always exist.
    var fixed: [Resource] {
        [
            Resource(
                uri: "mm://connections", name: "connections", title: "Connections",
                description: "Names and descriptions of the available connections.", mimeType: "application/json"
            ) { (context) in [.json(try await connections(context), uri: "mm://connections")] },
            Resource(
                uri: "mm://sessions", name: "sessions", title: "Sessions",
                description: "Signed-in accounts and pending sign-ins of each connection.", mimeType: "application/json"
            ) { (context) in
                [.json(.object(SessionRow.members(of: try await sessions(context))), uri: "mm://sessions")]
            },
            Resource(
                uri: "mm://sign-ins", name: "sign-ins", title: "Pending sign-ins",
                description: "Codes, addresses and accounts of pending sign-ins.",
                mimeType: "application/json"
            ) { (context) in [try await signIns("mm://sign-ins", context)] },
            Resource(
                uri: "mm://jobs", name: "jobs", title: "Jobs",
                description: "Your background calls, including those that ended in the last hour.",
                mimeType: "application/json"
            ) { (context) in [.json(.object(JobRow.members(of: try await jobs(context))), uri: "mm://jobs")] },
            Resource(
                uri: "mm://audit/recent", name: "audit", title: "Recent calls",
                description:
                    "The newest 50 calls on these connections: time, operation, client and outcome.",
                mimeType: "application/json"
            ) { (context) in [.json(try recentCalls(context), uri: "mm://audit/recent")] },
        ]
    }

    /// The resource templates.
    var templates: [ResourceTemplate] {
        let handles: Completer = { (typed, _, context) in
            Completion.prefixed(typed, of: try visibleOutputs(context).map(\.handle))
        }
        return [
            ResourceTemplate(
                uriTemplate: "mm://connections/{name}", name: "connection", title: "A connection",
                description: "Description, guard policy and sessions of a connection.",
                mimeType: "application/json",
                completions: [
                    "name": { (typed, _, _) in
                        Completion.prefixed(typed, of: try visibleConnections().map(\.name))
                    }
                ]
            ) { (uri, blanks, context) in [try await connection(blanks["name"] ?? "", uri, context)] },
            ResourceTemplate(
                uriTemplate: "mm://jobs/{id}", name: "job", title: "A job",
                description: "Progress of a background call.", mimeType: "application/json",
                completions: [
                    "id": { (typed, _, context) in
                        Completion.prefixed(typed, of: try await jobs(context).map(\.handle))
                    }
                ]
            ) { (uri, blanks, context) in [try await job(blanks["id"] ?? "", uri, context)] },
            ResourceTemplate(
                uriTemplate: "mm://outputs/{id}", name: "output", title: "A stored answer",
                description: "The first page of a long answer; its _meta has the offset of the next page.",
                completions: ["id": handles]
            ) { (uri, blanks, context) in [try page(blanks["id"] ?? "", offset: "0", uri, context)] },
            ResourceTemplate(
                uriTemplate: "mm://outputs/{id}?offset={offset}", name: "output page",
                title: "A page of a stored answer",
                description: "A long answer, starting at this row, line or byte.", completions: ["id": handles]
            ) { (uri, blanks, context) in
                [try page(blanks["id"] ?? "", offset: blanks["offset"] ?? "", uri, context)]
            },
            ResourceTemplate(
                uriTemplate: "mm://cmdlets/{name}", name: "cmdlet", title: "A cmdlet",
                description: "Parameters of an Exchange or compliance cmdlet, and whether it reads or changes.",
                mimeType: "application/json",
                completions: [
                    "name": { (typed, _, _) in
                        let table = ExchangeTable.standard
                        return .prefixed(typed, of: Set(table.names(of: .exo) + table.names(of: .scc)).sorted())
                    }
                ]
            ) { (uri, blanks, _) in [.json(try CmdletReference.of(blanks["name"] ?? ""), uri: uri)] },
        ]
    }

    /// Returns the resources that come and go.
    func current(_ context: RequestContext) async throws(MMError) -> [Resource] {
        let connections = try visibleConnections().prefix(Self.mostListed).map { connection in
            let uri = Self.uri(ofConnection: connection.name)
            return Resource(
                uri: uri, name: connection.name, description: connection.description, mimeType: "application/json"
            ) { (context) in [try await self.connection(connection.name, uri, context)] }
        }
        let outputs = try visibleOutputs(context).prefix(Self.mostListed).map { stored in
            let uri = "mm://outputs/\(stored.handle)"
            return Resource(
                uri: uri, name: stored.handle,
                description:
                    "\(stored.total) \(stored.unit.rawValue) from \(stored.connection), until \(stored.expires.iso8601).",
                mimeType: Self.type(of: stored.unit), size: stored.bytes
            ) { (context) in [try page(stored.handle, offset: "0", uri, context)] }
        }
        let jobs = try await jobs(context).prefix(Self.mostListed).map { row in
            let uri = "mm://jobs/\(row.handle)"
            return Resource(
                uri: uri, name: row.handle, description: "\(row.operation), \(row.stateWord)",
                mimeType: "application/json"
            ) { (context) in [try await job(row.handle, uri, context)] }
        }
        return connections + outputs + jobs
    }

    private static let mostListed = 200

    // MARK: reading

    private func connections(_ context: RequestContext) async throws(MMError) -> JSONValue {
        let answer = try await service.call(.connections, [:], in: calls.call(for: context))
        guard case .value(let value) = answer.body else {
            throw MMError(.internalError, "The list of the connections is not a single value.")
        }
        return value
    }

    private func sessions(
        of connection: String? = nil, _ context: RequestContext
    ) async throws(MMError) -> [SessionRow] {
        try await service.status(of: connection, in: calls.call(for: context))
    }

    private func jobs(_ context: RequestContext) async throws(MMError) -> [JobRow] {
        try await service.jobs(in: calls.call(for: context))
    }

    private func job(_ id: String, _ uri: String, _ context: RequestContext) async throws(MMError) -> ResourceContents {
        guard let row = try await jobs(context).first(where: { $0.handle == id }) else {
            throw MMError(.notFound, "The job does not exist.")
        }
        return .json(.object(row.json), uri: uri)
    }

    private func signIns(_ uri: String, _ context: RequestContext) async throws(MMError) -> ResourceContents {
        let waiting = try await sessions(context).filter { $0.code != nil }
        return .json(["signIns": .array(waiting.map { .object($0.json) })], uri: uri)
    }

    private func connection(_ name: String, _ uri: String, _ context: RequestContext) async throws(MMError)
        -> ResourceContents
    {
        let connection = try services.registry.snapshot().connection(named: name, for: serverName)
        var shown: JSONObject = [
            "name": .string(connection.name), "description": .string(connection.description ?? ""),
            "guard": .string(connection.guardPolicy.name.rawValue), "readOnly": .bool(connection.isReadOnly),
        ]
        if !connection.tags.isEmpty { shown["tags"] = .array(connection.tags.map { .string($0) }) }
        shown["sessions"] = .array(try await sessions(of: name, context).map { .object($0.json) })
        return .json(.object(shown), uri: uri)
    }

    private func page(
        _ handle: String, offset text: String, _ uri: String, _ context: RequestContext
    ) throws(MMError) -> ResourceContents {
        guard let offset = Int(text), offset >= 0 else {
            throw MMError(
                .invalidInput, "The offset `\(text.prefix(20))` isn't an integer.",
                hint: "Count rows, lines or bytes from 0.")
        }
        let outputs = services.outputs.of(calls.call(for: context).caller)
        guard isVisible(try outputs.find(handle), try visibleNames()) else {
            // An output that may not be read is reported as missing.
            throw MMError(
                .notFound, "There is no stored output '\(handle.prefix(40))'.",
                hint: "Stored output is kept for a limited time: run the request again.")
        }
        let page = try outputs.page(handle, offset: offset, budget: .standard, layout: .compact)
        let isJSON = page.unit == .rows && page.cutAtByte == nil
        var contents = ResourceContents.text(page.text, uri: uri, mimeType: isJSON ? "application/json" : "text/plain")
        contents.meta = [
            "unit": .string(page.unit.rawValue), "offset": .int(Int64(page.offset)), "count": .int(Int64(page.count)),
            "total": .int(Int64(page.total)),
        ]
        if page.stored.isForeign {
            for (key, value) in ForeignContent.mark { contents.meta[key] = value }
        }
        if let next = page.nextOffset { contents.meta["next"] = .string("mm://outputs/\(handle)?offset=\(next)") }
        if let cut = page.cutAtByte { contents.meta["cutAtByte"] = .int(Int64(cut)) }
        return contents
    }

    /// The members of an audit line that a model sees.
    private static let shownKeys = [
        "time", "operation", "connection", "module", "outcome", "verdict", "rule", "surface", "client",
        "durationMilliseconds",
    ]

    private func recentCalls(_ context: RequestContext) throws(MMError) -> JSONValue {
        let names = try visibleNames()
        let principal = calls.call(for: context).caller.signedIn?.id
        let entries = try services.audit.entries(limit: 50) { entry in
            AuditedCall.isCall(entry) && (principal == nil || entry["principal"]?.string == principal)
                && entry["connection"]?.string.map { names.contains($0) } ?? false
        }
        let shown = entries.map { entry -> JSONValue in
            .object(JSONObject(Self.shownKeys.compactMap { key in entry[key].map { (key, $0) } }))
        }
        return ["calls": .array(shown)]
    }

    // MARK: what this server's name may see

    private func visibleConnections() throws(MMError) -> [Connection] {
        try services.registry.snapshot().visible(to: serverName)
    }

    private func visibleNames() throws(MMError) -> Set<String> { Set(try visibleConnections().map(\.name)) }

    private func visibleOutputs(_ context: RequestContext) throws(MMError) -> [StoredOutput] {
        let names = try visibleNames()
        return try services.outputs.of(calls.call(for: context).caller).list().filter { isVisible($0, names) }
    }

    private func isVisible(_ stored: StoredOutput, _ names: Set<String>) -> Bool {
        names.contains(stored.connection) || stored.connection == "/\(serverName)"
    }

    private static func type(of unit: OutputUnit) -> String { unit == .rows ? "application/json" : "text/plain" }

    /// Returns the URI of a connection, whose name may contain any character (RFC 3986, section 2.1).
    private static func uri(ofConnection name: String) -> String {
        "mm://connections/" + PercentCoding.encode(name, isPlain: PercentCoding.isSegmentByte)
    }
}
