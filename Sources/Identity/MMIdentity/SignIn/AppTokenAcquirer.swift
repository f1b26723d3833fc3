internal import MMCore

/// Obtains a token for a connection that signs in as an app: from the cache, or from its token source.
struct AppTokenAcquirer: RenewingAcquirer {
    let files: TokenFiles
    let source: any AppTokenSource
    let clock: WallClock
    let target: SignInTarget
    let resource: ServiceResource
    let options: TokenOptions
    var deadline: Deadline

    /// Obtains the token.
    func run() async throws(MMError) -> AccessToken {
        if options.renewal == .no, let usable = try await cached() { return usable.token }
        // One request at a time per connection, across all processes: the others use the token that the first one
        // obtained.
        let lock = try await files.locked(until: deadline)
        let token = try await runLocked()
        _ = consume lock
        return token
    }

    private func runLocked() async throws(MMError) -> AccessToken {
        if options.renewal == .no, let usable = try await cached() { return usable.token }
        if options.dropsRefused, let refused = options.refusedToken?.reveal() {
            try await files.cache.change(until: max(deadline, .after(.seconds(10)))) { document in
                document.remove(.accessToken) { $0["secret"]?.string == refused }
            }
        }
        return try await fetched()
    }

    /// Returns a cached token that can still be sent, but never the one that a service has just refused.
    func cached() async throws(MMError) -> UsableToken? {
        let now = clock.now.seconds
        guard options.claims == nil || options.refusedToken != nil, let entry = try await newest(),
            entry.secret != options.refusedToken, entry.isUsable(at: now)
        else { return nil }
        if options.claims != nil, entry.cachedAt < options.refusedAt { return nil }
        return UsableToken(token: try await checked(entry), isDue: entry.isDue(at: now))
    }

    /// Renews a token that can still be sent, unless another process is doing so or has done so.
    func renew() async throws(MMError) {
        try await files.unlessRenewed { () async throws(MMError) in
            if try await newest()?.isDue(at: clock.now.seconds) != false { _ = try await fetched() }
        }
    }

    private func fetched() async throws(MMError) -> AccessToken {
        let answer = try await source.token(target, resource, claims: options.claims, deadline: deadline)
        HeldSecrets.shared.hold(answer.accessToken)
        // Store nothing before the token is known to belong to the right app.
        let account = try check().app(of: answer.accessToken)
        let view = try await files.snapshot(target).view
        let place = TokenCacheView.Account(
            account: account, environment: view.usualEnvironment, realm: target.authority.tenant)
        let (resource, now) = (resource, clock.now)
        try await files.cache.change(until: max(deadline, .after(.seconds(10)))) { document in
            document.store(answer, for: place, in: view, resource: resource, refreshedFrom: nil, now: now)
        }
        try await pin(account)
        return AccessToken(
            secret: answer.accessToken, expiresAt: Timestamp(seconds: now.seconds + Int64(answer.expiresIn)),
            resource: resource, connection: target.connection, account: account)
    }

    private func checked(_ entry: TokenCacheView.AccessEntry) async throws(MMError) -> AccessToken {
        HeldSecrets.shared.hold(entry.secret)
        let account = try check().app(of: entry.secret)
        try await pin(account)
        return AccessToken(
            secret: entry.secret, expiresAt: Timestamp(seconds: entry.expiresOn), resource: resource,
            connection: target.connection, account: account)
    }

    /// Returns the newest token in the cache, valid or not.
    private func newest() async throws(MMError) -> TokenCacheView.AccessEntry? {
        let view = try await files.snapshot(target).view
        let app = SignedInAccount(username: "", objectID: "", tenantID: "", homeAccountID: "", appID: target.clientID)
        return view.accessToken(
            of: TokenCacheView.Account(
                account: app, environment: view.usualEnvironment, realm: target.authority.tenant),
            for: resource)
    }

    private func check() throws(MMError) -> IdentityCheck {
        IdentityCheck(target: target, pin: try files.pin(of: target))
    }

    /// Pins the connection to the app and tenant of the first sign-in, if the registry doesn't name them.
    private func pin(_ account: SignedInAccount) async throws(MMError) {
        guard target.clientID.isEmpty || target.authority.tenantID == nil else { return }
        try await files.pin(target, account, now: clock.now)
    }
}

/// Obtains tokens that can be renewed in the background while calls still use the old one.
protocol RenewingAcquirer: Sendable {
    /// The time at which to give up.
    var deadline: Deadline { get set }
    /// Returns a cached token that can still be sent.
    func cached() async throws(MMError) -> UsableToken?
    /// Renews the cached token, unless another process is doing so.
    func renew() async throws(MMError)
}

/// A cached token that can still be sent.
struct UsableToken: Sendable {
    let token: AccessToken
    /// Whether a new token should be obtained in the background.
    let isDue: Bool
}
