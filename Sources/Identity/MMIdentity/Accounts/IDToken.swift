package import MMCore

/// The claims of an id_token about the person who signed in (OpenID Connect Core 1.0, section 2).
///
/// The signature isn't checked: the token arrives straight from the token endpoint over TLS, which the specification
/// accepts in place of the signature (section 3.1.3.7, number 6). Never create one from any other source.
package struct IDToken: Sendable {
    private let token: JSONWebToken

    /// The claims.
    package var claims: JSONObject { token.claims }

    /// Decodes a token's claims.
    /// - Returns: `nil` when the text isn't a JWT.
    package init?(_ text: String) {
        guard let token = try? JSONWebToken(text, limits: JSONLimits(bytes: 1 << 20, depth: 32)) else { return nil }
        self.token = token
    }

    /// The account's immutable object id in the token's tenant.
    package var objectID: String? { text("oid") }
    /// The id of the token's tenant.
    package var tenantID: String? { text("tid") }
    /// The name that the account signs in with.
    ///
    /// `email` isn't used here, because others can set it for guests.
    package var username: String? { text("preferred_username") ?? text("upn") }

    /// A name to show, even when `username` is missing.
    package var displayName: String? { username ?? text("email") ?? text("name") }

    /// Checks that the token was issued for this app by this tenant's sign-in service, and that it is currently valid.
    /// - Parameters:
    ///   - clientID: the id of the app.
    ///   - authority: the sign-in service and tenant that were asked.
    ///   - now: the current time; a difference of five minutes is tolerated.
    /// - Returns: what is wrong, or `nil`.
    package func fault(clientID: String, authority: Authority, now: Timestamp) -> String? {
        let audiences = claims["aud"]?.array?.compactMap(\.string) ?? text("aud").map { [$0] } ?? []
        let isOurs = { (app: String) in app.lowercased() == clientID.lowercased() }
        // With several audiences, `azp` must also name this app (OpenID Connect Core 1.0, section 3.1.3.7).
        guard audiences.contains(where: isOurs), audiences.count == 1 || text("azp").map(isOurs) == true else {
            return "it was issued for another app"
        }
        guard let tenantID, GUID.isValid(tenantID) else { return "it names no tenant" }
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

    private func text(_ claim: String) -> String? { token.text(claim) }
}

/// A JSON web token split into its parts (RFC 7515, section 3.1). Nothing is verified: each caller decides how far to
/// trust it.
package struct JSONWebToken: Sendable {
    /// The claims of the token.
    package let claims: JSONObject
    private let parts: [Substring]
    private let limits: JSONLimits

    /// The reason why a text isn't a JSON web token.
    package enum Fault: Error, Sendable {
        /// It doesn't consist of three parts.
        case form
        /// Its claims can't be read.
        case claims
    }

    /// Splits a token into its parts and decodes its claims.
    /// - Parameters:
    ///   - text: the token.
    ///   - limits: the largest size and depth of its parts, and the handling of duplicate keys.
    package init(_ text: String, limits: JSONLimits) throws(Fault) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .form }
        guard let claims = Self.object(parts[1], limits) else { throw .claims }
        self.claims = claims
        self.parts = parts
        self.limits = limits
    }

    /// The header, which describes the signature; `nil` where it can't be read.
    package var header: JSONObject? { Self.object(parts[0], limits) }
    /// The signature; `nil` where it can't be read, or there is none.
    package var signature: [UInt8]? {
        Base64.bytes(String(parts[2]), alphabet: .url).flatMap { $0.isEmpty ? nil : $0 }
    }
    /// The bytes that are signed.
    package var signedBytes: [UInt8] { Array("\(parts[0]).\(parts[1])".utf8) }

    /// Returns a claim that holds one text; `nil` for an empty one.
    fileprivate func text(_ claim: String) -> String? { claims[claim]?.string.flatMap { $0.isEmpty ? nil : $0 } }

    private static func object(_ part: Substring, _ limits: JSONLimits) -> JSONObject? {
        guard let bytes = Base64.bytes(String(part), alphabet: .url) else { return nil }
        return (try? JSONParser.parse(bytes, limits: limits))?.object
    }
}
