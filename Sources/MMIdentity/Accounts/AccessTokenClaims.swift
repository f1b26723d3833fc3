internal import MMCore

/// What an access token says about whom it was issued to.
///
/// Access tokens are for their services to read; here their claims are only compared with what a connection expects, so that
/// no token of another tenant or app is used. That its signature is good is the service's to check.
struct AccessTokenClaims: Sendable {
    private let claims: JSONObject

    /// The claims of a token.
    /// - Returns: `nil` for one that can't be read.
    init?(_ token: Secret) {
        guard let claims = IDToken(token.reveal())?.claims else { return nil }
        self.claims = claims
    }

    /// The tenant.
    var tenantID: String? { text("tid") }
    /// The app that it was issued to.
    var appID: String? { text("appid") ?? text("azp") }
    /// The account, or the app's service principal.
    var objectID: String? { text("oid") }
    /// The service that it is for.
    var audience: String? { text("aud") }
    /// When it ends, in seconds since 1970.
    var endsAt: Int64? { claims["exp"]?.double.map { Int64($0) } }
    /// The name of the person's account.
    var username: String? { text("upn") ?? text("preferred_username") ?? text("unique_name") }

    /// Whether an app signed in by itself: it says so, or it has nothing that only a person's token has.
    var isApp: Bool { text("idtyp").map { $0 == "app" } ?? (text("scp") == nil) }

    private func text(_ claim: String) -> String? { claims[claim]?.string.flatMap { $0.isEmpty ? nil : $0 } }
}
