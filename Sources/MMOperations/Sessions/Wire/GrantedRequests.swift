import MMCore
import MMEgress
import MMGuard

/// Judges what a session sends by what the call that runs in it was judged for. What it sends outside of calls only looks.
final class GrantedRequests: RequestJudge {
    private struct State {
        var grant: CallGrant?
        var traffic = CallTraffic()
        /// The calls of requests that are under way.
        var calls: [UInt64: String] = [:]
    }

    private let guards: CurrentGuard
    private let policy: GuardPolicy
    private let state = Mutex(State())

    /// A judge for one session.
    /// - Parameters:
    ///   - guards: the guard.
    ///   - policy: the connection's, for what is sent outside of calls.
    init(guards: CurrentGuard, policy: GuardPolicy) {
        self.guards = guards
        self.policy = policy
    }

    /// A call begins. Sessions are lent to one call at a time.
    func begin(_ grant: CallGrant) {
        state.withLock { state in
            state.grant = grant
            state.traffic = CallTraffic()
        }
    }

    /// The call has ended: what is sent from now on belongs to none.
    func end() -> CallTraffic {
        state.withLock { state in
            state.grant = nil
            return state.traffic
        }
    }

    /// The verdict on a request.
    func judge(_ request: DescribedRequest) async -> RequestVerdict {
        let intent: RequestIntent
        do throws(MMError) { intent = try guards.engine().intent(of: WireRequest(request)) } catch {
            return .refuse(class: "unknown", RequestRefusal(code: error.code.word, message: error.message))
        }
        let name = intent.classes.strictest.rawValue
        let line = "\(request.method) \(request.place.host)\(PathTemplate.of(request.target)) (\(name))"
        return state.withLock { state in
            guard let grant = state.grant else {
                if intent.isRead, intent.verdict(policy).decision == .allow { return .allow(class: name) }
                return .refuse(
                    class: name,
                    RequestRefusal(
                        code: "outside_call", message: "Between calls a session only reads: \(line) was not sent."))
            }
            state.calls[request.number] = grant.call
            // What comes behind a request that was held back may rest on it.
            guard grant.covers(intent), intent.isRead || state.traffic.heldBack.isEmpty else {
                let verdict = intent.verdict(grant.policy)
                state.traffic.heldBack.append(.init(line: line, verdict: verdict))
                return .refuse(
                    class: name,
                    RequestRefusal(
                        code: verdict.decision == .deny ? "denied" : "confirmation_needed",
                        message: "\(line) was not sent: the call was not judged for it."))
            }
            if !intent.isRead { state.traffic.changes.append((request.number, line)) }
            return .allow(class: name)
        }
    }

    /// A request has ended.
    /// - Returns: the call that it belongs to.
    func ended(_ record: EgressRecord) -> String? {
        state.withLock { state in
            if let place = state.traffic.changes.firstIndex(where: { $0.number == record.number }) {
                if record.wasSent {
                    state.traffic.changes[place].line += record.status == 0 ? "" : " → \(record.status)"
                } else {
                    state.traffic.changes.remove(at: place)
                }
            }
            return state.calls.removeValue(forKey: record.number) ?? state.grant?.call
        }
    }

    /// The session asked for a host that it may not reach.
    /// - Returns: the call that did, if one runs.
    func refused(host: String) -> String? {
        state.withLock { state in
            guard let grant = state.grant else { return nil }
            if !state.traffic.foreignHosts.contains(host) { state.traffic.foreignHosts.append(host) }
            return grant.call
        }
    }

    /// The call that runs.
    var call: String? { state.withLock { $0.grant?.call } }
}
