package import MMCore

/// The newest access token that each of a server's people brought with a call.
///
/// What a call starts may outlive it: a session sends between calls, and within one that lasts longer than its caller's token.
/// It acts for that one person all the same, with the newest token that any call of theirs brought. In memory alone; a token
/// leaves when it has ended.
package final class CallerAssertions: Sendable {
    private struct Entry: Sendable {
        let token: Secret
        let account: AccountPin
        let issuedAt: Int64
        let endsAt: Int64
    }

    private let entries = Mutex<[String: Entry]>([:])
    private let clock: WallClock
    /// How far the clocks of two machines may differ, in seconds, as where tokens are admitted.
    private static let skew: Int64 = 60
    /// At how many entries those that have ended are looked for.
    private static let many = 1000

    init(clock: WallClock) {
        self.clock = clock
    }

    /// Notes the token that came with a call, unless it names another person, or an earlier moment than the one that is known.
    /// - Parameter principal: who makes the call, as the server that checked the token knows them.
    package func note(_ token: Secret, of principal: String) {
        guard let claims = AccessTokenClaims(token), claims.names(principal), let endsAt = claims.endsAt,
            let tenant = claims.tenantID
        else { return }
        let entry = Entry(
            token: token, account: AccountPin(tenantId: tenant, objectId: claims.objectID, username: claims.username),
            issuedAt: claims.issuedAt ?? endsAt, endsAt: endsAt)
        let now = clock.now.seconds
        entries.withLock { entries in
            if entries.count >= Self.many { entries = entries.filter { $0.value.endsAt + Self.skew > now } }
            // The end says nothing of which is newer: Entra ID gives tokens lives of different lengths.
            if let known = entries[principal], known.issuedAt > entry.issuedAt { return }
            entries[principal] = entry
        }
    }

    /// The token with which a connection acts for one person now.
    /// - Throws: `.signInNeeded` when there is none, or it has ended.
    package func token(of principal: String, for connection: String) throws(MMError) -> Secret {
        guard let entry = entries.withLock({ $0[principal] }) else {
            throw Self.missing("no call has brought an access token of this session's person", connection)
        }
        guard entry.endsAt + Self.skew > clock.now.seconds else {
            let end = Timestamp(seconds: entry.endsAt).iso8601
            throw Self.missing("the access token of this session's person ended at \(end)", connection)
        }
        return entry.token
    }

    /// Whose sessions a person's are: the account that their newest token names.
    package func account(of principal: String) -> AccountPin? { entries.withLock { $0[principal]?.account } }

    private static func missing(_ why: String, _ connection: String) -> MMError {
        MMError(
            .signInNeeded, "\(connection) acts on behalf of its callers, and \(why).",
            hint: "Make another call: the client renews its sign-in and brings a new token, and the session goes on "
                + "with it. Long work goes on so, too, when calls are made meanwhile.",
            details: ["connection": .string(connection)])
    }
}

extension AccessTokenClaims {
    /// When the token was issued, in seconds since 1970.
    fileprivate var issuedAt: Int64? { claims["iat"]?.double.map { Int64($0) } }

    /// Whether these are the claims of a person whom a server knows by this id: `TENANT/OBJECT`, or issuer and subject.
    fileprivate func names(_ principal: String) -> Bool {
        if let tenantID, let objectID, principal == "\(tenantID)/\(objectID)".lowercased() { return true }
        guard let issuer = claims["iss"]?.string, let subject = claims["sub"]?.string ?? objectID else { return false }
        let name = "\(issuer) \(subject)"
        return principal == name || principal == "sha256 " + Hex.text(SHA256.digest(name.utf8))
    }
}
