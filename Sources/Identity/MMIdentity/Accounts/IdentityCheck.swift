package import MMCore

/// Checks whether an account is the one that a connection expects.
struct IdentityCheck: Sendable {
    let target: SignInTarget
    /// The pinned identity: the one in the registry, otherwise the one from the first sign-in.
    let pin: AccountPin?

    /// Returns the error for an account that isn't the expected one; `nil` if it is.
    ///
    /// A pinned account with another name has been renamed. It is refused as well, until a person has looked at it.
    func refusal(of account: SignedInAccount) -> MMError? {
        if let pin {
            guard pin.covers(account) else {
                return wrongAccount(
                    account, because: "this connection is pinned to \(pin.name(beside: account.username))")
            }
        }
        guard !account.username.isEmpty else {
            return wrongAccount(account, because: "the sign-in doesn't identify the account, so it can't be checked")
        }
        if let wanted = target.homeAccountID, wanted != account.homeAccountID.lowercased() {
            return wrongAccount(account, because: "the connection expects the home account \(wanted)")
        }
        if let expected = target.expectedEmail, !SignedInAccount.sameName(expected, account.username) {
            return pin?.objectId == nil
                ? wrongAccount(account, because: "the connection expects \(expected)") : renamed(account, expected)
        }
        return nil
    }

    /// Returns the checked account of a sign-in's answer.
    /// - Throws: `forbidden` when the account can't be determined or is the wrong one.
    func account(of answer: TokenAnswer, now: Timestamp) throws(MMError) -> SignedInAccount {
        guard let text = answer.idToken?.reveal(), let token = IDToken(text) else {
            throw unverified("the sign-in service gave no identity (id_token)")
        }
        if let fault = token.fault(clientID: target.clientID, authority: target.authority, now: now) {
            throw unverified("the identity (id_token) of the sign-in can't be used: \(fault)")
        }
        guard let objectID = token.objectID, let tenantID = token.tenantID else {
            throw unverified("the identity (id_token) of the sign-in has no object id")
        }
        let account = SignedInAccount(
            username: token.username ?? "", objectID: objectID, tenantID: tenantID,
            homeAccountID: answer.clientInfo?.homeAccountID ?? "\(objectID).\(tenantID)")
        if let refusal = refusal(of: account) { throw refusal }
        return account
    }

    private func wrongAccount(_ account: SignedInAccount, because reason: String) -> MMError {
        let name = account.username.isEmpty ? "account \(account.objectID)" : account.username
        let wanted = target.expectedEmail.map { " as \($0)" } ?? ""
        return MMError(
            .forbidden, "The wrong account signed in to \(target.connection): \(name), but \(reason).",
            hint:
                "Its tokens are not used. Sign in again\(wanted), in a private window "
                + "if the browser keeps using another account: mm login \(ShellWord.quoted(target.connection)). To "
                + "pin another account: mm logout \(ShellWord.quoted(target.connection)) --forget-account.",
            details: details(account))
    }

    private func renamed(_ account: SignedInAccount, _ expected: String) -> MMError {
        let name = ShellWord.quoted(target.connection)
        // The account still has the name that it was pinned with, so the expectation in the entry has changed, not the
        // account.
        if let known = pin?.username, SignedInAccount.sameName(known, account.username) {
            return MMError(
                .forbidden,
                "\(target.connection) is signed in as \(account.username), but now expects \(expected).",
                hint:
                    "To sign in as \(expected), run mm logout \(name) --forget-account, then mm login \(name). Until then "
                    + "its tokens are kept but not used.",
                details: details(account))
        }
        return MMError(
            .forbidden,
            "The account of \(target.connection) is now called \(account.username), but the connection expects \(expected).",
            hint:
                "It is the same account as before (same object id). If it was renamed, confirm it: mm connections edit "
                + "\(name) \(ShellWord.quoted("expectedEmail=\(account.username)")). To use another account: mm logout \(name) "
                + "--forget-account, then mm login \(name). Its tokens were kept.",
            details: details(account))
    }

    private func unverified(_ reason: String) -> MMError {
        MMError(
            .forbidden, "It can't be determined who signed in to \(target.connection): \(reason).",
            hint:
                "Its tokens are not used. Check this machine's clock (mm doctor) and try again; if the problem persists, "
                + "check the app registration (openid, profile).",
            details: ["connection": .string(target.connection)])
    }

    private func details(_ account: SignedInAccount) -> JSONObject {
        var details: JSONObject = [
            "connection": .string(target.connection), "signedIn": .string(account.username),
            "objectId": .string(account.objectID), "tenantId": .string(account.tenantID),
        ]
        if let expected = target.expectedEmail { details["expected"] = .string(expected) }
        return details
    }
}

extension AccountPin {
    /// Returns the name of the pinned account, for a message about one that isn't it.
    package func name(beside other: String) -> String {
        guard let username else { return "another account" }
        return SignedInAccount.sameName(username, other) ? "another account of that name" : username
    }

    /// Returns whether an account is the pinned one.
    func covers(_ account: SignedInAccount) -> Bool {
        matches(tenantId: account.tenantID, objectId: account.objectID, username: account.username)
    }
}

extension IdentityCheck {
    /// Returns the app that signed in by itself, from its access token.
    /// - Throws: `forbidden` when the app or its tenant can't be determined, or isn't the expected one.
    func app(of token: Secret) throws(MMError) -> SignedInAccount {
        guard let claims = AccessTokenClaims(token), let appID = claims.appID else {
            throw unchecked("the access token doesn't say which app it was issued to")
        }
        guard claims.isApp else { throw unchecked("the access token belongs to a person, not to an app") }
        let tenantID = try tenant(of: claims)
        guard target.clientID.isEmpty || target.clientID.lowercased() == appID.lowercased() else {
            throw unexpected("it belongs to the app \(appID), not to \(target.clientID)")
        }
        let objectID = claims.objectID ?? appID
        // The registry names app and tenant; what it leaves out is taken from the pin of the first sign-in.
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
                    "the access token belongs to an app, but the connection expects \(expected)")
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
    var endsAt: Int64? { claims["exp"]?.double.map { Timestamp(clamping: $0).seconds } }
    /// The sign-in name of the person's account.
    var username: String? { text("upn") ?? text("preferred_username") ?? text("unique_name") }

    /// Whether an app signed in by itself: the token says so, or lacks what only a person's token contains.
    var isApp: Bool { text("idtyp").map { $0 == "app" } ?? (text("scp") == nil) }

    private func text(_ claim: String) -> String? { claims[claim]?.string.flatMap { $0.isEmpty ? nil : $0 } }
}
