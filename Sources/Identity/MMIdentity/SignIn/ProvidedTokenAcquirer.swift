internal import MMCore

/// Obtains a token from a provider and checks it before it is used.
struct ProvidedTokenAcquirer: Sendable {
    let files: TokenFiles
    let provider: any AccessTokenProvider
    let clock: WallClock
    let target: SignInTarget
    let resource: ServiceResource
    let options: TokenOptions

    /// Obtains the token.
    func run() async throws(MMError) -> AccessToken {
        let request = AccessTokenRequest(
            connection: target.connection, resource: resource,
            scope: target.authority.cloud.defaultScope(of: resource) ?? "", tenant: target.authority.tenant,
            claims: options.claims, isAfterRefusal: options.refusedToken != nil)
        let given: ProvidedAccessToken
        do {
            given = try await provider.accessToken(for: request)
        } catch let error as MMError {
            throw error
        } catch is CancellationError {
            throw MMError(.cancelled, "Cancelled while getting a token for \(target.connection).")
        } catch {
            throw MMError(
                .unavailable, "The program that provides the tokens of \(target.connection) returned none.",
                hint: "Its own error is the `cause` of this one, and in the log.", cause: "\(error)")
        }
        HeldSecrets.shared.hold(given.secret)
        guard given.secret.reveal().utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !given.secret.isEmpty else {
            throw refused("contains characters that tokens can't contain", .invalidInput)
        }
        let claims = AccessTokenClaims(given.secret)
        if let audience = claims?.audience, !target.authority.cloud.takes(audience: audience, for: resource) {
            throw refused("is for \(audience), not for \(resource.name)", .invalidInput)
        }
        guard let endsAt = given.expiresAt ?? claims?.endsAt.map({ Timestamp(seconds: $0) }) else {
            throw refused(
                "doesn't say when it expires", .invalidInput,
                hint: "Use a token with the claim `exp`, or name the time where a program provides it (`expiresAt`).")
        }
        guard endsAt > clock.now else { throw refused("ended at \(endsAt.iso8601)", .signInNeeded) }
        guard given.secret != options.refusedToken else { throw refused("was refused by the service", .signInNeeded) }
        var account = try IdentityCheck(target: target, pin: try files.pin(of: target)).owner(of: given.secret)
        if let home = await (provider as? CustomerTokens)?.home {
            account = SignedInAccount(
                username: account.username, objectID: account.objectID, tenantID: account.tenantID,
                homeAccountID: home.homeAccountID)
        }
        if !account.isApp || target.clientID.isEmpty || target.authority.tenantID == nil {
            try await files.pin(target, account, now: clock.now)
        }
        return AccessToken(
            secret: given.secret, expiresAt: endsAt, resource: resource, connection: target.connection, account: account
        )
    }

    private func refused(
        _ what: String, _ code: MMErrorCode, hint: String = "Replace it; mm reads it again for each request."
    ) -> MMError {
        let place = (provider as? KeptToken).map { " (\($0.source.place))" } ?? ""
        return MMError(
            code, "The provided token for \(target.connection)\(place) \(what).", hint: hint,
            details: ["connection": .string(target.connection), "resource": .string(resource.name)])
    }
}
