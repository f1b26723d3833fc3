internal import MMCore
internal import MMHTTP

/// Obtains a token for one connection and resource: from the cache, by a refresh, or by continuing a sign-in.
struct TokenAcquirer: RenewingAcquirer {
    /// The result of acquiring a token.
    enum Outcome: Sendable {
        case token(AccessToken)
        /// A person must approve first, according to the service; it may be asked again after the pause.
        case approval(SignInPrompt, pause: Duration)
        /// A person must sign in with a browser, which requests these claims.
        case browser(claims: String?)
        /// A person must sign in at the window of the machine's broker, which requests these claims.
        case window(claims: String?)
    }

    let files: TokenFiles
    let entra: EntraClient
    let clock: WallClock
    let target: SignInTarget
    let resource: ServiceResource
    let options: TokenOptions
    var deadline: Deadline
    /// Whether people sign in with a browser on this machine instead of with a code.
    var usesBrowser = false

    /// Obtains the token.
    func run() async throws(MMError) -> Outcome {
        if options.renewal == .no, let usable = try await cached() { return .token(usable.token) }
        // One process at a time per connection: a refresh token is exchanged once, and a code is polled by one process
        // at a time.
        let lock = try await files.locked(until: deadline)
        let outcome = try await runLocked()
        _ = consume lock
        return outcome
    }

    private func runLocked() async throws(MMError) -> Outcome {
        let snapshot = try await files.snapshot(target)
        switch options.renewal {
        case .start where usesBrowser: return .browser(claims: options.claims)
        case .start: return try await DeviceSignIn(self, claims: options.claims, refused: nil).renew()
        case .resume where try files.pending(target, resource).read() != nil:
            return try await DeviceSignIn(self, claims: options.claims, refused: nil).run()
        case .no, .resume: break
        }
        // Another process may have obtained a token while this one waited.
        if let usable = try await cached() { return .token(usable.token) }
        try await dropRefused()
        var claims = options.claims
        var refused: String?
        var end: SignInEnd?
        if let account = try snapshot.account(), let refresh = snapshot.view.refreshToken(of: account) {
            refused = SignInEnd.digest(of: refresh.secret)
            end = try knownEnd(refresh)
            // Don't retry a refresh token that was refused for this resource: Entra ID treats repeated requests as a
            // loop (AADSTS50196).
            if end == nil, try files.pending(target, resource).read()?.refused != refused {
                switch try await refreshed(account, refresh, snapshot) {
                case .token(let token): return .token(token)
                case .signIn(let wanted):
                    claims = Claims.merged(claims, wanted)
                    end = try knownEnd(refresh)
                }
            }
            // The claims that a service demanded of the old sign-in's tokens name a point in time and don't apply to a
            // new sign-in.
            claims = end?.isOverEverywhere == true ? end?.claims : Claims.merged(claims, end?.claims)
        }
        guard options.interaction == .allowed else {
            throw end?.error(of: target.connection)
                ?? MMError(
                    .signInNeeded, "Sign-in needed for \(target.connection).",
                    hint: "To sign in: mm login \(ShellWord.quoted(target.connection)).",
                    details: ["connection": .string(target.connection), "resource": .string(resource.name)])
        }
        if usesBrowser { return .browser(claims: claims) }
        return try await DeviceSignIn(self, claims: claims, refused: refused, because: end?.reason).run()
    }

    /// Stores the tokens of a browser sign-in and returns the access token.
    func keep(_ answer: TokenAnswer) async throws(MMError) -> AccessToken {
        let lock = try await files.locked(until: max(deadline, .after(.seconds(30))))
        let token = try await store(answer, nil, refreshedFrom: nil, try await files.snapshot(target))
        try files.pending(target, resource).remove()
        try files.removeObsoleteSignIns(of: target)
        _ = consume lock
        return token
    }

    /// Returns the reported end of a refresh token's sign-in, if it is final and counts for this resource.
    private func knownEnd(_ refresh: TokenCacheView.RefreshEntry) throws(MMError) -> SignInEnd? {
        try files.ends(of: refresh.secret).first { $0.isFinal && $0.counts(for: [resource]) }
    }

    /// Removes an access token that a service has refused from the cache, whether or not its renewal succeeds, so that
    /// it isn't sent again.
    private func dropRefused() async throws(MMError) {
        guard options.dropsRefused, let refused = options.refusedToken?.reveal() else { return }
        guard
            try await files.snapshot(target).view.document.entries(.accessToken).contains(where: {
                $0.fields["secret"]?.string == refused
            })
        else { return }
        try await files.cache.change(until: max(deadline, .after(.seconds(10)))) { document in
            document.remove(.accessToken) { $0["secret"]?.string == refused }
        }
    }

    // MARK: Cache

    /// Returns a cached token that can still be sent, but never the one that a service has just refused.
    func cached() async throws(MMError) -> UsableToken? {
        guard options.claims == nil || options.refusedToken != nil else { return nil }
        let snapshot = try await files.snapshot(target)
        guard let account = try snapshot.account(),
            let entry = snapshot.view.accessToken(of: account, for: resource),
            entry.secret != options.refusedToken, entry.isUsable(at: clock.now.seconds)
        else { return nil }
        if options.refusedToken != nil, !isNewerThanRejected(entry) { return nil }
        // An ended sign-in is over, even if the service that this token is for hasn't refused it yet.
        if let refresh = snapshot.view.refreshToken(of: account), try knownEnd(refresh)?.isOverEverywhere == true {
            return nil
        }
        try await files.pin(target, account.account, now: clock.now)
        // Without a refresh token, the token is used until it expires.
        let isDue = entry.isDue(at: clock.now.seconds) && snapshot.view.refreshToken(of: account) != nil
        return UsableToken(token: token(entry, account), isDue: isDue)
    }

    /// Renews a token that can still be sent, unless another process is doing so or it is no longer due.
    func renew() async throws(MMError) {
        try await files.unlessRenewed { () async throws(MMError) in try await renewLocked() }
    }

    private func renewLocked() async throws(MMError) {
        let snapshot = try await files.snapshot(target)
        if let account = try snapshot.account(), let refresh = snapshot.view.refreshToken(of: account),
            snapshot.view.accessToken(of: account, for: resource)?.isDue(at: clock.now.seconds) != false,
            try files.pending(target, resource).read()?.refused != SignInEnd.digest(of: refresh.secret),
            try knownEnd(refresh) == nil
        {
            switch try await refreshed(account, refresh, snapshot) {
            case .token: break
            case .signIn:
                throw MMError(.signInNeeded, "The sign-in of \(target.connection) can't be renewed without a person.")
            }
        }
    }

    private func isNewerThanRejected(_ entry: TokenCacheView.AccessEntry) -> Bool {
        // Other claims are required, which only a token issued after the refused one can carry.
        options.claims == nil || entry.cachedAt >= options.refusedAt
    }

    private func token(_ entry: TokenCacheView.AccessEntry, _ account: TokenCacheView.Account) -> AccessToken {
        HeldSecrets.shared.hold(entry.secret)
        return AccessToken(
            secret: entry.secret, expiresAt: Timestamp(seconds: entry.expiresOn), resource: resource,
            connection: target.connection, account: account.account)
    }

    // MARK: Refresh

    /// Obtains the token after a sign-in for another resource.
    func afterSignIn() async throws(MMError) -> Outcome {
        let snapshot = try await files.snapshot(target)
        var claims: String?
        if let account = try snapshot.account(), let refresh = snapshot.view.refreshToken(of: account) {
            switch try await refreshed(account, refresh, snapshot) {
            case .token(let token): return .token(token)
            case .signIn(let wanted): claims = wanted
            }
        }
        return try await DeviceSignIn(self, claims: claims, refused: nil).startOver()
    }

    private enum Refreshed {
        case token(AccessToken)
        case signIn(claims: String?)
    }

    private func refreshed(
        _ account: TokenCacheView.Account, _ refresh: TokenCacheView.RefreshEntry, _ snapshot: TokenFiles.Snapshot
    ) async throws(MMError) -> Refreshed {
        HeldSecrets.shared.hold(refresh.secret)
        let answer: TokenAnswer
        do {
            answer = try await entra.refresh(
                target, token: refresh.secret, account: account.account.homeAccountID,
                scopes: SignInScopes.asking(target.authority.cloud, resource),
                claims: options.claims, deadline: deadline)
        } catch {
            // The app isn't a member of that family after all, so a person has to sign in to it.
            if refresh.isOfFamily, case .refused(let error) = error, error.suberror == "client_mismatch" {
                return .signIn(claims: nil)
            }
            if case .refused(let error) = error,
                let end = SignInEnd(error, refusing: refresh.secret, for: resource, now: clock.now)
            {
                let what = end.isFinal ? "the sign-in has ended" : "the service refused to renew the sign-in"
                entra.log.warning("\(what) for \(end.resource ?? "all services"): \(end.reason)")
                try await files.note(end)
            }
            return try unrefreshed(error)
        }
        return .token(try await store(answer, account, refreshedFrom: refresh.key, snapshot))
    }

    private func unrefreshed(_ fault: EntraClient.Fault) throws(MMError) -> Refreshed {
        let what = "Renewing the sign-in of \(target.connection)"
        switch fault {
        case .refused(let error):
            // A policy that refuses tokens of the old sign-in may accept a new sign-in in the browser.
            if error.action.loss != .nothing || usesBrowser && error.isMethodRefused {
                return .signIn(claims: error.claims)
            }
            throw error.mmError(
                for: what, connection: target.connection, by: usesBrowser ? .browser : .deviceCode)
        case .unreachable(let error):
            throw error.mmError(for: what)
        case .unexpected(let error): throw error
        }
    }

    /// Stores the tokens, checks the account and returns the access token.
    ///
    /// Nothing is stored until the account has been checked, except the new refresh token after a refresh: it has
    /// already replaced the old one, and a changed name or a wrong clock must not cost the sign-in.
    func store(
        _ answer: TokenAnswer, _ known: TokenCacheView.Account?, refreshedFrom: String?, _ snapshot: TokenFiles.Snapshot
    ) async throws(MMError) -> AccessToken {
        let now = clock.now
        HeldSecrets.shared.hold(answer.accessToken)
        if let token = answer.refreshToken { HeldSecrets.shared.hold(token) }
        let check = IdentityCheck(target: target, pin: try files.pin(of: target))
        let signedIn: SignedInAccount
        if let known {
            if let other = answer.idToken.flatMap({ IDToken($0.reveal())?.objectID }),
                other.lowercased() != known.account.objectID.lowercased()
            {
                throw MMError(
                    .forbidden,
                    "The sign-in service returned a token for another account than that of \(target.connection).",
                    hint: "It was discarded. Sign out and in again: mm logout \(ShellWord.quoted(target.connection)).")
            }
            do throws(MMError) {
                // A refresh may return no id_token; the account is then the one that the refresh token was issued to.
                signedIn = answer.idToken == nil ? known.account : try check.account(of: answer, now: now)
            } catch {
                try await write(answer, for: known.account, known, refreshedFrom, snapshot, isRefused: true)
                throw error
            }
            try await write(answer, for: known.account, known, refreshedFrom, snapshot)
        } else {
            signedIn = try check.account(of: answer, now: now)
            try await write(answer, for: signedIn, nil, refreshedFrom, snapshot)
        }
        try await files.pin(target, signedIn, now: now)
        try await files.forgetEnds(at: known == nil ? nil : resource)
        return AccessToken(
            secret: answer.accessToken, expiresAt: Timestamp(seconds: now.seconds + Int64(answer.expiresIn)),
            resource: resource, connection: target.connection, account: signedIn)
    }

    private func write(
        _ answer: TokenAnswer, for account: SignedInAccount, _ known: TokenCacheView.Account?, _ refreshedFrom: String?,
        _ snapshot: TokenFiles.Snapshot, isRefused: Bool = false
    ) async throws(MMError) {
        let view = snapshot.view
        let place = TokenCacheView.Account(
            account: account, environment: known?.environment ?? view.usualEnvironment,
            realm: known?.realm ?? target.authority.tenant)
        let source = snapshot.isFromEarlierCache ? nil : refreshedFrom
        let (resource, now) = (resource, clock.now)
        try await files.cache.change(until: max(deadline, .after(.seconds(10)))) { document in
            document.store(
                answer, for: place, in: view, resource: resource, refreshedFrom: source, isRefused: isRefused, now: now)
        }
    }
}
