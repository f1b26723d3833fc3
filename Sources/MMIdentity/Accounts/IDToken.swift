package import MMCore

/// What an id_token says about who signed in (OpenID Connect Core 1.0, section 2).
///
/// Its signature is not checked: it arrives straight from the token endpoint over TLS, which section 3.1.3.7, number 6
/// of the specification accepts in the signature's place. Nothing else may be taken for an identity here.
package struct IDToken: Sendable {
    /// The claims.
    package let claims: JSONObject

    /// The token's claims.
    /// - Returns: `nil` when the text is no JWT.
    package init?(_ token: String) {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let payload = Base64.bytes(String(parts[1]), alphabet: .url),
            let claims = (try? JSONParser.parse(payload, limits: JSONLimits(bytes: 1 << 20, depth: 32)))?.object
        else { return nil }
        self.claims = claims
    }

    /// The immutable id of the account in the tenant of the token.
    package var objectID: String? { text("oid") }
    /// The tenant of the token.
    package var tenantID: String? { text("tid") }
    /// The subject, unique for this app.
    package var subject: String? { text("sub") }

    /// The name by which the account signs in.
    ///
    /// `email` is not among the names: for guests others can set it.
    package var username: String? { text("preferred_username") ?? text("upn") }

    /// A name to show when `username` is missing.
    package var displayName: String? { username ?? text("email") ?? text("name") }

    /// Checks that the token is meant for us, from this tenant's sign-in service, and of now.
    /// - Parameters:
    ///   - clientID: our app.
    ///   - authority: the sign-in service and tenant asked.
    ///   - now: the time of day; five minutes of difference are taken.
    /// - Returns: what is wrong, or `nil`.
    package func fault(clientID: String, authority: Authority, now: Timestamp) -> String? {
        let audiences = claims["aud"]?.array?.compactMap(\.string) ?? text("aud").map { [$0] } ?? []
        let isOurs = { (app: String) in app.lowercased() == clientID.lowercased() }
        // Of several audiences it is one's own only if it was also issued to it (OpenID Connect Core 1.0, 3.1.3.7).
        guard audiences.contains(where: isOurs), audiences.count == 1 || text("azp").map(isOurs) == true else {
            return "it was issued for another app"
        }
        guard let tenantID, Authority.isGUID(tenantID) else { return "it names no tenant" }
        guard let issuer = text("iss"), authority.issues(issuer, tenantID: tenantID) else {
            return "its issuer is not the sign-in service of this cloud and tenant"
        }
        if let wanted = authority.tenantID, wanted != tenantID.lowercased() {
            return "it belongs to tenant \(tenantID), not \(wanted)"
        }
        let skew: Double = 300
        guard let end = claims["exp"]?.double else { return "it doesn't say how long it is valid" }
        if Double(now.seconds) - skew > end { return "it has already expired; check this machine's clock" }
        if let start = claims["nbf"]?.double, Double(now.seconds) + skew < start {
            return "it isn't valid yet; check this machine's clock"
        }
        return nil
    }

    private func text(_ claim: String) -> String? {
        claims[claim]?.string.flatMap { $0.isEmpty ? nil : $0 }
    }
}
