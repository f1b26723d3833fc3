import MMCore
import MMDesk
import MMGuard
import MMIdentity

/// The handling of a call's requests: they are judged as they will be sent, a person is asked once for all of them, and
/// the cleared ones are carried out, signed in and noted in the journal before and after.
struct Desk: Sendable {
    let watch: WriteWatch
    let module: String
    /// Whether the caller claims that a person has confirmed the requests.
    let confirmed: Bool

    var client: GuardedClient { watch.client }
    var connection: Connection { watch.connection }
    var context: OperationContext { watch.context }
    private var guarding: GuardServices { watch.requests.guarding }

    // MARK: Judge

    /// Returns the guard's joint verdict on requests; `nil` if there are none.
    func judge(_ requests: [GraphRequest]) throws(MMError) -> Verdict? {
        try guarding.verdict(on: requests, of: connection, confirmed: confirmed, in: context)
    }

    /// Returns whether one of the requests does more than read.
    func changes(_ requests: [GraphRequest]) throws(MMError) -> Bool {
        try judge(requests).map { $0.guardClass != .read || $0.decision != .allow } ?? false
    }

    // MARK: Clear

    /// Returns the requests if all are permitted.
    /// - Parameters:
    ///   - requests: the requests, in the order in which they will be sent.
    ///   - lines: further lines that a person is shown, such as the file that is sent.
    ///   - parameters: further values that a confirmation is bound to.
    ///   - changes: returns what the requests change, to be shown to a person; not called if the requests are denied.
    /// - Throws: the errors of `Clearance.settle` and of `changes`.
    func clear(
        _ requests: [GraphRequest], lines: [String] = [], parameters: JSONObject = [:],
        changes: () async throws(MMError) -> [String] = { () async throws(MMError) in [] }
    ) async throws(MMError) -> Cleared<[GraphRequest]> {
        guard let first = requests.first, let verdict = try judge(requests) else { return .nothing([]) }
        record(requests)
        var parameters = parameters
        if requests.count == 1, !first.headers.isEmpty { parameters["headers"] = Self.headers(of: first) }
        let more = requests.count > 1 ? " and \(requests.count - 1) more" : ""
        let text = (requests.map { "\($0.method) \($0.target.pathAndQuery)" } + lines).joined(separator: "\n")
        var confirmation = ConfirmationRequest(
            on: connection, module: module, title: "\(first.method) \(first.target.path)\(more)", text: text,
            body: requests.count == 1 ? first.body ?? [] : Self.bodies(requests), parameters: parameters,
            verdict: verdict)
        if verdict.decision != .deny { confirmation.changes = try await changes() }
        return try await Clearance(requests, confirmation).settle(in: context, with: guarding)
    }

    /// Notes the requests for the audit log as they will be sent; of several, the first write stands for the call.
    private func record(_ requests: [GraphRequest]) {
        guard let first = requests.first else { return }
        let chief = requests.first { $0.method != "GET" } ?? first
        context.record.note("method", .string(chief.method))
        context.record.note("path", .string(chief.target.path))
        let items =
            requests.count > 1
            ? BatchItems(requests)
            : BatchItems(of: first.body.flatMap { try? JSONParser.parse($0) }, at: first.target)
        if let items { context.record.note("items", items.json) }
    }

    /// Returns the bodies of several requests in the form that is shown and that a confirmation is bound to.
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

    /// Does work that needs the connection's sign-in. If a person has to sign in first, a call that waits for sign-ins
    /// waits here.
    func signedIn<Result: Sendable>(
        _ work: @Sendable () async throws(MMError) -> Result
    ) async throws(MMError) -> Result {
        try await watch.requests.identity.waitingForSignIn(
            to: connection, resource: client.resource, in: context, work)
    }

    /// Uploads a file and notes the change in the journal.
    /// - Parameter write: the write with the change that the upload makes.
    /// - Returns: the service's answer.
    func carryOut(
        _ upload: FileUpload, by cleared: Cleared<[GraphRequest]>, changing write: WriteWatch.Write,
        progress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws(MMError) -> [UInt8] {
        try await signedIn { () async throws(MMError) in
            // A failure to write the note must not stop the write itself.
            var notes: [String] = []
            let entries = try await watch.begin([write], notes: &notes)
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
    /// Returns the guard's joint verdict on requests for a connection; `nil` if there are none.
    func verdict(
        on requests: [GraphRequest], of connection: Connection, confirmed: Bool, in context: OperationContext
    ) throws(MMError) -> Verdict? {
        try guards.engine().judge(
            requests.map(\.guarded), policy: policy(of: connection, in: context), confirmed: confirmed)
    }
}

/// Work, such as a script, whose text doesn't show everything that it may send. Each of its requests and cmdlets is
/// judged again when it is sent, and none may have a stricter verdict than the work as a whole.
struct JudgedAgain: RequestAct, CmdletAct, ScriptAct {
    let guarding: GuardServices
    let policy: GuardPolicy
    /// The name of the work in refusals, such as "the script's text".
    let name: String
    /// The script, if the work is one.
    var script: String?
    /// Whether the text shows every cmdlet, so that the verdict on the text covers all of them.
    var showsCmdlets = false

    func holds(_ request: GraphRequest, under verdict: Verdict) throws(MMError) -> Bool {
        if Self.covers(try guarding.guards.engine().judge(request.guarded, policy: policy), by: verdict) { return true }
        throw MMError(
            .denied,
            "\(request.method) \(request.target.path) was not part of what the guard judged for \(name): it was not sent.",
            hint: "Write the whole path in the script, so that the guard judges it before anything runs.")
    }

    /// Returns whether the verdict on a part is no stricter than that on the whole. What a person confirmed may send
    /// the classes that it showed, and plain changes.
    private static func covers(_ part: Verdict, by whole: Verdict) -> Bool {
        guard part.decision == whole.decision, part.decision == .ask else { return part.decision <= whole.decision }
        return part.classes.subtracting([.read, .write]).isSubset(of: whole.classes)
    }

    func holds(
        _ command: ExchangeCommand, at client: GuardedExchange, under verdict: Verdict
    ) throws(MMError) -> Bool {
        if showsCmdlets || command.isReadOnly { return true }
        let intent = try guarding.guards.engine().intent(of: try client.wireRequest(of: command))
        if Self.covers(intent.verdict(policy), by: verdict) { return true }
        throw MMError(
            .denied, "\(command.cmdlet) would change more than the guard judged for \(name): it was not sent.",
            hint: "Write its parameters in the script, so that the guard judges them before anything runs.")
    }
}

/// The work that a rehearsal stands for, with the guard's verdict on it. What the work's own run would refuse, its
/// rehearsal refuses too.
struct RehearsedWork: Sendable {
    let act: JudgedAgain
    let verdict: Verdict

    /// Throws if a request has a stricter verdict than the work.
    func check(_ request: GraphRequest) throws(MMError) { _ = try act.holds(request, under: verdict) }

    /// Throws if a cmdlet has a stricter verdict than the work.
    func check(_ command: ExchangeCommand, at client: GuardedExchange) throws(MMError) {
        _ = try act.holds(command, at: client, under: verdict)
    }
}
