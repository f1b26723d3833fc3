package import MMCore
package import MMGraph
package import MMGuard
import MMHTTP
package import MMIdentity
package import MMSystem

/// A connection's way to a service of requests, for operations: what only reads goes through as it is, everything else wants what
/// the guard has cleared.
///
/// Operations see the values of requests and answers alone, and no client that sends them: a second way to a service does not
/// compile there.
package struct GuardedClient: Sendable {
    private let client: GraphClient

    /// A client for a connection's requests to a service.
    /// - Parameter sharePointLabel: the SharePoint of the tenant, where it isn't the connection's own.
    /// - Throws: `.invalidInput` for an unknown cloud; `.unsupported` if the cloud has no host for the service.
    package init(
        identity: IdentityService, connection: Connection, service: RequestService = .graph,
        sharePointLabel: String? = nil
    ) throws(MMError) {
        client = try GraphClient(
            identity: identity, connection: connection, service: service, sharePointLabel: sharePointLabel)
    }

    private init(_ client: GraphClient) { self.client = client }

    /// The service that requests are sent to.
    package var service: RequestService { client.service }
    /// What its tokens are for.
    package var resource: ServiceResource { client.resource }

    /// The same client, which says in a sentence why it waits when the service asks to slow down.
    package func reportingWaits(to report: @escaping @Sendable (String) -> Void) -> GuardedClient {
        GuardedClient(client.reportingWaits(to: report))
    }

    // MARK: What would be sent

    /// Parses an endpoint as it was written: `GraphClient.target`.
    package func target(
        _ endpoint: String, query: [(name: String, value: String)] = []
    ) throws(MMError) -> RequestTarget {
        try client.target(endpoint, query: query)
    }

    /// The query that answers changes of a collection.
    package func changes(of target: RequestTarget) throws(MMError) -> RequestTarget { try client.changes(of: target) }

    /// How a file would be sent.
    package func plan(
        uploading file: FileReader, to endpoint: String, conflict: ConflictBehavior
    ) throws(MMError) -> FileUpload {
        try client.plan(uploading: file, to: endpoint, conflict: conflict)
    }

    /// How a file would be fetched.
    package func plan(downloading endpoint: String) throws(MMError) -> FileDownload {
        try client.plan(downloading: endpoint)
    }

    /// The request that lists a folder of a drive.
    package func listing(_ names: [String], in folder: DriveFolder) throws(MMError) -> GraphRequest {
        try folder.listing(names, of: client)
    }

    // MARK: Reading

    /// Sends a request of the house's own that only reads.
    /// - Throws: `.internalError` for one that does more; as `GraphClient.send`.
    package func read(
        _ request: GraphRequest, deadline: Deadline = .after(.seconds(300))
    ) async throws(MMError) -> GraphResponse {
        try Self.check(request)
        return try await client.send(request, deadline: deadline)
    }

    /// The pages of a list that the house reads, from the first or from a link of an earlier answer.
    package func readPages(
        _ request: GraphRequest, from link: String? = nil, limits: PageLimits = PageLimits(),
        deadline: Deadline = .after(.seconds(300))
    ) throws(MMError) -> GraphPages {
        try Self.check(request)
        return pages(request, link, limits, deadline)
    }

    /// Sends many requests at once, all of which only read.
    package func readBatch(
        _ parts: [BatchPart], deadline: Deadline = .after(.seconds(300))
    ) async throws(MMError) -> [BatchAnswer] {
        for part in parts { try Self.check(part.request) }
        return try await client.batch(parts, deadline: deadline)
    }

    private static func check(_ request: GraphRequest) throws(MMError) {
        if request.method == "GET" || request.method == "HEAD" { return }
        let verdict = EndpointIndex.standard.engine.judge(request.guarded, policy: .standard)
        guard verdict.guardClass == .read else {
            throw MMError(
                .internalError,
                "\(request.method) \(request.target.path) does more than read: it was not sent without the guard.")
        }
    }

    // MARK: What was cleared

    /// Sends a request that was cleared.
    /// - Throws: `.conflict` for one that was not; as `GraphClient.send`.
    package func send(
        _ request: GraphRequest, by cleared: Cleared<some RequestAct>, deadline: Deadline = .after(.seconds(300))
    ) async throws(MMError) -> GraphResponse {
        try cleared.check([request])
        return try await client.send(request, deadline: deadline)
    }

    /// The pages of a list, from the first or from a link of an earlier answer.
    package func pages(
        _ request: GraphRequest, by cleared: Cleared<some RequestAct>, from link: String? = nil,
        limits: PageLimits = PageLimits(), deadline: Deadline = .after(.seconds(300))
    ) throws(MMError) -> GraphPages {
        try cleared.check([request])
        return pages(request, link, limits, deadline)
    }

    private func pages(
        _ request: GraphRequest, _ link: String?, _ limits: PageLimits, _ deadline: Deadline
    ) -> GraphPages {
        guard let link else { return client.pages(request, limits: limits, deadline: deadline) }
        return client.pages(request, from: link, deadline: deadline)
    }

    /// Sends many requests at once.
    package func batch(
        _ parts: [BatchPart], by cleared: Cleared<some RequestAct>, deadline: Deadline = .after(.seconds(300)),
        progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws(MMError) -> [BatchAnswer] {
        try cleared.check(parts.map(\.request))
        return try await client.batch(parts, deadline: deadline, progress: progress)
    }

    /// Follows a request that the service goes on with to its end: `GraphClient.outcome`.
    package func outcome(
        of response: GraphResponse, to request: GraphRequest, deadline: Deadline,
        report: @escaping @Sendable (String) -> Void
    ) async throws(MMError) -> GraphResponse {
        try await client.outcome(of: response, to: request, deadline: deadline, report: report)
    }

    /// Sends a file.
    /// - Returns: what the service says of it; empty where it says nothing.
    package func upload(
        _ upload: FileUpload, by cleared: Cleared<some RequestAct>, deadline: Deadline,
        progress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws(MMError) -> [UInt8] {
        try cleared.check([upload.request])
        return try await client.upload(upload, deadline: deadline, progress: progress)
    }

    /// Fetches a file.
    package func download(
        _ plan: FileDownload, by cleared: Cleared<some RequestAct>, into folder: consuming FileDescriptor, name: String,
        path: String, conflict: ConflictBehavior, deadline: Deadline,
        progress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws(MMError) -> DownloadReceipt {
        try cleared.check(plan.requests)
        return try await client.download(
            plan, into: folder, name: name, path: path, conflict: conflict, deadline: deadline, progress: progress)
    }

    /// What lies in a folder of a drive; `nil` where there is no such folder.
    package func children(
        of folder: DriveFolder, _ listing: GraphRequest, by cleared: Cleared<some RequestAct>, deadline: Deadline
    ) async throws(MMError) -> [DriveFolder.Child]? {
        try cleared.check([listing])
        return try await folder.children(listing, of: client, deadline: deadline)
    }
}

extension GraphRequest {
    /// The request as the guard judges it.
    package var guarded: GuardedRequest {
        GuardedRequest(
            method: method, target: target, body: RequestBody(bytes: body ?? []), headerNames: Array(headers.keys))
    }
}

/// What is carried out by requests.
package protocol RequestAct: Sendable {
    /// Whether a request is what was judged, or a part of it.
    /// - Parameter verdict: what the guard said of the whole.
    func holds(_ request: GraphRequest, under verdict: Verdict) throws(MMError) -> Bool

    /// The first of several requests that is neither; `nil` where all are.
    func stranger(among requests: [GraphRequest], under verdict: Verdict) throws(MMError) -> GraphRequest?
}

extension RequestAct {
    package func stranger(
        among requests: [GraphRequest], under verdict: Verdict
    ) throws(MMError) -> GraphRequest? {
        for request in requests where try !holds(request, under: verdict) { return request }
        return nil
    }
}

/// What is carried out by cmdlets of Exchange.
package protocol CmdletAct: Sendable {
    /// Whether a cmdlet is what was judged, or a part of it.
    /// - Parameters:
    ///   - client: what would send it.
    ///   - verdict: what the guard said of the whole.
    func holds(
        _ command: ExchangeCommand, at client: GuardedExchange, under verdict: Verdict
    ) throws(MMError) -> Bool
}

/// Requests that were judged one by one: exactly these are sent.
extension [GraphRequest]: RequestAct {
    package func holds(_ request: GraphRequest, under verdict: Verdict) -> Bool { contains(request) }

    package func stranger(among requests: [GraphRequest], under verdict: Verdict) -> GraphRequest? {
        // Nearly always all of them, in their order.
        if requests == self { return nil }
        let known = Set(self)
        return requests.first { !known.contains($0) }
    }
}

extension Cleared where Act: RequestAct {
    /// Refuses requests that are no part of what was cleared.
    func check(_ requests: [GraphRequest]) throws(MMError) {
        guard let other = try act.stranger(among: requests, under: verdict) else { return }
        throw notJudged("\(other.method) \(other.target.path)")
    }
}

extension Cleared where Act: CmdletAct {
    /// Refuses a cmdlet that is no part of what was cleared.
    func check(_ command: ExchangeCommand, at client: GuardedExchange) throws(MMError) {
        guard try !act.holds(command, at: client, under: verdict) else { return }
        throw notJudged(command.cmdlet)
    }
}

extension Cleared {
    func notJudged(_ what: String) -> MMError {
        MMError(
            .conflict, "\(what) is not what was judged: it was not sent.",
            hint: "Make the call again, so that the guard sees what is sent.")
    }
}

/// A connection's way to the service of Exchange's cmdlets, for operations: cmdlets that only read go through as they are, all others
/// want what the guard has cleared.
package struct GuardedExchange: Sendable {
    private let client: ExchangeClient
    private let connection: Connection

    /// A client for a connection's cmdlets; nothing is sent yet.
    /// - Throws: `.invalidInput` for an unknown cloud; `.unsupported` if the cloud has no host for the service.
    package init(
        identity: IdentityService, connection: Connection, service: ExchangeService
    ) throws(MMError) {
        client = try ExchangeClient(identity: identity, connection: connection, service: service)
        self.connection = connection
    }

    /// The endpoint that runs the cmdlets.
    package var service: ExchangeService { client.service }
    /// Whose cmdlets they are.
    package var connectionName: String { client.connectionName }

    /// Whether an address is one of this service.
    package func serves(_ address: WebAddress) -> Bool { client.serves(address) }

    /// The cmdlets that the signed-in account may run.
    package func cmdlets(deadline: Deadline = .after(.seconds(60))) async throws(MMError) -> ExchangeCmdletList {
        try await client.cmdlets(deadline: deadline)
    }

    // MARK: Reading

    /// The rows that cmdlets put out which only read: `ExchangeClient.readings`.
    /// - Throws: `.internalError` where one of them does more.
    package func readings(
        of commands: [ExchangeCommand], deadline: Deadline,
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws(MMError) -> [Result<[ArraySlice<UInt8>], ExchangeFault>] {
        if let other = commands.first(where: { !$0.isReadOnly }) { throw Self.refusal(of: other) }
        return try await client.readings(of: commands, deadline: deadline, report: report)
    }

    /// The pages of a cmdlet that only reads.
    /// - Throws: `.internalError` for one that does more.
    package func readPages(
        _ command: ExchangeCommand, deadline: Deadline, report: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(MMError) -> ExchangePages {
        guard command.isReadOnly else { throw Self.refusal(of: command) }
        return client.pages(command, deadline: deadline, report: report)
    }

    /// The number of cmdlets that the service takes in one request.
    package static var largestBatch: Int { ExchangeClient.largestBatch }

    private static func refusal(of command: ExchangeCommand) -> MMError {
        MMError(.internalError, "\(command.cmdlet) does more than read: it was not sent without the guard.")
    }

    // MARK: What was cleared

    /// The pages of a cmdlet that was cleared. Nothing is sent until the first is asked for.
    /// - Throws: `.conflict` for one that was not.
    package func pages(
        _ command: ExchangeCommand, by cleared: Cleared<some CmdletAct>, deadline: Deadline,
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(MMError) -> ExchangePages {
        try cleared.check(command, at: self)
        return client.pages(command, deadline: deadline, report: report)
    }

    /// The request of a cmdlet as it would be sent, without a token.
    package func wireRequest(of command: ExchangeCommand) throws(MMError) -> WireRequest {
        let account = SignedInAccount(
            username: connection.expectedEmail ?? "account@tenant", objectID: "",
            tenantID: connection.tenantId ?? connection.tenant ?? "TENANT", homeAccountID: "")
        let sent = try client.preview(command, by: account)
        let host = sent.url.firstRange(of: "://").map { sent.url[$0.upperBound...].prefix { $0 != "/" } } ?? ""
        return WireRequest(
            service: .exchange, origin: String(sent.url[..<host.endIndex]), method: sent.method,
            target: String(sent.url[host.endIndex...]),
            headers: sent.headers.map { WireRequest.Field($0.name, $0.value) },
            body: .whole(sent.body ?? JSONWriter.bytes(command.body)))
    }
}
