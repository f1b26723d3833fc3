package import MMCore
package import MMDesk
package import MMIdentity

/// The tenant of a connection as a source: Graph, Power Automate and Exchange Online with the connection's own sign-in.
package struct TenantSnapshotSource: SnapshotSource {
    private let graph: GuardedClient
    private let identity: IdentityService
    private let connection: Connection
    private let deadline: Deadline
    private let report: @Sendable (String) -> Void
    private let cmdlet: (@Sendable (String) async throws(MMError) -> [JSONValue])?

    /// Creates a source.
    /// - Parameters:
    ///   - identity: provides the access tokens.
    ///   - connection: the tenant's connection.
    ///   - deadline: the deadline of all requests.
    ///   - report: receives a sentence when a service asks to slow down.
    ///   - cmdlet: returns the output of a Teams cmdlet; `nil` where there is no session for it.
    /// - Throws: as the initialiser of `GuardedClient`.
    package init(
        identity: IdentityService, connection: Connection, deadline: Deadline,
        report: @escaping @Sendable (String) -> Void,
        cmdlet: (@Sendable (String) async throws(MMError) -> [JSONValue])?
    ) throws(MMError) {
        self.cmdlet = cmdlet
        graph = try GuardedClient(identity: identity, connection: connection).reportingWaits(to: report)
        (self.identity, self.connection, self.deadline, self.report) = (identity, connection, deadline, report)
    }

    package func pages(of kind: SnapshotKind) async throws(MMError) -> any SnapshotPages {
        switch kind.service {
        case .graph: return RequestPages(try pages(at: kind.path, with: graph))
        case .flow:
            let client = try GuardedClient(identity: identity, connection: connection, service: .flow)
                .reportingWaits(to: report)
            var all: [GraphPages] = []
            for path in try await paths(of: kind, with: client) { all += try pages(at: path, with: client) }
            return RequestPages(all)
        case .exchange, .compliance:
            let client = try GuardedExchange(
                identity: identity, connection: connection,
                service: kind.service == .compliance ? .compliance : .exchange)
            return CmdletPages(
                try client.readPages(Self.command(kind.path), deadline: deadline, report: report),
                connection: connection.name)
        case .teams:
            if let cmdlet { return RowPages(try await cmdlet(kind.path)) }
            throw MMError(
                .unsupported,
                "\(kind.title) can be read only with the PowerShell module, which needs its own session.",
                hint: "mm run \(ShellWord.quoted(connection.name)) teams '\(kind.path)'")
        }
    }

    package func related(_ paths: [String], of kind: SnapshotKind) async throws(MMError) -> [[JSONValue]] {
        if kind.service == .exchange { return try await relatedRows(paths) }
        var parts: [BatchPart] = []
        for (index, path) in paths.enumerated() {
            parts.append(BatchPart(id: String(index), request: try GraphRequest(target: try graph.target(path))))
        }
        var lists: [[JSONValue]] = []
        for (part, answer) in zip(parts, try await graph.readBatch(parts, deadline: deadline)) {
            // The object was deleted after its page was read.
            if answer.status == 404, answer.body["error"]?["code"]?.string == "Request_ResourceNotFound" {
                lists.append([])
                continue
            }
            guard answer.status < 400 else {
                throw MMError(
                    answer.status == 403 || answer.status == 401 ? .forbidden : .remoteFailed,
                    "graph answered \(answer.status) to GET \(part.request.target.path): "
                        + (answer.body["error"]?["message"]?.string ?? "no reason given"),
                    details: [
                        "service": "graph", "status": .int(Int64(answer.status)), "method": "GET",
                        "path": .string(part.request.target.path),
                        "code": answer.body["error"]?["code"] ?? .null,
                    ])
            }
            let rest = try await graph.readRest(of: part.request, after: answer.body, deadline: deadline)
            lists.append((answer.body["value"]?.array ?? []) + rest)
        }
        return lists
    }

    /// Returns the rows of cmdlets, ten of which are sent in one request.
    private func relatedRows(_ commands: [String]) async throws(MMError) -> [[JSONValue]] {
        let client = try GuardedExchange(identity: identity, connection: connection, service: .exchange)
        var lists: [[JSONValue]] = []
        for reading in try await client.readings(
            of: commands.map(Self.command), deadline: deadline, report: report)
        {
            do throws(ExchangeFault) {
                lists.append(try reading.get().compactMap { try? JSONParser.parse(Array($0)) })
            } catch {
                let failure = error.mmError(of: connection.name)
                guard failure.code == .notFound else { throw failure }
                lists.append([])
            }
        }
        return lists
    }

    package func names(of ids: [String]) async throws(MMError) -> [(id: String, name: String)] {
        var found: [(id: String, name: String)] = []
        for start in stride(from: 0, to: ids.count, by: Self.idsAtOnce) {
            let some = ids[start..<min(start + Self.idsAtOnce, ids.count)]
            let request = try Self.namesRequest(Array(some), with: graph)
            let answer = try await graph.read(request, deadline: deadline).json()
            for item in answer["value"]?.array ?? [] {
                guard let id = item["id"]?.string,
                    let name = item["userPrincipalName"]?.string ?? item["displayName"]?.string
                else { continue }
                found.append((id, name))
            }
        }
        return found
    }

    /// The maximum number of ids in a `getByIds` request.
    private static let idsAtOnce = 1000

    package func tenant() async throws(MMError) -> SnapshotTenant {
        let token = try await identity.token(for: connection, resource: .graph, deadline: deadline)
        var pages = RequestPages(try pages(at: "/organization?$select=id,verifiedDomains", with: graph))
        do throws(MMError) {
            let organization = try await pages.next()?.first ?? [:]
            return SnapshotTenant(id: token.account.tenantID, organization: organization)
        } catch {
            guard error.code == .forbidden else { throw error }
            return SnapshotTenant(id: token.account.tenantID, organization: [:])
        }
    }

    /// Returns the requests that read a kind from its own service, for the guard; all requests of a relation have the
    /// same form, so one stands for all.
    package static func requests(of kind: SnapshotKind, with client: GuardedClient) throws(MMError) -> [GraphRequest] {
        var requests: [GraphRequest] = []
        for path in [kind.within ?? kind.path] + kind.relations.map(\.path) {
            let written = path.replacing("{id}", with: "00000000-0000-0000-0000-000000000000")
            requests.append(try GraphRequest(target: try client.target(written)))
        }
        return requests
    }

    /// Returns the request for the names of directory objects, which only Graph provides.
    package static func namesRequest(_ ids: [String], with graph: GuardedClient) throws(MMError) -> GraphRequest {
        try GraphRequest(
            method: "POST",
            target: try graph.target("/directoryObjects/getByIds?$select=id,displayName,userPrincipalName"),
            json: ["ids": .array(ids.map { .string($0) })])
    }

    /// Parses a cmdlet with its parameters, written like a path with a query.
    package static func command(_ text: String) -> ExchangeCommand {
        let parts = text.split(separator: "?", maxSplits: 1)
        var command = ExchangeCommand(String(parts.first ?? ""))
        for option in parts.dropFirst().joined().split(separator: "&") {
            let pair = option.split(separator: "=", maxSplits: 1).map(String.init)
            guard pair.count == 2 else { continue }
            if pair[0] == "$select" {
                command.properties = pair[1].split(separator: ",").map(String.init)
            } else {
                command.parameters[pair[0]] = .string(pair[1])
            }
        }
        return command
    }

    private func pages(at path: String, with client: GuardedClient) throws(MMError) -> [GraphPages] {
        [try client.readPages(try GraphRequest(target: try client.target(path)), deadline: deadline)]
    }

    /// Returns the paths of a kind; one for each parent where its objects are contained in others.
    private func paths(of kind: SnapshotKind, with client: GuardedClient) async throws(MMError) -> [String] {
        guard let parents = kind.within else { return [kind.path] }
        var pages = RequestPages(try pages(at: parents, with: client))
        var paths: [String] = []
        while let page = try await pages.next() {
            for parent in page {
                guard let name = parent["name"]?.string else { continue }
                paths.append(
                    kind.path.replacing(
                        "{parent}", with: PercentCoding.encode(name, isPlain: PercentCoding.isSegmentByte)))
            }
        }
        return paths
    }
}

/// The pages of several collections, one after the other.
struct RequestPages: SnapshotPages {
    private var waiting: [GraphPages]
    private var current: GraphPages.Iterator?
    private var page = PageParts()

    init(_ collections: [GraphPages]) {
        waiting = collections.reversed()
    }

    mutating func next() async throws(MMError) -> [JSONObject]? {
        while true {
            if let part = page.next() { return part }
            if current == nil {
                guard let collection = waiting.popLast() else { return nil }
                current = collection.makeAsyncIterator()
            }
            guard let page = try await current?.next() else {
                current = nil
                continue
            }
            self.page = PageParts(page.items)
        }
    }
}

/// The objects of a page, some at a time: once parsed, they take many times the memory of their bytes.
struct PageParts {
    private static let atOnce = 50
    private var rest: ArraySlice<ArraySlice<UInt8>>

    init(_ items: [ArraySlice<UInt8>] = []) { rest = items[...] }

    /// Returns the next objects; `nil` after the last.
    mutating func next() -> [JSONObject]? {
        guard !rest.isEmpty else { return nil }
        defer { rest = rest.dropFirst(Self.atOnce) }
        return rest.prefix(Self.atOnce).compactMap { (try? JSONParser.parse(Array($0)))?.object }
    }
}

/// Rows that arrived in a single page.
struct RowPages: SnapshotPages {
    private var rows: [JSONObject]?

    init(_ rows: [JSONValue]) { self.rows = rows.compactMap(\.object) }

    mutating func next() async throws(MMError) -> [JSONObject]? {
        defer { rows = nil }
        return rows
    }
}

/// The pages of a cmdlet.
struct CmdletPages: SnapshotPages {
    private var pages: ExchangePages
    private var page = PageParts()
    private let connection: String

    init(_ pages: ExchangePages, connection: String) {
        (self.pages, self.connection) = (pages, connection)
    }

    mutating func next() async throws(MMError) -> [JSONObject]? {
        do throws(ExchangeFault) {
            while true {
                if let part = page.next() { return part }
                guard let next = try await pages.next() else { return nil }
                page = PageParts(next.rows)
            }
        } catch {
            throw error.mmError(of: connection)
        }
    }
}

extension ExchangeFault {
    /// Returns the error for a caller of Exchange Online.
    func mmError(of connection: String) -> MMError {
        switch self {
        case .failed(let error): error
        case .refused(let error): error.mmError(of: connection, .exchange)
        }
    }
}
