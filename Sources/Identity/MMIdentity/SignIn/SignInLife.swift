package import MMCore

/// The lifetime of a connection's sign-in, as far as the files on this machine reveal it.
package enum SignInLife: Sendable, Hashable {
    /// A person's sign-in with a refresh token that was issued or renewed at `since`. It ends when it isn't used for
    /// `idleDays` days.
    case renewable(since: Timestamp, tokenEndsAt: Timestamp?)
    /// Tokens that can't be renewed: the sign-in ends with them. A person signs in again, or new tokens are supplied.
    case fixed(endsAt: Timestamp, isPerson: Bool)
    /// An app's certificate, which expires at `endsAt`.
    case certificate(endsAt: Timestamp, path: String)
    /// A credential whose end can't be read on this machine, such as a client secret.
    case unknown(credential: String)

    /// The days without use after which Entra ID ends a sign-in ("Refresh tokens in the Microsoft identity platform").
    package static let idleDays: Int64 = 90
}

extension IdentityService {
    /// Returns how long a connection's sign-in lasts. Reads files only.
    /// - Returns: `nil` where no account is signed in.
    /// - Throws: `MMError` when the files can't be used.
    package func life(of connection: Connection) async throws(MMError) -> SignInLife? {
        let method = try method(of: connection)
        switch method {
        case .deviceCode, .browser: return try await life(ofPerson: try target(connection, .graph, method))
        case .app(.certificate(let files)):
            let endsAt = try await files.read(for: connection.name, in: paths, environment: environment).endsAt
            guard endsAt > 0 else { return .unknown(credential: "a certificate") }
            return .certificate(endsAt: Timestamp(seconds: endsAt), path: files.certificatePath)
        case .app(.secret): return .unknown(credential: "a client secret")
        case .app(.federated): return .unknown(credential: "tokens of another issuer")
        case .managedIdentity: return .unknown(credential: "this machine's identity")
        case .broker: return .unknown(credential: "the machine's broker")
        case .onBehalfOf: return .unknown(credential: "the tokens of those who call")
        case .token:
            guard case .signedIn(_, let endsAt?) = await state(of: connection) else { return nil }
            return .fixed(endsAt: endsAt, isPerson: false)
        }
    }

    private func life(ofPerson target: SignInTarget) async throws(MMError) -> SignInLife? {
        let view = try await files(target).snapshot(target)
        guard let account = try view.account() else { return nil }
        let token = view.view.accessToken(of: account, for: .graph)
        let live = token.flatMap { $0.expiresOn > clock.now.seconds ? Timestamp(seconds: $0.expiresOn) : nil }
        guard view.view.refreshToken(of: account) != nil else { return live.map { .fixed(endsAt: $0, isPerson: true) } }
        let times = view.view.lastUse(of: account)
        return times.map { .renewable(since: Timestamp(seconds: $0), tokenEndsAt: live) }
            ?? .unknown(credential: "a refresh token")
    }
}

extension TokenCacheView {
    /// Returns when the service last gave this account a token, in seconds since 1970; `nil` where the cache doesn't
    /// show it.
    func lastUse(of account: Account) -> Int64? {
        let refreshed = document.entries(.refreshToken).filter {
            $0.fields["home_account_id"]?.string == account.account.homeAccountID
        }.compactMap { Self.seconds($0.fields["last_modification_time"]) }
        let given = document.entries(.accessToken).filter {
            belongsToApp($0.fields) && $0.fields["home_account_id"]?.string == account.account.homeAccountID
        }.compactMap { Self.seconds($0.fields["cached_at"]) }
        return (refreshed + given).max()
    }
}
