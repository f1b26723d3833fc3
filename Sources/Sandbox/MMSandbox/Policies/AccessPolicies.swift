internal import MMCore

/// The policies that every sign-in of the tenant meets, in front of all ways to sign in.
final class AccessPolicies {
    private(set) var policies: [AccessPolicy] = []
    var surroundings = Surroundings()
    private var lastID = 0

    /// Adds a policy.
    /// - Throws: a sentence that says what is wrong with its description.
    func add(_ description: JSONObject) throws(PolicyProblem) -> AccessPolicy {
        let policy = try AccessPolicy(id: lastID + 1, description)
        lastID += 1
        policies.append(policy)
        return policy
    }

    /// Removes all policies; everybody is in the office again, at any device.
    func clear() {
        policies = []
        surroundings = Surroundings()
    }

    /// What a person shows who signs in now: in a browser the second factor and any further step that is asked for.
    /// - Throws: what the service answers to whom a policy refuses.
    func begin(_ attempt: SignInAttempt, at now: Int64) throws(TokenFault) -> SignInSession {
        let asked = Set(applying(to: attempt).compactMap(\.grant))
        let session = SignInSession(
            flow: attempt.flow, began: now, device: attempt.flow == .browser ? surroundings.device : .unknown,
            hasSecondFactor: asked.contains(.mfa),
            hasExternalStep: attempt.flow == .browser && asked.contains(.external))
        try check(attempt, session, at: now, isRefresh: false)
        return session
    }

    /// Looks at a session again, for a new token.
    /// - Throws: what the service answers where a policy wants more than the session has shown.
    func goOn(_ attempt: SignInAttempt, _ session: SignInSession, at now: Int64) throws(TokenFault) {
        try check(attempt, session, at: now, isRefresh: true)
    }

    /// Looks at an app that signs in by itself: it has no device and no second factor, so only a block concerns it.
    func checkApp(_ attempt: SignInAttempt) throws(TokenFault) {
        if applying(to: attempt).contains(where: { $0.grant == .block }) { throw KnownTokenFaults.fault(53_003) }
    }

    private func applying(to attempt: SignInAttempt) -> [AccessPolicy] {
        policies.filter { $0.applies(to: attempt, in: surroundings) }
    }

    private func check(
        _ attempt: SignInAttempt, _ session: SignInSession, at now: Int64, isRefresh: Bool
    ) throws(TokenFault) {
        let applying = applying(to: attempt)
        let asked = Set(applying.compactMap(\.grant))
        if asked.contains(.block) { throw KnownTokenFaults.fault(53_003) }
        if asked.contains(.compliantDevice), session.device != .compliant {
            throw KnownTokenFaults.fault(session.device == .unknown ? 530_003 : 53_000)
        }
        if asked.contains(.joinedDevice), session.device != .joined { throw KnownTokenFaults.fault(53_001) }
        if asked.contains(.registeredDevice), session.device == .unknown { throw KnownTokenFaults.fault(50_097) }
        if asked.contains(.mfa), !session.hasSecondFactor { throw KnownTokenFaults.fault(50_076) }
        if asked.contains(.external), !session.hasExternalStep { throw KnownTokenFaults.fault(50_158) }
        if isRefresh, applying.contains(where: { policy in policy.frequency.map { now - session.began > $0 } ?? false })
        {
            throw KnownTokenFaults.fault(70_043)
        }
    }
}
