package import MMCore

extension IdentityService {
    /// Performs work that needs a sign-in; if one is missing, waits for a person to sign in and tries again.
    /// - Parameters:
    ///   - connection: the connection that signs in.
    ///   - resource: the service that the work uses.
    ///   - deadline: when to give up waiting.
    ///   - show: called with each code, and again as `signIn(to:)` does.
    ///   - work: the work; it throws `.signInNeeded` when someone has to sign in first.
    /// - Throws: what the work throws, and as `signIn`.
    package nonisolated func waitingForSignIn<Answer: Sendable>(
        to connection: Connection, resource: ServiceResource, deadline: Deadline = .never,
        show: @Sendable (SignInPrompt) async -> Void, _ work: () async throws(MMError) -> Answer
    ) async throws(MMError) -> Answer {
        // The cache may hold an unexpired token that the service refuses; it is accepted only for the first wait.
        for renewing in [false, true] {
            do throws(MMError) {
                return try await work()
            } catch {
                guard error.code == .signInNeeded else { throw error }
                _ = try await signIn(
                    to: connection, resource: resource, renewing: renewing, deadline: deadline, telling: show)
            }
        }
        return try await work()
    }

    /// Begins a sign-in, or asks the service about the one that is open, once it may be asked: who calls right after a
    /// person's approval isn't shown the same code once more.
    /// - Parameters:
    ///   - connection: the connection that signs in.
    ///   - resource: the service that the first token is for.
    ///   - renewing: whether to sign in again even if there are valid tokens.
    ///   - deadline: up to when to wait until the service may be asked.
    /// - Throws: as `beginSignIn`; `cancelled` when the task is cancelled.
    package func continueSignIn(
        _ connection: Connection, resource: ServiceResource = .graph, renewing: Bool = false, deadline: Deadline
    ) async throws(MMError) -> SignInProgress {
        try await awaitPoll(of: connection, until: deadline) { !renewing || $0.isRenewal }
        return try await beginSignIn(
            connection, resource: resource, renewing: renewing, deadline: min(deadline, .after(.seconds(60))))
    }

    /// Performs work that needs a sign-in, for a caller that doesn't wait for a person. If it is shown a code that was
    /// there before its call, it waits until the service may be asked, and tries again: the person may have approved
    /// it.
    /// - Parameters:
    ///   - connection: the connection that signs in.
    ///   - deadline: up to when to wait.
    ///   - work: the work; it throws `.signInNeeded` when someone has to sign in first.
    /// - Throws: what the work throws; `cancelled` when the task is cancelled.
    package nonisolated func awaitingApproval<Answer: Sendable>(
        of connection: Connection, until deadline: Deadline, _ work: () async throws(MMError) -> Answer
    ) async throws(MMError) -> Answer {
        let begun = clock.now.seconds
        do throws(MMError) { return try await work() } catch {
            guard error.code == .signInNeeded, error.details["userCode"] != nil,
                try await awaitPoll(of: connection, until: deadline, { $0.startedAt < begun })
            else { throw error }
        }
        return try await work()
    }

    /// Waits until the service may be asked about the connection's open sign-ins.
    /// - Parameter counts: whether a sign-in is one of those to wait for.
    /// - Returns: whether there was any.
    @discardableResult
    private func awaitPoll(
        of connection: Connection, until deadline: Deadline, _ counts: (PendingSignIn) -> Bool
    ) async throws(MMError) -> Bool {
        let target = try target(connection, .graph)
        let waits = try files(target).signIns(of: target).map(\.pending).compactMap { open -> Duration? in
            guard open.outcome == nil, counts(open) else { return nil }
            let wait = Timestamp(seconds: open.nextPollAt) - clock.now
            // A longer wait than the interval is one after a failure.
            return wait > .zero && wait <= .seconds(open.interval + 1) ? wait : nil
        }
        guard let due = waits.filter({ $0 < deadline.remaining }).max() else { return false }
        do { try await pause(due) } catch {
            throw MMError(.cancelled, "The sign-in of \(connection.name) was cancelled.")
        }
        return true
    }
}
