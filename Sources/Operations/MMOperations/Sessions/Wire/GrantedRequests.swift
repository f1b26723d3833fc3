import MMCore
import MMEgress
import MMGuard

/// The judge of a session's requests, by what the running call may do. Requests outside calls may only read.
final class GrantedRequests: WireJudge {
    private struct State {
        var turn: CallTurn?
        /// The grant of the running call, or of requests between calls.
        var grant: RequestGrant
        var foreignHosts: [String] = []
        /// The number of the current turn, so that an answer after the end of its call doesn't count for the next one.
        var number = 0
        /// The calls of open requests, with their spans.
        var calls: [UInt64: (call: String, span: Span?)] = [:]
    }

    private let guards: CurrentGuard
    private let outside: RequestGrant
    private let connection: String?
    /// Looks up groups to which members are added; `nil` if that isn't possible.
    private let groups: SecurityGroups?
    private let state: Mutex<State>

    /// Creates the judge of one session.
    /// - Parameters:
    ///   - guards: the guard.
    ///   - policy: the connection's policy, for requests outside calls.
    ///   - connection: its name.
    ///   - groups: looks up groups to which members are added.
    init(
        guards: CurrentGuard, policy: GuardPolicy, connection: String? = nil, groups: SecurityGroups? = nil
    ) {
        self.groups = groups
        self.guards = guards
        self.connection = connection
        outside = .outsideCalls(policy: policy)
        state = Mutex(State(grant: outside))
    }

    /// The running call.
    var call: String? { state.withLock { $0.turn?.call } }

    /// Begins a call. Sessions are lent to one call at a time.
    func begin(_ turn: CallTurn) {
        state.withLock { state in
            state.turn = turn
            state.grant = turn.grant
            state.foreignHosts = []
            state.number += 1
        }
    }

    /// The maximum delay between a session's answer and the report that its request has ended.
    private static let longestNews = Duration.milliseconds(250)

    /// Waits for the ends of this call's requests, because a session may get an answer, and end its script, before the
    /// proxy reports it. Requests that are still open afterwards continue outside the call.
    func settle() async {
        let limit = Deadline.after(Self.longestNews)
        while hasOpenRequests, !limit.hasPassed, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(1))
        }
    }

    private var hasOpenRequests: Bool {
        state.withLock { state in
            guard let call = state.turn?.call else { return false }
            return state.calls.values.contains { $0.call == call }
        }
    }

    /// The requests that the call has sent and that were held back so far.
    var traffic: CallTraffic {
        state.withLock { CallTraffic(report: $0.grant.traffic, foreignHosts: $0.foreignHosts) }
    }

    /// Ends the call; later requests don't belong to it.
    func end() -> CallTraffic {
        state.withLock { state in
            defer {
                state.turn = nil
                state.grant = outside
            }
            return CallTraffic(report: state.grant.traffic, foreignHosts: state.foreignHosts)
        }
    }

    /// Returns the verdict on a request.
    func judge(_ request: DescribedRequest) async -> RequestVerdict {
        var intent: RequestIntent
        do throws(MMError) { intent = try guards.engine().intent(of: WireRequest(request)) } catch {
            return .refuse(class: "unknown", RequestRefusal(code: error.code.word, message: error.message))
        }
        if let groups, let widened = intent.widenedGroup {
            intent = intent.adding(await groups.findings(on: widened.group, until: .never))
        }
        let (judged, name) = (intent, intent.classes.strictest.rawValue)
        if let planned = state.withLock({ $0.turn?.planned }) {
            guard intent.classes.strictest == .read else { return .refuse(class: name, await planned.take(request)) }
            planned.reads(request)
        }
        let (outcome, turn, number) = state.withLock { state in
            if let turn = state.turn { state.calls[request.number] = (call: turn.call, span: turn.span) }
            return (state.grant.judge(judged, number: request.number), state.turn, state.number)
        }
        let intended = request.place.owner == .unknown ? request.place.host : nil
        switch outcome {
        case .allow: return .allow(class: name)
        case .refuse(let code, let message):
            return .refuse(class: name, refusal(code, message, unnamed: intended))
        case .hold(let question):
            return .hold(class: name) {
                let said = await turn?.answer(question) ?? .nobody
                let answer = Task.isCancelled ? .nobody : said
                guard let refusal = self.answered(question, answer, in: number) else { return nil }
                var way = ""
                if answer == .nobody, let turn, turn.goesOn, let pending = await turn.pending(question) {
                    way = " Ask them to run: mm confirm \(pending.token). Then send exactly the same request again."
                }
                return self.refusal(refusal.code, refusal.message + way, unnamed: intended)
            }
        }
    }

    /// Runs a cmdlet that the call's script calls in another session.
    func carryOut(cmdlet call: [UInt8]) async -> [UInt8] {
        guard let cmdlets = state.withLock({ $0.turn?.cmdlets }) else {
            return OtherSessions.refusal("No running call may use cmdlets of other modules.")
        }
        return await cmdlets.carryOut(call)
    }

    /// Returns a witness that records a request's change if the call needs that, and permits the parts of an upload
    /// that the request opens.
    func witness(of request: DescribedRequest) async -> RequestWitness? {
        let (journal, number) = state.withLock { ($0.turn?.journal, $0.number) }
        let noted = await journal?.witness(of: request)
        guard request.target.prefix(while: { $0 != "?" }).lowercased().hasSuffix("createuploadsession") else {
            return noted
        }
        return RequestWitness { [weak self] answer in
            if let body = answer?.body { self?.opened(body, at: request.place, in: number) }
            await noted?.ended(answer)
        }
    }

    /// Permits the parts of an upload that was opened: its address contains its own permission, which the service gave
    /// for a permitted request.
    private func opened(_ answer: [UInt8], at place: EgressPlace, in number: Int) {
        guard let address = (try? JSONParser.parse(answer))?["uploadUrl"]?.string else { return }
        state.withLock { state in
            if state.number == number { state.grant.opened(place.shown(address)) }
        }
    }

    /// Returns a refusal; for a host that nothing has named it says how the owner can name it.
    private func refusal(_ code: String, _ message: String, unnamed host: String?) -> RequestRefusal {
        guard let host, let connection else { return RequestRefusal(code: code, message: message) }
        refused(host: host)
        return RequestRefusal(
            code: code,
            message:
                "\(message) To allow it, if the host is yours: mm connections edit \(ShellWord.quoted(connection)) egress.allow=\(host)"
        )
    }

    /// Returns whether the call of a request is still running; connections that it opened end with it.
    func holds(_ number: UInt64) -> Bool {
        state.withLock { state in
            guard let call = state.calls[number]?.call else { return false }
            return state.turn?.call == call
        }
    }

    /// Continues a request that was held.
    private func answered(
        _ question: RequestQuestion, _ answer: RequestGrant.Answer, in number: Int
    ) -> RequestRefusal? {
        state.withLock { state in
            guard state.number == number, state.turn != nil else {
                return RequestRefusal(code: "outside_call", message: "The call that the request belonged to has ended.")
            }
            guard case .refuse(let code, let message) = state.grant.answered(question, answer) else { return nil }
            return RequestRefusal(code: code, message: message)
        }
    }

    /// Records that a request has ended.
    /// - Returns: the call that it belongs to.
    func ended(_ record: EgressRecord) -> String? {
        let owner: (call: String, span: Span?)? = state.withLock { state in
            // The session got the proxy's refusal, so the service's answer isn't known.
            let isCut = record.fault == MMEgress.WireFault.Kind.stopped.rawValue
            state.grant.ended(record.number, status: isCut ? 0 : record.status, wasSent: record.wasSent)
            return state.calls.removeValue(forKey: record.number) ?? state.turn.map { (call: $0.call, span: $0.span) }
        }
        owner?.span?.request(record)
        return owner?.call
    }

    /// Records that the session requested a host that it may not reach.
    func refused(host: String) {
        state.withLock { state in
            guard state.turn != nil, !state.foreignHosts.contains(host) else { return }
            state.foreignHosts.append(host)
        }
    }
}

extension Span {
    /// Records a request that a session sent during this call.
    fileprivate func request(_ record: EgressRecord) {
        var attributes: [(key: String, value: JSONValue)] = [
            ("http.request.method", .string(record.method)), ("url.template", .string(record.pathTemplate)),
            ("server.address", .string(record.host)), ("mm.session", .string(record.session)),
            ("mm.sent", .bool(record.wasSent)),
        ]
        if record.status > 0 { attributes.append(("http.response.status_code", .int(Int64(record.status)))) }
        if let name = record.requestClass { attributes.append(("mm.class", .string(name))) }
        let fault = record.fault ?? (record.status >= 400 ? "\(record.status)" : nil)
        if let fault { attributes.append(("error.type", .string(fault))) }
        past(
            "\(record.method) \(record.pathTemplate)", .client, begun: record.time, lasted: record.duration, attributes,
            fault: fault)
    }
}

/// The outcomes of a call's requests, for its caller.
struct CallTraffic: Sendable {
    /// The requests that were sent and held back.
    var report: CallReport
    /// Hosts that the session may not reach.
    var foreignHosts: [String]
    /// The pending confirmation of the requests that were held back.
    var pending: PendingConfirmation?

    /// The call's error if some of its requests were held back, otherwise `nil`.
    var error: MMError? {
        if let error = report.error(pending: pending) { return error }
        guard let first = report.held.first else { return nil }
        return MMError(
            .denied, "Denied: the script wanted to send \(first.line). It was not sent.",
            hint: "The connection's policy never allows it.", details: report.details)
    }

    /// Returns the notes for an answer.
    func notes(connection: String) -> [String] {
        notes {
            "The session is not allowed to reach \($0). To allow it: mm connections edit \(ShellWord.quoted(connection)) "
                + "egress.allow=\($0)"
        }
    }

    /// The notes for the end of a program of `mm exec`, which can be allowed a host for only that run.
    var notesOfProgram: [String] {
        notes { "The program is not allowed to reach \($0). To allow it: mm exec --host \($0) …" }
    }

    private func notes(of foreignHost: (String) -> String) -> [String] {
        report.notes + foreignHosts.prefix(5).map(foreignHost)
    }
}
