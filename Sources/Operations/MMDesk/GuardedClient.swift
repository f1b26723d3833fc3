package import MMCore
package import MMGraph
package import MMGuard
import MMHTTP
package import MMIdentity
package import MMSystem

/// The client that operations use for a connection's requests to a service. Requests that only read are sent as they
/// are; all others need a `Cleared` value from the guard.
///
/// Operations can import only the values of requests and answers, not the clients that send them, so code that bypasses
/// this type doesn't compile there.
package struct GuardedClient: Sendable {
    private let client: GraphClient

    /// Creates a client for a connection's requests to a service.
    /// - Parameter sharePointLabel: the label of the SharePoint host, if it isn't the connection's own.
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
    /// The resource that its access tokens are for.
    package var resource: ServiceResource { client.resource }

    /// Returns the same client, which reports in a sentence why it waits when the service asks it to slow down.
    package func reportingWaits(to report: @escaping @Sendable (String) -> Void) -> GuardedClient {
        GuardedClient(client.reportingWaits(to: report))
    }

    // MARK: Planning

    /// Parses an endpoint as the caller wrote it; see `GraphClient.target`.
    package func target(
        _ endpoint: String, query: [(name: String, value: String)] = []
    ) throws(MMError) -> RequestTarget {
        try client.target(endpoint, query: query)
    }

    /// Returns the delta query that returns the changes of a collection.
    package func changes(of target: RequestTarget) throws(MMError) -> RequestTarget { try client.changes(of: target) }

    /// Plans the upload of a file.
    package func plan(
        uploading file: FileReader, to endpoint: String, conflict: ConflictBehavior
    ) throws(MMError) -> FileUpload {
        try client.plan(uploading: file, to: endpoint, conflict: conflict)
    }

    /// Plans the download of a file.
    package func plan(downloading endpoint: String) throws(MMError) -> FileDownload {
        try client.plan(downloading: endpoint)
    }

    /// Returns the request that lists a folder of a drive.
    package func listing(_ names: [String], in folder: DriveFolder) throws(MMError) -> GraphRequest {
        try folder.listing(names, of: client)
    }

    // MARK: Reading

    /// Sends a request of this program's own that only reads.
    /// - Throws: `.internalError` for a request that does more; the errors of `GraphClient.send`.
    package func read(_ request: GraphRequest, deadline: Deadline) async throws(MMError) -> GraphResponse {
        try Self.check(request)
        return try await client.send(request, deadline: deadline)
    }

    /// Returns the pages of a list that this program reads.
    package func readPages(
        _ request: GraphRequest, limits: PageLimits = PageLimits(), deadline: Deadline
    ) throws(MMError) -> GraphPages {
        try Self.check(request)
        return client.pages(request, limits: limits, deadline: deadline)
    }

    /// Returns the items of a list that follow those of its first page, which came in a batch.
    package func readRest(
        of request: GraphRequest, after firstPage: JSONValue, deadline: Deadline
    ) async throws(MMError) -> [JSONValue] {
        try Self.check(request)
        guard let link = firstPage.object.flatMap(GraphPage.link(in:)) else { return [] }
        var pages = client.pages(request, from: link, deadline: deadline).makeAsyncIterator()
        var items: [JSONValue] = []
        while let page = try await pages.next() {
            items += page.items.compactMap { try? JSONParser.parse(Array($0)) }
        }
        return items
    }

    /// Sends several requests that only read as a batch.
    package func readBatch(_ parts: [BatchPart], deadline: Deadline) async throws(MMError) -> [BatchAnswer] {
        for part in parts { try Self.check(part.request) }
        return try await client.batch(parts, deadline: deadline)
    }

    private static func check(_ request: GraphRequest) throws(MMError) {
        if request.method == "GET" || request.method == "HEAD" { return }
        let verdict = EndpointIndex.standard.engine.judge(request.guarded, policy: .standard)
        guard verdict.guardClass == .read else {
            throw MMError(
                .internalError,
                "\(request.method) \(request.target.path) changes something and the guard hasn't cleared it: it was not sent."
            )
        }
    }

    // MARK: Cleared requests

    /// Sends a cleared request.
    /// - Throws: `.conflict` for a request that was not cleared; the errors of `GraphClient.send`.
    package func send(
        _ request: GraphRequest, by cleared: Cleared<some RequestAct>, deadline: Deadline
    ) async throws(MMError) -> GraphResponse {
        try cleared.check([request])
        return try await client.send(request, deadline: deadline)
    }

    /// Returns the pages of a list, from the first or from the next link of an earlier answer.
    package func pages(
        _ request: GraphRequest, by cleared: Cleared<some RequestAct>, from link: String? = nil,
        limits: PageLimits = PageLimits(), deadline: Deadline
    ) throws(MMError) -> GraphPages {
        try cleared.check([request])
        guard let link else { return client.pages(request, limits: limits, deadline: deadline) }
        return client.pages(request, from: link, deadline: deadline)
    }

    /// Sends several requests as a batch.
    /// - Returns: the answers, and why the last ones were not sent if the sign-in ended before, or the call was
    ///   cancelled.
    package func batch(
        _ parts: [BatchPart], by cleared: Cleared<some RequestAct>, deadline: Deadline,
        progress: @escaping @Sendable (Int) -> Void
    ) async throws(MMError) -> (answers: [BatchAnswer], end: MMError?) {
        try cleared.check(parts.map(\.request))
        return try await client.batchToItsEnd(parts, deadline: deadline, progress: progress)
    }

    /// Follows a long-running request to its end; see `GraphClient.outcome`.
    package func outcome(
        of response: GraphResponse, to request: GraphRequest, deadline: Deadline,
        report: @escaping @Sendable (String) -> Void
    ) async throws(MMError) -> GraphResponse {
        try await client.outcome(of: response, to: request, deadline: deadline, report: report)
    }

    /// Uploads a file.
    /// - Returns: the body of the service's answer, which may be empty.
    package func upload(
        _ upload: FileUpload, by cleared: Cleared<some RequestAct>, deadline: Deadline,
        progress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws(MMError) -> [UInt8] {
        try cleared.check([upload.request])
        return try await client.upload(upload, deadline: deadline, progress: progress)
    }

    /// Downloads a file.
    package func download(
        _ plan: FileDownload, by cleared: Cleared<some RequestAct>, into folder: consuming FileDescriptor, name: String,
        path: String, conflict: ConflictBehavior, deadline: Deadline,
        progress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws(MMError) -> DownloadReceipt {
        try cleared.check(plan.requests)
        return try await client.download(
            plan, into: folder, name: name, path: path, conflict: conflict, deadline: deadline, progress: progress)
    }

    /// Returns the children of a folder of a drive; `nil` if there is no such folder.
    package func children(
        of folder: DriveFolder, _ listing: GraphRequest, by cleared: Cleared<some RequestAct>, deadline: Deadline
    ) async throws(MMError) -> [DriveFolder.Child]? {
        try cleared.check([listing])
        return try await folder.children(listing, of: client, deadline: deadline)
    }
}

extension GraphRequest {
    /// The request in the form that the guard judges.
    package var guarded: GuardedRequest {
        GuardedRequest(
            method: method, target: target, body: RequestBody(bytes: body ?? []), headerNames: Array(headers.keys))
    }
}

/// An act that is carried out by requests.
package protocol RequestAct: Sendable {
    /// Returns whether a request is the judged one, or a part of what was judged.
    /// - Parameter verdict: the guard's verdict on the whole.
    func holds(_ request: GraphRequest, under verdict: Verdict) throws(MMError) -> Bool

    /// Returns the first of several requests for which `holds` is false; `nil` if there is none.
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

/// An act that is carried out by Exchange cmdlets.
package protocol CmdletAct: Sendable {
    /// Returns whether a cmdlet is the judged one, or a part of what was judged.
    /// - Parameters:
    ///   - client: the client that would send it.
    ///   - verdict: the guard's verdict on the whole.
    func holds(
        _ command: ExchangeCommand, at client: GuardedExchange, under verdict: Verdict
    ) throws(MMError) -> Bool
}

/// Requests that were judged one by one. Exactly these may be sent.
extension [GraphRequest]: RequestAct {
    package func holds(_ request: GraphRequest, under verdict: Verdict) -> Bool { contains(request) }

    package func stranger(among requests: [GraphRequest], under verdict: Verdict) -> GraphRequest? {
        // Nearly always all requests are sent, in their order.
        if requests == self { return nil }
        let known = Set(self)
        return requests.first { !known.contains($0) }
    }
}

extension Cleared where Act: RequestAct {
    /// Throws if a request is not part of the cleared act.
    func check(_ requests: [GraphRequest]) throws(MMError) {
        guard let other = try act.stranger(among: requests, under: verdict) else { return }
        throw notJudged("\(other.method) \(other.target.path)")
    }
}

extension Cleared where Act: CmdletAct {
    /// Throws if a cmdlet is not part of the cleared act.
    func check(_ command: ExchangeCommand, at client: GuardedExchange) throws(MMError) {
        guard try !act.holds(command, at: client, under: verdict) else { return }
        throw notJudged(command.cmdlet)
    }
}

extension Cleared {
    func notJudged(_ what: String) -> MMError {
        MMError(
            .conflict, "\(what) differs from what the guard judged: it was not sent.",
            hint: "Repeat the call, so that the guard judges what is sent.")
    }
}

/// The client that operations use for a connection's Exchange cmdlets. Cmdlets that only read are sent as they are; all
/// others need a `Cleared` value from the guard.
package struct GuardedExchange: Sendable {
    private let client: ExchangeClient
    private let connection: Connection

    /// Creates a client for a connection's cmdlets without sending anything.
    /// - Throws: `.invalidInput` for an unknown cloud; `.unsupported` if the cloud has no host for the service.
    package init(
        identity: IdentityService, connection: Connection, service: ExchangeService
    ) throws(MMError) {
        client = try ExchangeClient(identity: identity, connection: connection, service: service)
        self.connection = connection
    }

    /// The endpoint that runs the cmdlets.
    package var service: ExchangeService { client.service }
    /// The name of the connection.
    package var connectionName: String { client.connectionName }

    /// Returns whether an address belongs to this service.
    package func serves(_ address: WebAddress) -> Bool { client.serves(address) }

    /// Returns the cmdlets that the signed-in account may run.
    package func cmdlets(deadline: Deadline) async throws(MMError) -> ExchangeCmdletList {
        try await client.cmdlets(deadline: deadline)
    }

    // MARK: Reading

    /// Returns the output rows of cmdlets that only read; see `ExchangeClient.readings`.
    /// - Throws: `.internalError` if one of them does more.
    package func readings(
        of commands: [ExchangeCommand], deadline: Deadline,
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws(MMError) -> [Result<[ArraySlice<UInt8>], ExchangeFault>] {
        if let other = commands.first(where: { !$0.isReadOnly }) { throw Self.refusal(of: other) }
        return try await client.readings(of: commands, deadline: deadline, report: report)
    }

    /// Returns the output pages of a cmdlet that only reads.
    /// - Throws: `.internalError` for a cmdlet that does more.
    package func readPages(
        _ command: ExchangeCommand, deadline: Deadline, report: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(MMError) -> ExchangePages {
        guard command.isReadOnly else { throw Self.refusal(of: command) }
        return client.pages(command, deadline: deadline, report: report)
    }

    /// The number of cmdlets that the service takes in one request.
    package static var largestBatch: Int { ExchangeClient.largestBatch }

    private static func refusal(of command: ExchangeCommand) -> MMError {
        MMError(.internalError, "\(command.cmdlet) changes something and the guard hasn't cleared it: it was not sent.")
    }

    // MARK: Cleared requests

    /// Returns the output pages of a cleared cmdlet. Nothing is sent until the first page is requested.
    /// - Throws: `.conflict` for a cmdlet that was not cleared.
    package func pages(
        _ command: ExchangeCommand, by cleared: Cleared<some CmdletAct>, deadline: Deadline,
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(MMError) -> ExchangePages {
        try cleared.check(command, at: self)
        return client.pages(command, deadline: deadline, report: report)
    }

    /// Returns the request of a cmdlet as it would be sent, without an access token.
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
