internal import MMCore

/// Whose access tokens are admitted.
package struct TokenPolicy: Sendable, Hashable {
    /// The audiences of which a token must name one, exactly.
    package var audiences: Set<String>
    /// The tenants whose accounts are admitted, in lower case; empty for that of the issuer alone.
    package var tenants: Set<String> = []
    /// The groups of which an account must be in one; empty with `roles` for no such rule.
    package var groups: Set<String> = []
    /// The app roles of which an account must have one.
    package var roles: Set<String> = []
    /// The scopes that a token must have, all of them, as a client asks for them.
    package var scopes: [String] = []

    /// How far the clocks of two machines may differ, in seconds.
    private static let skew: Double = 60
    /// The longest subject (OpenID Connect Core 1.0, section 2).
    private static let longestSubject = 255

    /// A policy.
    /// - Parameter audiences: the audiences of which a token must name one.
    package init(audiences: Set<String>) {
        self.audiences = audiences
    }

    /// Checks where a token comes from, for whom it is, and whether it is valid now.
    func checkOrigin(of token: SignedToken, _ issuer: IssuerName, now: Timestamp) throws(CallerRefusal) {
        guard issuer.issued(token) else { throw .invalid("is of another issuer than \(issuer.text)") }
        guard token.texts("aud").contains(where: audiences.contains) else {
            throw .invalid("is meant for another service (aud)")
        }
        let moment = Double(now.seconds)
        guard let end = token.moment("exp") else { throw .invalid("doesn't say how long it is valid (exp)") }
        guard end + Self.skew > moment else { throw .invalid("has expired") }
        for claim in ["nbf", "iat"] where token.claims[claim] != nil {
            guard let start = token.moment(claim), start - Self.skew <= moment else {
                throw .invalid("isn't valid yet (\(claim))")
            }
        }
        // An id token tells an app who signed in. It says nothing of what the app may do here, even with our audience.
        guard ["nonce", "at_hash", "c_hash"].allSatisfy({ token.claims[$0] == nil }) else {
            throw .invalid("is an id token; send the access token")
        }
    }

    /// What a good token says of its owner.
    struct Admission {
        let holder: TokenHolder
        /// Whether a directory has to say if the owner is in one of the groups: the token has no room for theirs.
        let isOpen: Bool
    }

    /// Checks whether the owner of a good token is admitted.
    func admission(of token: SignedToken, _ name: IssuerName) throws(CallerRefusal) -> Admission {
        let tenantID = token.text("tid")?.lowercased()
        guard tenants.isEmpty || tenantID.map(tenants.contains) == true else {
            throw CallerRefusal(.forbidden, "Accounts of this tenant are not admitted here.")
        }
        guard let issuer = token.text("iss"), let subject = token.text("sub") ?? token.text("oid"),
            subject.utf8.count <= Self.longestSubject
        else { throw .invalid("names no subject (sub)") }
        let granted = token.words("scp").union(token.words("scope"))
        let missing = scopes.filter { !Self.grants(granted, $0) }
        let held = Set(token.texts("roles"))
        // An app that signs in by itself has roles in place of scopes.
        let isAppWithRole = granted.isEmpty && !held.isDisjoint(with: roles)
        guard missing.isEmpty || isAppWithRole else {
            throw CallerRefusal(
                .insufficientScope, "The access token lacks the scope \(missing.joined(separator: " ")).",
                scopes: scopes)
        }
        let isOpen = try !isMember(token, held)
        let holder = TokenHolder(
            issuer: issuer, subject: subject, tenantID: name.namesAccounts ? tenantID : nil,
            objectID: name.namesAccounts ? token.text("oid")?.lowercased() : nil,
            name: token.text("preferred_username") ?? token.text("upn") ?? token.text("email") ?? token.text("name"),
            endsAt: Self.timestamp(token.moment("exp") ?? 0), issuedAt: token.moment("iat").map(Self.timestamp))
        return Admission(holder: holder, isOpen: isOpen)
    }

    private static func timestamp(_ moment: Double) -> Timestamp {
        Timestamp(seconds: Int64(max(0, min(moment, 253_402_300_799))))
    }

    /// Whether the token itself says that its owner is admitted; not where it has no room for what it would have to say.
    private func isMember(_ token: SignedToken, _ held: Set<String>) throws(CallerRefusal) -> Bool {
        guard !groups.isEmpty || !roles.isEmpty else { return true }
        guard held.isDisjoint(with: roles), groups.isDisjoint(with: token.texts("groups")) else { return true }
        // With too many groups the token names a place to ask instead ("groups overage claim").
        let hasTooMany = token.claims["hasgroups"] == true || token.claims["_claim_names"]?["groups"] != nil
        guard !groups.isEmpty, hasTooMany else { throw Self.stranger }
        return false
    }

    /// The refusal of an account that is in none of the groups.
    static let stranger = CallerRefusal(
        .forbidden, "This account has none of the groups or roles that are admitted here.")

    /// Whether a scope is among those granted. A client asks for `api://APP/mm.use`, and the token says `mm.use`.
    private static func grants(_ granted: Set<String>, _ scope: String) -> Bool {
        if granted.contains(scope) { return true }
        guard scope.contains("://"), let slash = scope.lastIndex(of: "/") else { return false }
        return granted.contains(String(scope[scope.index(after: slash)...]))
    }
}
