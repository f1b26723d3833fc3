package import MMCore
package import MMGuard

/// One confirmation for several calls: one to each of several connections, or one for each row of a tool's step. First
/// each call is made up to the guard and judged by its connection's own policy; then a person is asked once about all
/// of them; then each call is allowed if it is exactly what was judged.
package final class JointClearance: Sendable {
    private enum Phase {
        /// Calls are only judged.
        case judging
        /// Judged calls are allowed.
        case permitted
        /// Each call is judged separately, and no person can be asked.
        case apart
    }

    private struct State {
        var requests: [(digest: String, request: ConfirmationRequest)] = []
        var phase = Phase.judging
        /// The answer of the people who were asked.
        var answer: (cleared: Cleared<[ConfirmationRequest]>, digest: String, people: JSONValue?)?
    }

    private let state = Mutex(State())
    private let refusesOthers: Bool

    /// - Parameter refusesOthers: whether a call that wasn't judged is refused; otherwise it is judged when it is made.
    init(refusesOthers: Bool = true) { self.refusesOthers = refusesOthers }

    /// Records the request of a call while judging; afterwards returns the consent that people have given to it
    /// together with the others.
    /// - Returns: `nil` where the call is judged separately.
    /// - Throws: `cancelled` while calls are only judged; `conflict` for a request that was not judged.
    func consent(
        to request: ConfirmationRequest, in context: OperationContext
    ) throws(MMError) -> Consent? {
        let (phase, known, answer) = state.withLock { state in
            let digest = request.digest
            if case .judging = state.phase { state.requests.append((digest, request)) }
            return (state.phase, state.requests.first { $0.digest == digest }?.request, state.answer)
        }
        switch phase {
        case .judging: throw MMError(.cancelled, "Judged; nothing was sent.")
        case .apart: return nil
        case .permitted: break
        }
        guard let known else {
            guard refusesOthers else { return nil }
            throw MMError(
                .conflict, "The requests differ from what the guard judged: nothing was sent.",
                hint: "Repeat the call.")
        }
        guard Self.asks(about: known), let answer else { return nil }
        context.record.note("confirmedBy", "together")
        context.record.note("confirmedDigest", .string(answer.digest))
        if let people = answer.people { context.record.note("approvedBy", people) }
        return answer.cleared.consent(to: known)
    }

    /// Whether the call to a connection was judged.
    func hasJudged(_ connection: String) -> Bool { request(to: connection) != nil }

    private func request(to connection: String) -> ConfirmationRequest? {
        requests.first { $0.connection == connection }
    }

    /// Whether a person has to be asked: a change of several tenants at once always needs a confirmation.
    private static func asks(about request: ConfirmationRequest) -> Bool {
        request.verdict.decision == .ask || request.verdict.guardClass != .read
    }

    /// Whether the call to a connection changes something there.
    func changes(_ connection: String) -> Bool {
        request(to: connection).map { $0.verdict.guardClass != .read } ?? false
    }

    /// Hands the permission for one connection to the node that carries its call out, as a confirmation of exactly this
    /// call, to be used there.
    /// - Returns: the request that was handed over; `nil` where the call needs no confirmation.
    /// - Throws: `unavailable` where the nodes share no confirmations.
    package func handOver(
        _ connection: String, in ledger: ConfirmationLedger
    ) async throws(MMError) -> ConfirmationRequest? {
        guard case .permitted = state.withLock({ $0.phase }), let request = request(to: connection),
            request.verdict.decision == .ask
        else { return nil }
        try await ledger.grant(request, by: Approver(person: ThisProcess.login, means: "together"))
        return request
    }

    /// Allows the calls.
    func permit() { state.withLock { $0.phase = .permitted } }

    /// Allows the calls after a confirmation.
    /// - Parameters:
    ///   - cleared: the requests that were confirmed together.
    ///   - digest: the digest of the question, as in the audit log.
    ///   - people: the people who confirmed.
    func permit(_ cleared: Cleared<[ConfirmationRequest]>, with digest: String, approvedBy people: JSONValue?) {
        state.withLock { state in
            (state.phase, state.answer) = (.permitted, (cleared, digest, people))
        }
    }

    /// The judged requests of the calls.
    var requests: [ConfirmationRequest] { state.withLock { $0.requests.map(\.request) } }

    /// The clearance for calls that change nothing: each is judged when it is made.
    static var forReads: JointClearance {
        let clearance = JointClearance()
        clearance.state.withLock { $0.phase = .apart }
        return clearance
    }

    /// Returns the error if the guard denies any call, so that none is made.
    func refusal() -> MMError? {
        Self.refusal(of: requests)
    }

    /// Returns the error if the guard denies any of several requests, so that none is sent.
    static func refusal(of requests: [ConfirmationRequest]) -> MMError? {
        let denied = requests.filter { $0.verdict.decision == .deny }.sorted { $0.connection < $1.connection }
        guard let first = denied.first, var error = first.verdict.error() else { return nil }
        let names = denied.map(\.connection)
        error.message =
            "Nothing was sent to any connection, because the guard denies it in \(list(names)). " + error.message
        error.hint = [error.hint, "To exclude \(names.count == 1 ? "it" : "them"), add ,-NAME to the selection."]
            .compactMap(\.self).joined(separator: " ")
        error.details["connections"] = .array(names.map { .string($0) })
        return error
    }

    /// Returns the question about all calls; `nil` where no confirmation is needed. A confirmation is bound to exactly
    /// these connections, their tenants, and the requests to each.
    /// - Parameter members: the connections, in order.
    func question(about members: [SetFolder.Member]) -> ConfirmationRequest? {
        Self.question(about: members.compactMap { member in request(to: member.name).map { (member, $0) } })
    }

    /// Returns the question about requests to several connections; `nil` where no confirmation is needed.
    static func question(
        about all: [(member: SetFolder.Member, request: ConfirmationRequest)]
    ) -> ConfirmationRequest? {
        guard all.contains(where: { asks(about: $0.request) }), let first = all.first?.request,
            let joined = Verdict.joined(all.map(\.request.verdict))
        else { return nil }
        let verdict = joined.asking(
            by: "several-connections",
            because: all.count == 1
                ? "It is the rest of a change in several connections."
                : "It changes something in \(all.count) connections at once.")
        var groups: [(request: ConfirmationRequest, names: [String])] = []
        for (member, request) in all {
            let title = member.tenant.isEmpty ? member.name : "\(member.name) (\(member.tenant))"
            if let place = groups.firstIndex(where: { Self.isAlike($0.request, request) }) {
                groups[place].names.append(title)
            } else {
                groups.append((request, [title]))
            }
        }
        let texts = groups.map { group in
            let count = group.names.count
            return
                (["In \(count.counted("connection")):"] + group.names.map { "  " + $0 }
                + ["", group.request.text]
                + (groups.count > 1 && !group.request.body.isEmpty
                    ? [String(decoding: group.request.body, as: UTF8.self)] : []))
                .joined(separator: "\n")
        }
        var parameters = groups.count == 1 ? first.parameters : [:]
        parameters["allOfIt"] = .string(Self.digest(all.map { ($0.member, $0.request.digest) }))
        var question = ConfirmationRequest(
            connection: Self.list(all.map(\.member.name)), module: first.module,
            title: "\(first.title) in \(all.count) connections", text: texts.joined(separator: "\n\n"),
            body: groups.count == 1 ? first.body : [], parameters: parameters, verdict: verdict)
        question.check = all.map(\.request.check).max() ?? .terminal
        question.approvals = all.map(\.request.approvals).max() ?? 1
        question.changes = all.flatMap { member, request in request.changes.map { "\(member.name): \($0)" } }
        return question
    }

    private static func isAlike(_ one: ConfirmationRequest, _ other: ConfirmationRequest) -> Bool {
        one.module == other.module && one.text == other.text && one.body == other.body
            && one.parameters == other.parameters
    }

    /// Returns the digest of the connections, their tenants and requests.
    private static func digest(_ parts: [(SetFolder.Member, String)]) -> String {
        let list = parts.map { member, digest -> JSONValue in
            [.string(member.name), .string(member.tenant), .string(digest)]
        }
        return Hex.text(SHA256.digest(JSONWriter.bytes(.array(list))))
    }

    /// Returns names in words; of more than four only the first three.
    static func list(_ names: [String]) -> String {
        guard names.count > 4 else { return names.joined(separator: ", ") }
        return names.prefix(3).joined(separator: ", ") + " and \(names.count - 3) more"
    }
}
