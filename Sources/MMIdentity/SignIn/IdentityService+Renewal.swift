internal import MMCore

extension IdentityService {
    /// How long a renewal beside calls may take. The calls don't wait for it.
    private static let renewalTime = Duration.seconds(60)
    /// How long nobody tries again after a renewal beside calls has failed.
    private static let restAfterFailure = Duration.seconds(30)

    /// Returns a cached token that can still be sent, and has a new one obtained beside its use when it is due, so that
    /// trouble of the sign-in service costs no call anything while there is a good token.
    func usable(
        _ target: SignInTarget, _ resource: ServiceResource, _ options: TokenOptions, _ acquirer: some RenewingAcquirer
    ) async throws(MMError) -> AccessToken? {
        guard options.renewal == .no, let usable = try await acquirer.cached() else { return nil }
        if usable.isDue { renew(target, resource, acquirer) }
        return usable.token
    }

    private func renew(_ target: SignInTarget, _ resource: ServiceResource, _ acquirer: some RenewingAcquirer) {
        let key = FlightKey(identity: target.identity, resource: resource, options: "renewal")
        guard renewals[key] == nil else { return }
        let log = log.from("identity").scoped(target.connection)
        let pace = ServicePace(renewalOf: target, resource, paths: paths, clock: clock, log: log)
        var acquirer = acquirer
        // The caller's deadline must not tear a request that renews the refresh token.
        acquirer.deadline = .after(Self.renewalTime)
        let (clock, work) = (clock, acquirer)
        renewals[key] = Task { [weak self] in
            if await pace.take() == nil {
                do throws(MMError) {
                    try await work.renew()
                } catch {
                    log.debug("the token is used up: it can't be renewed yet (\(error.message))")
                    await pace.slowDown(for: Self.restAfterFailure, sent: clock.now)
                }
            }
            await self?.renewalEnded(key)
        }
    }

    private func renewalEnded(_ key: FlightKey) { renewals[key] = nil }

    /// Waits for the renewals under way. A process does so before it ends: a refresh token that the service has renewed
    /// would be lost with it.
    package func finishRenewals(within limit: Duration = .seconds(5)) async {
        let tasks = Array(renewals.values)
        guard !tasks.isEmpty else { return }
        let flight = SharedRequest<Void> {
            for task in tasks { await task.value }
            return .success(())
        }
        try? await flight.value(of: "renewing sign-ins", until: .after(limit))
    }
}
