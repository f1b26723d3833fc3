import MMGuard

/// What a call may send: what it was judged, and perhaps confirmed, for.
struct CallGrant: Sendable {
    /// The call, as its audit line names it.
    let call: String
    /// The classes of the call's own verdict.
    let classes: GuardClassSet
    /// Whether a person confirmed it.
    let isConfirmed: Bool
    /// The policy of the connection for this caller.
    let policy: GuardPolicy

    /// The grant of a call that was let through.
    init(call: String, verdict: Verdict, policy: GuardPolicy) {
        self.call = call
        self.policy = policy
        isConfirmed = verdict.decision == .ask
        classes = isConfirmed ? verdict.classes.union([.read, .write]) : verdict.classes.union(.read)
    }

    /// Whether a request may be sent.
    func covers(_ intent: RequestIntent) -> Bool {
        let decision = intent.verdict(policy).decision
        if intent.isRead { return decision == .allow }
        let isUnclear = !intent.findings.allSatisfy { $0.kind == .classified }
        return intent.classes.isSubset(of: classes) && decision != .deny && (!isUnclear || isConfirmed)
    }
}
