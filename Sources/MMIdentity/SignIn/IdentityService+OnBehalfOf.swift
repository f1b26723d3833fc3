public import MMCore

extension IdentityService {
    /// Exchanges the token that came with a request for one with which this app acts for the same person at another
    /// service ("OAuth 2.0 On-Behalf-Of flow").
    ///
    /// For servers: the connection names the app's own credential (`auth`: `on-behalf-of`, `secret`, `certificate` or
    /// `federated`). Tokens are kept in memory alone, one for each caller's token.
    /// - Parameters:
    ///   - assertion: the access token of the request's `Authorization` header, which was issued for this app.
    ///   - connection: the connection of this app.
    ///   - resource: the service to act at.
    ///   - claims: the claims that the service demanded when it refused the last token (`claims` of its challenge,
    ///     decoded).
    ///   - deadline: when to give up.
    /// - Throws: `.signInNeeded` when the person has to sign in again; its details hold `challenge`, the value of the
    ///   `WWW-Authenticate` header to answer the caller with, and `claims`. `.forbidden` for a missing consent, a policy,
    ///   or another account; `.invalidInput` for a token that isn't one of a person, and for a connection that has no
    ///   credential of its own.
    public func token(
        onBehalfOf assertion: Secret, for connection: Connection, resource: ServiceResource = .graph,
        claims: String? = nil, deadline: Deadline = .after(.seconds(90))
    ) async throws(MMError) -> AccessToken {
        let method = try method(of: connection)
        let credential: ClientCredential
        switch method {
        case .app(let given), .onBehalfOf(let given, _): credential = given
        case .deviceCode, .browser, .broker, .managedIdentity, .token:
            throw MMError(
                .invalidInput, "\(connection.name) has no credential of an app, so it can't act for others.",
                hint: "Name it: mm connections edit \(ShellWord.quoted(connection.name)) auth=on-behalf-of "
                    + "auth.secretFile=/path (or auth.certificatePath=/path).",
                details: ["connection": .string(connection.name), "field": "auth"])
        }
        let target = try target(connection, resource, .onBehalfOf(credential, assertion: nil))
        let grant = grant(
            credential, for: assertion, target, resource, TokenOptions(interaction: .never, claims: claims), deadline)
        return try await token(by: grant, until: deadline)
    }

    /// Returns the exchange of a caller's token.
    func grant(
        _ credential: ClientCredential, for assertion: Secret, _ target: SignInTarget, _ resource: ServiceResource,
        _ options: TokenOptions, _ deadline: Deadline
    ) -> OnBehalfOfGrant {
        OnBehalfOfGrant(
            credential: credential, assertion: assertion, entra: entra(target), surroundings: surroundings(target),
            tokens: assertionTokens, target: target, resource: resource, options: options, deadline: deadline)
    }

    /// Returns the token of an exchange; calls with the same caller's token share one request.
    func token(by grant: OnBehalfOfGrant, until deadline: Deadline) async throws(MMError) -> AccessToken {
        if let kept = grant.cached() { return kept }
        let key = FlightKey(
            identity: grant.target.identity, resource: grant.resource,
            options: "\(Hex.text(grant.key.assertion))\u{0}\(grant.options.key)")
        let outcome = try await shared(key, of: grant.target.connection, until: deadline) { () async throws(MMError) in
            let token = try await grant.run()
            return .token(token)
        }
        guard case .token(let token) = outcome else {
            throw MMError(.internalError, "An exchange of tokens asked for a person.")
        }
        return token
    }
}
