internal import MMCore

/// The start and the poll of the device code flow (RFC 8628).
extension TenantState {
    /// The app of a request: known, enabled.
    func app(_ form: FormFields) throws(TokenFault) -> RegisteredApp {
        guard let id = form["client_id"], !id.isEmpty else { throw .missing("client_id") }
        guard Guid.isGuid(id) else {
            throw TokenFault("invalid_request", 900_971, "The client_id '\(id.prefix(64))' is not a valid GUID.")
        }
        guard let app = RegisteredApp.find(id) else {
            throw TokenFault(
                "unauthorized_client", 700_016,
                "Application with identifier '\(id)' was not found in the directory '\(TenantIdentity.name)'. This sandbox knows \(TenantIdentity.demoApp)."
            )
        }
        guard app.isEnabled else {
            throw TokenFault(
                "unauthorized_client", 7_000_112, "Application '\(id)' (\(app.name)) is disabled.", status: 401)
        }
        return app
    }

    mutating func deviceCode(_ request: SandboxRequest) throws(TokenFault) -> JSONObject {
        let form = request.form
        let app = try app(form)
        guard app.isPublicClient else { throw Self.credentialMissing }
        let scope = form["scope"] ?? ""
        _ = try ScopeRequest(parsing: scope, app: app, base: base)
        let userCode = freshUserCode()
        let deviceCode = "DAQABSANDBOX-\(RandomBytes.text(bytes: 32))"
        ledger.pending[deviceCode] = PendingSignIn(
            userCode: userCode, appID: app.id, scope: scope, expires: now + options.deviceCodeLifetime,
            interval: options.pollInterval, lastPoll: nil, decision: .open)
        let address = "\(base)/devicelogin"
        return [
            "user_code": .string(userCode),
            "device_code": .string(deviceCode),
            "verification_uri": .string(address),
            "expires_in": .int(options.deviceCodeLifetime),
            "interval": .int(options.pollInterval),
            "message": .string(
                "To sign in, use a web browser to open the page \(address) and enter the code \(userCode) to authenticate."
            ),
        ]
    }

    static var credentialMissing: TokenFault {
        TokenFault(
            "invalid_client", 7_000_218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.", status: 401
        )
    }

    /// Nine letters and digits, without those that people mix up.
    private func freshUserCode() -> String {
        let letters = Array("ABCDEFGHJKLMNPQRSTUVWXYZ23456789")
        while true {
            let code = String((0..<9).map { _ in letters[Int.random(in: 0..<letters.count)] })
            if !ledger.pending.values.contains(where: { $0.userCode == code }) { return code }
        }
    }

    /// The device code under a code that a person entered; blanks, dashes and case don't count.
    func pendingSignIn(userCode: String) -> (deviceCode: String, pending: PendingSignIn)? {
        let wanted = userCode.uppercased().filter { $0.isLetter || $0.isNumber }
        return ledger.pending.first { $0.value.userCode == wanted }.map { ($0.key, $0.value) }
    }

    mutating func redeemDeviceCode(_ form: FormFields, app: RegisteredApp) throws(TokenFault) -> JSONObject {
        guard let code = form["device_code"] ?? form["code"], !code.isEmpty else { throw .missing("device_code") }
        guard var pending = ledger.pending[code], pending.appID == app.id else {
            throw TokenFault(
                "bad_verification_code", 70_018, "Invalid verification code: the device code is not known.")
        }
        guard now < pending.expires else {
            throw TokenFault(
                "expired_token", 70_020,
                "The provided value for the input parameter 'device_code' is not valid. This device code has expired.")
        }
        switch pending.decision {
        case .redeemed:
            throw TokenFault(
                "invalid_grant", 54_005,
                "OAuth2 Authorization code was already redeemed, please retry with a new valid code.")
        case .declined:
            throw TokenFault("authorization_declined", 70_018, "The user declined the request.")
        case .open:
            let early = pending.lastPoll.map { now - $0 < pending.interval } ?? false
            pending.lastPoll = now
            if early { pending.interval += 5 }
            ledger.pending[code] = pending
            guard !early else { throw TokenFault("slow_down", 0, "Polling too fast.") }
            throw TokenFault(
                "authorization_pending", 70_016,
                "OAuth 2.0 device flow error. Authorization is pending. Continue polling.")
        case .approved(let userID):
            let scope = try ScopeRequest(parsing: pending.scope, app: app, base: base)
            pending.decision = .redeemed
            ledger.pending[code] = pending
            return try tokens(for: userID, app: app, scope: scope, form: form)
        }
    }
}
