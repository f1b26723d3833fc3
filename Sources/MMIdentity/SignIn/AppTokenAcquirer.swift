internal import MMCore

/// Obtains a token for a connection that signs in as an app: from the cache, or from its token source.
struct AppTokenAcquirer: Sendable {
    let files: TokenFiles
    let source: any AppTokenSource
    let clock: WallClock
    let target: SignInTarget
    let resource: ServiceResource
    let options: TokenOptions
    let deadline: Deadline

    /// Obtains the token.
    func run() async throws(MMError) -> AccessToken {
        if options.renewal == .no, let token = try await cached() { return token }
        let stale = try await newest()?.secret
        // One at a time per connection, across all processes: the others use the token that the first one obtained.
        let lock = try await FileLock(awaiting: files.cache.path, until: deadline)
        let token = try await fetched(unless: stale)
        _ = consume lock
        return token
    }

    /// Returns a cached token that is valid for at least five more minutes or has just replaced `stale`.
    func cached(insteadOf stale: Secret? = nil) async throws(MMError) -> AccessToken? {
        guard options.claims == nil || options.rejecting != nil, let entry = try await newest(),
            entry.secret != options.rejecting
        else { return nil }
        let now = clock.now.seconds
        let isReplaced = stale != nil && stale != entry.secret
        guard entry.expiresOn - now >= (isReplaced ? 5 : 300), entry.cachedAt <= now + 300 else { return nil }
        // After half of a long lifetime, a new token is recommended.
        if let refreshOn = entry.refreshOn, refreshOn <= now { return nil }
        if options.claims != nil, entry.cachedAt < options.rejectedAt { return nil }
        return try await checked(entry)
    }

    private func fetched(unless stale: Secret?) async throws(MMError) -> AccessToken {
        if options.renewal == .no, let token = try await cached(insteadOf: stale) { return token }
        let answer: TokenAnswer
        do {
            answer = try await source.token(target, resource, claims: options.claims, deadline: deadline)
        } catch {
            if error.isPassing, let token = try await stillGood() { return token }
            throw error.error
        }
        HeldSecrets.shared.hold(answer.accessToken)
        // Nothing is stored before the token is known to belong to the right app.
        let account = try check().app(of: answer.accessToken)
        let view = try await files.snapshot(target).view
        let place = TokenCacheView.Account(
            account: account, environment: view.usualEnvironment, realm: target.authority.tenant, isVouched: true)
        let (resource, now) = (resource, clock.now)
        try await files.cache.change(until: max(deadline, .after(.seconds(10)))) { document in
            document.store(answer, for: place, in: view, resource: resource, refreshedFrom: nil, now: now)
        }
        try await pin(account)
        return AccessToken(
            secret: answer.accessToken, expiresAt: Timestamp(seconds: now.seconds + Int64(answer.expiresIn)),
            resource: resource, connection: target.connection, account: account)
    }

    /// Returns the old token while it is valid and hasn't been refused, for use when the service is unavailable.
    private func stillGood() async throws(MMError) -> AccessToken? {
        guard options.claims == nil, let entry = try await newest(), entry.secret != options.rejecting,
            entry.expiresOn > clock.now.seconds + 5
        else { return nil }
        return try await checked(entry)
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
                account: app, environment: view.usualEnvironment, realm: target.authority.tenant, isVouched: true),
            for: resource)
    }

    private func check() throws(MMError) -> IdentityCheck {
        IdentityCheck(target: target, pin: try files.pin(of: target))
    }

    /// Pins what the registry leaves out, from the first sign-in.
    private func pin(_ account: SignedInAccount) async throws(MMError) {
        guard target.clientID.isEmpty || target.authority.tenantID == nil else { return }
        try await files.pin(target, account, now: clock.now)
    }
}
