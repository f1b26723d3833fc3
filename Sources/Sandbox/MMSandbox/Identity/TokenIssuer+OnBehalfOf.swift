internal import MMCore

extension TokenIssuer {
    /// Answers an app that acts for the person whose token it was sent.
    func onBehalfOf(_ form: FormFields, app: RegisteredApp) throws(TokenFault) -> JSONObject {
        guard !app.isPublicClient else { throw .credentialMissing }
        guard form["requested_token_use"] == "on_behalf_of" else { throw .missing("requested_token_use") }
        guard let assertion = form["assertion"], !assertion.isEmpty else { throw .missing("assertion") }
        guard let scopeText = form["scope"], !scopeText.isEmpty else { throw .missing("scope") }
        let claims: JSONObject
        do {
            claims = try mint.claims(of: assertion)
        } catch {
            throw TokenFault("invalid_grant", 50_013, "Assertion failed signature validation.")
        }
        guard let end = claims["exp"]?.int, context.now < Int64(end) + 300 else {
            throw TokenFault("invalid_grant", 500_133, "Assertion is not within its valid time range.")
        }
        let audience = claims["aud"]?.string ?? ""
        guard audience == app.id || audience == "api://\(app.id)" else {
            throw TokenFault(
                "invalid_grant", 500_131,
                "Assertion audience does not match the Client app presenting the assertion. The audience in the assertion was '\(audience)'."
            )
        }
        guard claims["idtyp"]?.string == "user", let userID = claims["oid"]?.string else {
            throw TokenFault("invalid_grant", 50_013, "The assertion is not one of a person.")
        }
        let serial = Int(claims["uti"]?.string?.dropFirst() ?? "") ?? 0
        guard !isRevoked(serial: serial, of: userID) else { throw KnownTokenFaults.fault(50_173) }
        let scope = try ScopeRequest(parsing: scopeText, app: app, base: context.base)
        try checkAccount(userID, isRefresh: true)
        let session = try begin(userID, app: app, by: .app)
        return try tokens(for: userID, app: app, scope: scope, form: form, session: session)
    }
}
