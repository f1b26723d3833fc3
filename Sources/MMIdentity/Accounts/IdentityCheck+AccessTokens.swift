internal import MMCore

extension IdentityCheck {
    /// Returns the app that signed in by itself, from its access token.
    /// - Throws: `forbidden` when the app or its tenant can't be determined, or isn't the expected one.
    func app(of token: Secret) throws(MMError) -> SignedInAccount {
        guard let claims = AccessTokenClaims(token), let appID = claims.appID else {
            throw unchecked("the access token doesn't say which app it was issued to")
        }
        guard claims.isApp else { throw unchecked("the access token is one of a person's account, not of an app") }
        let tenantID = try tenant(of: claims)
        guard target.clientID.isEmpty || target.clientID.lowercased() == appID.lowercased() else {
            throw unexpected("it belongs to the app \(appID), not to \(target.clientID)")
        }
        let objectID = claims.objectID ?? appID
        // The registry names app and tenant; the pin of the first sign-in stands in for what it leaves out.
        let held = target.clientID.isEmpty ? pin : target.registryPin
        if let held, !held.matches(tenantId: tenantID, objectId: objectID, username: nil) {
            throw unexpected("this connection is pinned to another identity than \(objectID)")
        }
        return SignedInAccount(username: "", objectID: objectID, tenantID: tenantID, homeAccountID: "", appID: appID)
    }

    /// Returns the account or app of a token that was obtained elsewhere.
    /// - Throws: `forbidden` when it can't be determined, or isn't the expected one.
    func owner(of token: Secret) throws(MMError) -> SignedInAccount {
        guard let claims = AccessTokenClaims(token) else {
            throw unchecked("the access token can't be read")
        }
        if claims.isApp {
            if let expected = target.expectedEmail {
                throw unexpected(
                    "it is one of an app, with no person behind it, but the connection expects \(expected)")
            }
            return try app(of: token)
        }
        let tenantID = try tenant(of: claims)
        guard let objectID = claims.objectID else { throw unchecked("the access token names no account") }
        let account = SignedInAccount(
            username: claims.username ?? "", objectID: objectID, tenantID: tenantID,
            homeAccountID: "\(objectID).\(tenantID)")
        if let refusal = refusal(of: account) { throw refusal }
        return account
    }

    private func tenant(of claims: AccessTokenClaims) throws(MMError) -> String {
        guard let tenantID = claims.tenantID else { throw unchecked("the access token names no tenant") }
        let wanted = target.authority.tenantID ?? pin?.tenantId.lowercased()
        guard wanted == nil || wanted == tenantID.lowercased() else {
            throw unexpected("it belongs to tenant \(tenantID), not \(wanted ?? "")")
        }
        return tenantID
    }

    private func unchecked(_ reason: String) -> MMError {
        MMError(
            .forbidden, "It can't be determined who signed in to \(target.connection): \(reason).",
            hint: "The token was not used. Check how the connection signs in: mm connections show "
                + "\(ShellWord.quoted(target.connection)).", details: ["connection": .string(target.connection)])
    }

    private func unexpected(_ reason: String) -> MMError {
        MMError(
            .forbidden, "The token for \(target.connection) is not the expected one: \(reason).",
            hint: "It was not used. Check appId, tenantId and auth: mm connections show "
                + "\(ShellWord.quoted(target.connection)). To pin another identity: mm logout "
                + "\(ShellWord.quoted(target.connection)) --forget-account.",
            details: ["connection": .string(target.connection)])
    }
}
