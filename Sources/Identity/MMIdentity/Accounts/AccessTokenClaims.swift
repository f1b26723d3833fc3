internal import MMCore

/// The claims of an access token about the identity that it was issued to.
///
/// Access tokens are meant for their services. Here their claims are only compared with what a connection expects, so
/// that no token of another tenant or app is used; the service checks the signature.
struct AccessTokenClaims: Sendable {
    let claims: JSONObject

    /// Reads the claims of a token.
    /// - Returns: `nil` for a token that can't be parsed.
    init?(_ token: Secret) {
        guard let claims = IDToken(token.reveal())?.claims else { return nil }
        self.claims = claims
    }

    /// The tenant.
    var tenantID: String? { text("tid") }
    /// The app that the token was issued to.
    var appID: String? { text("appid") ?? text("azp") }
    /// The account, or the app's service principal.
    var objectID: String? { text("oid") }
    /// The service that the token is for.
    var audience: String? { text("aud") }
    /// When the token expires, in seconds since 1970.
    var endsAt: Int64? { claims["exp"]?.double.map { Int64($0) } }
    /// The sign-in name of the person's account.
    var username: String? { text("upn") ?? text("preferred_username") ?? text("unique_name") }

    /// Whether an app signed in by itself: the token says so, or lacks what only a person's token contains.
    var isApp: Bool { text("idtyp").map { $0 == "app" } ?? (text("scp") == nil) }

    private func text(_ claim: String) -> String? { claims[claim]?.string.flatMap { $0.isEmpty ? nil : $0 } }
}
