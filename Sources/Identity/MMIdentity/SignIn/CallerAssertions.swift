package import MMCore

/// The newest access token that each user of a server has sent with a call.
///
/// Work that a call starts may outlive it: a session sends requests between calls, and during calls that last longer
/// than their caller's token. It still acts for that one person, with the newest token from any of their calls. Tokens
/// are kept in memory only and removed after they have expired.
package final class CallerAssertions: Sendable {
    private struct Entry: Sendable {
        let token: Secret
        let account: AccountPin
        let issuedAt: Int64
        let endsAt: Int64
    }

    private let entries = Mutex<[String: Entry]>([:])
    private let clock: WallClock
    /// The tolerated difference between the clocks of two machines, in seconds, as in `TokenPolicy`.
    private static let skew: Int64 = 60
    /// The number of entries from which expired ones are removed.
    private static let many = 1000

    init(clock: WallClock) {
        self.clock = clock
    }

    /// Stores the token that came with a call, unless it belongs to another person or was issued before the stored one.
    /// - Parameter principal: the id of the caller, as determined by the server that checked the token.
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
            // The expiry doesn't show which token is newer: Entra ID gives tokens lifetimes of different lengths.
            if let known = entries[principal], known.issuedAt > entry.issuedAt { return }
            entries[principal] = entry
        }
    }

    /// Returns the token with which a connection currently acts for a person.
    /// - Throws: `.signInNeeded` when there is none, or it has expired.
    package func token(of principal: String, for connection: String) throws(MMError) -> Secret {
        guard let entry = entries.withLock({ $0[principal] }) else {
            throw Self.missing("no call has provided an access token of this session's person", connection)
        }
        guard entry.endsAt + Self.skew > clock.now.seconds else {
            let end = Timestamp(seconds: entry.endsAt).iso8601
            throw Self.missing("the access token of this session's person ended at \(end)", connection)
        }
        return entry.token
    }

    /// Returns the account that a person's newest token names, which owns the person's sessions.
    package func account(of principal: String) -> AccountPin? { entries.withLock { $0[principal]?.account } }

    private static func missing(_ why: String, _ connection: String) -> MMError {
        MMError(
            .signInNeeded, "\(connection) acts on behalf of its callers, and \(why).",
            hint:
                "Make another call, so that the client renews its sign-in and sends a new token. The session then continues "
                + "with it. For long work, make calls in between.",
            details: ["connection": .string(connection)])
    }
}

extension AccessTokenClaims {
    /// When the token was issued, in seconds since 1970.
    fileprivate var issuedAt: Int64? { claims["iat"]?.double.map { Timestamp(clamping: $0).seconds } }

    /// Returns whether these claims belong to the person whom a server knows by this id: `TENANT/OBJECT`, or issuer and
    /// subject.
    fileprivate func names(_ principal: String) -> Bool {
        if let tenantID, let objectID, principal == "\(tenantID)/\(objectID)".lowercased() { return true }
        guard let issuer = claims["iss"]?.string, let subject = claims["sub"]?.string ?? objectID else { return false }
        let name = "\(issuer) \(subject)"
        return principal == name || principal == "sha256 " + Hex.text(SHA256.digest(name.utf8))
    }
}
