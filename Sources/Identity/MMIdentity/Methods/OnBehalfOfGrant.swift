internal import MMCore
internal import MMHTTP

/// Exchanges the token that a person's app sent to a server for one with which the server acts for that person at
/// another service ("OAuth 2.0 On-Behalf-Of flow"; RFC 7523, section 2.1).
struct OnBehalfOfGrant: Sendable {
    let credential: ClientCredential
    let assertion: Secret
    let entra: EntraClient
    let surroundings: CredentialContext
    let tokens: AssertionTokens
    let target: SignInTarget
    let resource: ServiceResource
    let options: TokenOptions
    let deadline: Deadline

    private var now: Timestamp { surroundings.clock.now }

    /// The key under which the token is cached; tokens of two persons never share a key.
    var key: AssertionTokens.Key {
        AssertionTokens.Key(
            identity: target.identity, resource: resource,
            assertion: SHA256.digest(Array(assertion.reveal().utf8)))
    }

    /// Obtains the token: the one cached for this person's token, or a new one.
    func run() async throws(MMError) -> AccessToken {
        if let kept = cached() { return kept }
        HeldSecrets.shared.hold(assertion)
        try checkAssertion()
        var form = FormFields([
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "client_id": target.clientID,
            "requested_token_use": "on_behalf_of", "assertion": assertion.reveal(), "client_info": "1",
        ])
        try await credential.sign(&form, for: target, in: surroundings, deadline: deadline)
        let scopes = (target.authority.cloud.defaultScope(of: resource).map { [$0] } ?? []) + ["openid", "profile"]
        let answer: TokenAnswer
        do {
            answer = try await entra.confidential(
                target, form, scopes: scopes, claims: options.claims, deadline: deadline)
        } catch {
            let what = "Acting for the caller of \(target.connection) at \(resource.name)"
            switch error {
            case .refused(let error):
                throw withConsentLink(error.mmError(for: what, connection: target.connection, by: .onBehalfOf))
            case .unreachable(let error): throw error.mmError(for: what)
            case .unexpected(let error): throw error
            }
        }
        HeldSecrets.shared.hold(answer.accessToken)
        let token = AccessToken(
            secret: answer.accessToken, expiresAt: now + .seconds(answer.expiresIn), resource: resource,
            connection: target.connection, account: try account(of: answer))
        tokens.keep(token, for: key, now: now)
        return token
    }

    /// Returns the token that is cached for this person's token, if it is still valid and hasn't been refused.
    func cached() -> AccessToken? {
        guard options.claims == nil, let kept = tokens.find(key), kept.secret != options.refusedToken,
            kept.expiresAt - now >= .seconds(60)
        else { return nil }
        return kept
    }

    /// Adds the address where an administrator can consent, if the error is about missing consent.
    private func withConsentLink(_ error: MMError) -> MMError {
        let consents = [EntraAction.userConsent, .adminConsent].map(\.rawValue)
        guard let action = error.details["action"]?.string, consents.contains(action) else { return error }
        let authority = target.authority
        let link = "\(authority.cloud.login)/\(authority.tenant)/adminconsent?client_id=\(target.clientID)"
        var told = error
        told.details["consentUrl"] = .string(link)
        told.hint = (error.hint.map { $0 + " " } ?? "") + "An administrator must consent at \(link)"
        return told
    }

    /// Refuses a token that no sign-in service would accept, before anything is sent.
    private func checkAssertion() throws(MMError) {
        guard !assertion.isEmpty, assertion.reveal().utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw refused("is not a token", .invalidInput)
        }
        guard let claims = AccessTokenClaims(assertion) else { return }
        guard !claims.isApp else {
            throw refused(
                "belongs to an app, not to a person: an app signs in for itself (auth: secret, certificate)",
                .invalidInput)
        }
        if let endsAt = claims.endsAt, endsAt + 300 < now.seconds {
            throw refused("ended at \(Timestamp(seconds: endsAt).iso8601)", .signInNeeded)
        }
    }

    private func account(of answer: TokenAnswer) throws(MMError) -> SignedInAccount {
        // A server acts for many people, so the pin of the first one says nothing about the others.
        let check = IdentityCheck(target: target, pin: target.registryPin)
        let account =
            answer.idToken == nil
            ? try check.owner(of: answer.accessToken) : try check.account(of: answer, now: now)
        let caller = AccessTokenClaims(assertion)
        let isAnother =
            caller?.tenantID?.lowercased() == account.tenantID.lowercased()
            && caller?.objectID.map { $0.lowercased() != account.objectID.lowercased() } == true
        guard !account.isApp, !isAnother else {
            throw MMError(
                .forbidden, "The sign-in service returned a token for another account than the caller's.",
                hint: "It was discarded.", details: ["connection": .string(target.connection)])
        }
        return account
    }

    private func refused(_ what: String, _ code: MMErrorCode) -> MMError {
        MMError(
            code, "The caller's token for \(target.connection) \(what).",
            hint: "Pass on the access token of the request's Authorization header, as it was issued for this app.",
            details: ["connection": .string(target.connection), "resource": .string(resource.name)])
    }
}

/// The tokens that were exchanged for those of callers, in memory only, so that a server stores no one's tokens on
/// disk.
final class AssertionTokens: Sendable {
    /// The key of an exchanged token. It holds only a digest of the caller's own token.
    struct Key: Hashable, Sendable {
        let identity: [String]
        let resource: ServiceResource
        let assertion: [UInt8]
    }

    private let tokens = Mutex<[Key: AccessToken]>([:])
    private let most: Int

    init(most: Int = 10_000) {
        self.most = most
    }

    func find(_ key: Key) -> AccessToken? { tokens.withLock { $0[key] } }

    func keep(_ token: AccessToken, for key: Key, now: Timestamp) {
        tokens.withLock { tokens in
            tokens[key] = token
            guard tokens.count > most else { return }
            tokens = tokens.filter { $0.value.expiresAt > now }
            guard tokens.count > most else { return }
            // Removes the half that expires first, so that this isn't needed for every new token.
            let ends = tokens.values.map(\.expiresAt).sorted()
            let middle = ends[ends.count / 2]
            tokens = tokens.filter { $0.value.expiresAt > middle || $0.key == key }
        }
    }

    /// Forgets the tokens of a connection.
    func forget(_ connection: String) {
        tokens.withLock { tokens in tokens = tokens.filter { $0.value.connection != connection } }
    }

    var count: Int { tokens.withLock { $0.count } }
}
