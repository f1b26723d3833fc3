internal import MMCore
internal import MMHTTP
internal import MMIdentity

/// The effects of services' answers on the next requests.
extension ServiceGate {
    /// Records that an attempt was throttled, so that this call and all others wait.
    /// - Parameters:
    ///   - ending: how the attempt ended.
    ///   - wait: the policy's wait; `nil` when this call gives up, in which case the others still honour what the
    ///     service asked.
    mutating func slowDown(_ ending: RetryPolicy.Ending, _ wait: Duration?, sent: Timestamp) async {
        guard case .status(_, let asked) = ending, let wait = wait ?? asked else { return }
        await slowDown(for: wait, sent: sent)
    }

    /// Waits before a request is sent again, if the policy repeats it and the deadline leaves the time.
    /// - Parameters:
    ///   - ending: how the last attempt ended.
    ///   - wait: the policy's wait; `nil` when this call gives up.
    ///   - pause: waits without the gate.
    /// - Returns: whether to send it again.
    /// - Throws: what `pause` throws when the task is cancelled.
    mutating func waits(
        after ending: RetryPolicy.Ending, _ wait: Duration?, sent: Timestamp, until deadline: Deadline,
        _ pause: (Duration) async throws -> Void
    ) async throws -> Bool {
        if ending.isThrottling { await slowDown(ending, wait, sent: sent) }
        guard let wait, wait < deadline.remaining else { return false }
        // The gate itself waits before the next request, for this call and all others.
        if !ending.isThrottling { try await pause(wait) }
        return true
    }

    /// Applies what a successful response says about the next request.
    mutating func apply(_ advice: WaitAdvice, sent: Timestamp) async {
        if let wait = advice.untilReset, wait > .zero, wait <= longestWait {
            await slowDown(for: wait, sent: sent)
        } else {
            await goOn(sent: sent)
        }
    }
}

extension IdentityService {
    /// Returns a replacement for a token that a service has refused, with the claims that its answer demands.
    func token(
        insteadOf refused: AccessToken, at sent: Timestamp, answer fields: HTTPHeaders, for connection: Connection,
        deadline: Deadline
    ) async throws(MMError) -> AccessToken {
        try await token(
            insteadOf: refused.secret, at: sent, for: connection, resource: refused.resource,
            claims: BearerChallenge(fields.values(for: "WWW-Authenticate"))?.claims, deadline: deadline)
    }
}
