import MMCore
import MMDesk
import MMGuard
import MMIdentity

/// Where a call's requests are judged as they will be sent, a person is asked once for all of them, and what was cleared is carried
/// out: signed in, noted in the journal before and after.
struct Desk: Sendable {
    let watch: WriteWatch
    let module: String
    /// Whether the caller says that a person has confirmed it.
    let confirmed: Bool

    var client: GuardedClient { watch.client }
    var connection: Connection { watch.connection }
    var context: OperationContext { watch.context }
    private var guarding: GuardServices { watch.requests.guarding }

    // MARK: Judge

    /// What the guard says of requests as a whole; `nil` for none.
    func judge(_ requests: [GraphRequest]) throws(MMError) -> Verdict? {
        try guarding.verdict(on: requests, of: connection, confirmed: confirmed, in: context)
    }

    /// Whether one of the requests does more than read.
    func changes(_ requests: [GraphRequest]) throws(MMError) -> Bool {
        try judge(requests).map { $0.guardClass != .read || $0.decision != .allow } ?? false
    }

    // MARK: Clear

    /// Returns the requests when all are permitted.
    /// - Parameters:
    ///   - requests: what will be sent, in this order.
    ///   - lines: what a person is told beyond the requests, such as which file is sent.
    ///   - parameters: what a confirmation is bound to besides.
    ///   - changes: says what they change, for a person who is asked; it is not asked where they are denied.
    /// - Throws: as `Clearance.settle`.
    func clear(
        _ requests: [GraphRequest], lines: [String] = [], parameters: JSONObject = [:],
        changes: () async -> [String] = { [] }
    ) async throws(MMError) -> Cleared<[GraphRequest]> {
        guard let first = requests.first, let verdict = try judge(requests) else { return .nothing([]) }
        var parameters = parameters
        if requests.count == 1, !first.headers.isEmpty { parameters["headers"] = Self.headers(of: first) }
        let more = requests.count > 1 ? " and \(requests.count - 1) more" : ""
        let text = (requests.map { "\($0.method) \($0.target.pathAndQuery)" } + lines).joined(separator: "\n")
        var confirmation = ConfirmationRequest(
            on: connection, module: module, title: "\(first.method) \(first.target.path)\(more)", text: text,
            body: requests.count == 1 ? first.body ?? [] : Self.bodies(requests), parameters: parameters,
            verdict: verdict)
        if verdict.decision != .deny { confirmation.changes = await changes() }
        return try await Clearance(requests, confirmation).settle(in: context, with: guarding)
    }

    /// The bodies of several requests, as they are shown and a confirmation is bound to.
    static func bodies(_ requests: [GraphRequest]) -> [UInt8] {
        if requests.count == 1, requests[0].headers.isEmpty { return requests[0].body ?? [] }
        guard requests.contains(where: { $0.body != nil || !$0.headers.isEmpty }) else { return [] }
        return JSONWriter.bytes(
            .array(
                requests.map { request in
                    [
                        "request": .string("\(request.method) \(request.target.pathAndQuery)"),
                        "headers": headers(of: request),
                        "body": request.body.flatMap { try? JSONParser.parse($0) } ?? .null,
                    ]
                }))
    }

    private static func headers(of request: GraphRequest) -> JSONValue {
        .object(JSONObject(request.headers.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
    }

    // MARK: Carry out

    /// Does what needs the connection's sign-in; where a person has to sign in first, a call that waits for that waits here.
    func signedIn<Result: Sendable>(
        _ work: @Sendable () async throws(MMError) -> Result
    ) async throws(MMError) -> Result {
        try await watch.requests.identity.waitingForSignIn(
            to: connection, resource: client.resource, in: context, work)
    }

    /// Sends a file, and notes it in the journal.
    /// - Parameter write: what it changes.
    /// - Returns: what the service answered.
    func carryOut(
        _ upload: FileUpload, by cleared: Cleared<[GraphRequest]>, changing write: WriteWatch.Write,
        progress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws(MMError) -> [UInt8] {
        try await signedIn { () async throws(MMError) in
            // What can't be noted stops no write.
            var notes: [String] = []
            let entries = await watch.begin([write], notes: &notes)
            do throws(MMError) {
                let receipt = try await client.upload(
                    upload, by: cleared, deadline: context.deadline, progress: progress)
                await watch.end(entries, [.done(try? JSONParser.parse(receipt), etag: nil)])
                return receipt
            } catch {
                await watch.end(entries, [.failed(error)])
                throw error
            }
        }
    }
}

extension GuardServices {
    /// What the guard says of requests on a connection as a whole; `nil` for none.
    func verdict(
        on requests: [GraphRequest], of connection: Connection, confirmed: Bool = false, in context: OperationContext
    ) throws(MMError) -> Verdict? {
        let policy = policy(of: connection, in: context)
        let engine = try guards.engine()
        return .joined(requests.map { engine.judge($0.guarded, policy: policy, confirmed: confirmed) })
    }
}

/// Work whose words show less than it may send: each request and cmdlet of it is judged once more as it is sent, and none may be more
/// than the whole was let through for.
struct JudgedAgain: RequestAct, CmdletAct, ScriptAct {
    let guarding: GuardServices
    let policy: GuardPolicy
    /// What a refusal calls the work: "the script's text".
    let name: String
    /// The script, where the work is one.
    var script: String?
    /// Whether its words show every cmdlet, so that what was said of them was said of all.
    var showsCmdlets = false

    func holds(_ request: GraphRequest, under verdict: Verdict) throws(MMError) -> Bool {
        guard try guarding.guards.engine().judge(request.guarded, policy: policy).decision > verdict.decision else {
            return true
        }
        throw MMError(
            .denied,
            "\(request.method) \(request.target.path) is more than \(name) shows: it was not sent.",
            hint: "Write the path out, so that it is asked about before anything runs.")
    }

    func holds(
        _ command: ExchangeCommand, at client: GuardedExchange, under verdict: Verdict
    ) throws(MMError) -> Bool {
        if showsCmdlets || command.isReadOnly { return true }
        let intent = try guarding.guards.engine().intent(of: try client.wireRequest(of: command))
        guard intent.verdict(policy).decision > verdict.decision else { return true }
        throw MMError(
            .denied, "\(command.cmdlet) would change more than \(name) shows: it was not sent.",
            hint: "Write its parameters out, so that they are asked about before it runs.")
    }
}
