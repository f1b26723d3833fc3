internal import MMCore

/// The token endpoint.
extension TenantState {
    mutating func token(_ request: SandboxRequest, tenant: String) throws(TokenFault) -> JSONObject {
        let form = request.form
        guard !form.isMalformed else {
            throw TokenFault("invalid_request", 900_144, "The request body is not form-encoded.")
        }
        guard let grant = form["grant_type"], !grant.isEmpty else { throw .missing("grant_type") }
        let app = try app(form)
        try checkClient(app, request: request, form: form, tenant: tenant)
        switch grant {
        case "urn:ietf:params:oauth:grant-type:device_code", "device_code": return try redeemDeviceCode(form, app: app)
        case "refresh_token": return try refresh(form, app: app)
        case "authorization_code": return try redeemAuthorizationCode(form, app: app)
        case "client_credentials": return try appOnly(form, app: app, tenant: tenant)
        case "password":
            throw TokenFault(
                "invalid_grant", 50_126, "Error validating credentials due to invalid username or password.")
        default:
            throw TokenFault(
                "unsupported_grant_type", 70_003, "The app requested an unsupported grant type '\(grant.prefix(80))'.")
        }
    }

    /// The credential of a confidential client, or none of a public one.
    private func checkClient(
        _ app: RegisteredApp, request: SandboxRequest, form: FormFields, tenant: String
    ) throws(TokenFault) {
        let secret = form["client_secret"] ?? basicSecret(request, of: app)
        let assertion = form["client_assertion"]
        if app.isPublicClient {
            guard secret == nil, assertion == nil else {
                throw TokenFault(
                    "invalid_client", 700_025,
                    "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
                    status: 401)
            }
            if form["grant_type"] == "client_credentials" { throw Self.credentialMissing }
            return
        }
        if let assertion {
            try ClientAssertion.check(
                assertion, type: form["client_assertion_type"], app: app, now: now,
                audiences: [
                    "\(base)/\(tenant)/oauth2/v2.0/token", "\(base)/\(TenantIdentity.id)/oauth2/v2.0/token",
                    "\(base)/\(TenantIdentity.id)/v2.0",
                ])
        } else if let secret {
            guard let right = app.secret, ConstantTime.equal(Array(secret.utf8), Array(right.utf8)) else {
                throw TokenFault(
                    "invalid_client", 7_000_215,
                    "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '\(app.id)'.",
                    status: 401)
            }
        } else {
            throw Self.credentialMissing
        }
    }

    private func basicSecret(_ request: SandboxRequest, of app: RegisteredApp) -> String? {
        guard let header = request.headers["authorization"], header.lowercased().hasPrefix("basic "),
            let bytes = Base64.bytes(String(header.dropFirst(6)))
        else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let mark = text.firstIndex(of: ":") else { return nil }
        return FormFields(parsing: "s=\(text[text.index(after: mark)...])")["s"]
    }

    private mutating func appOnly(_ form: FormFields, app: RegisteredApp, tenant: String) throws(TokenFault)
        -> JSONObject
    {
        guard tenant.lowercased() != "common", tenant.lowercased() != "organizations" else {
            throw TokenFault(
                "invalid_request", 50_059,
                "No tenant-identifying information found in either the request or implied by any provided credentials.")
        }
        guard let scopeText = form["scope"], !scopeText.isEmpty else { throw .missing("scope") }
        let scope = try ScopeRequest(parsing: scopeText, app: app, base: base)
        guard scope.isDefault else {
            throw TokenFault(
                "invalid_scope", 1_002_012,
                "The provided value for scope \(scopeText) is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI)."
            )
        }
        let serial = ledger.nextSerial()
        let objectID = store.servicePrincipalID(ofApp: app.id) ?? app.id
        var claims = accessClaims(scope: scope, app: app, serial: serial, lifetime: 3_599, form: form)
        claims["appidacr"] = "1"
        claims["idtyp"] = "app"
        claims["oid"] = .string(objectID)
        claims["roles"] = .array(app.roles.map(JSONValue.string))
        claims["sub"] = .string(objectID)
        return [
            "token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599,
            "access_token": .string(mint.sealed(claims)),
        ]
    }

    private mutating func refresh(_ form: FormFields, app: RegisteredApp) throws(TokenFault) -> JSONObject {
        guard let token = form["refresh_token"], !token.isEmpty else { throw .missing("refresh_token") }
        guard let grant = ledger.grants[token] else {
            if ledger.spent.contains(token) {
                throw TokenFault(
                    "invalid_grant", 70_000,
                    "The provided value for the input parameter 'refresh_token' is not valid: it was used before.",
                    suberror: "bad_token")
            }
            throw TokenFault("invalid_grant", 70_000, "Provided grant is invalid or malformed.", suberror: "bad_token")
        }
        guard grant.appID == app.id else {
            throw TokenFault(
                "invalid_grant", 700_005, "Provided authorization code or refresh token is for another client.")
        }
        guard grant.serial > ledger.revokedBefore[grant.userID] ?? 0 else {
            throw TokenFault(
                "invalid_grant", 50_173,
                "The provided grant has expired due to it being revoked, a fresh auth token is needed.")
        }
        guard now - grant.issued < 90 * 86_400 else {
            throw TokenFault(
                "invalid_grant", 700_082,
                "The refresh token has expired due to inactivity. The token was inactive for 90.00:00:00.")
        }
        let scope = try ScopeRequest(
            parsing: form["scope"] ?? "https://graph.microsoft.com/.default openid profile offline_access", app: app,
            base: base)
        try checkAccount(grant.userID, isRefresh: true)
        return try tokens(for: grant.userID, app: app, scope: scope, form: form, replacing: token)
    }

    /// Whether an account may get a token now.
    func checkAccount(_ userID: String, isRefresh: Bool = false) throws(TokenFault) {
        guard let record = store.user(userID) else {
            throw TokenFault(
                "invalid_grant", 50_034, "The user account does not exist in the \(TenantIdentity.name) directory.")
        }
        guard record["accountEnabled"]?.bool != false else {
            throw TokenFault("invalid_grant", 50_057, "The user account is disabled.")
        }
        let outcome = store.users.index(of: userID).flatMap {
            NamedAccount.all.indices.contains($0) ? NamedAccount.all[$0].outcome : nil
        }
        switch outcome {
        case .blockedByPolicy:
            throw TokenFault(
                "interaction_required", 53_003,
                "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
                suberror: "message_only")
        case .secondFactorOnRefresh where isRefresh:
            throw TokenFault(
                "interaction_required", 50_076,
                "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication.",
                suberror: "basic_action",
                claims:
                    #"{"access_token":{"capolids":{"essential":true,"values":["55555555-0000-4000-8000-000000000001"]}}}"#
            )
        default: return
        }
    }

    /// The answer of a successful sign-in or refresh of a person.
    mutating func tokens(
        for userID: String, app: RegisteredApp, scope: ScopeRequest, form: FormFields, nonce: String? = nil,
        replacing old: String? = nil
    ) throws(TokenFault) -> JSONObject {
        try checkAccount(userID)
        guard let record = store.user(userID) else {
            throw TokenFault("invalid_grant", 50_034, "The user account does not exist.")
        }
        let serial = ledger.nextSerial()
        let lifetime = options.accessTokenLifetime
        let name = record["displayName"]?.string ?? ""
        let upn = record["userPrincipalName"]?.string ?? ""
        var claims = accessClaims(scope: scope, app: app, serial: serial, lifetime: lifetime, form: form)
        claims["acct"] = record["userType"]?.string == "Guest" ? 1 : 0
        claims["acr"] = "1"
        claims["amr"] = ["pwd", "mfa"]
        claims["appidacr"] = app.isPublicClient ? "0" : "1"
        claims["idtyp"] = "user"
        claims["ipaddr"] = "127.0.0.1"
        claims["name"] = .string(name)
        claims["oid"] = .string(userID)
        claims["scp"] = .string((scope.permissions + scope.identityScopes).joined(separator: " "))
        claims["sub"] = .string(mint.tag("at:\(app.id):\(userID)"))
        claims["unique_name"] = .string(upn)
        claims["upn"] = .string(upn)
        claims["wids"] = .array(store.roles(of: userID).map { .string($0.rawValue) })
        var answer: JSONObject = [
            "token_type": "Bearer",
            "scope": .string(scopeText(scope)),
            "expires_in": .int(lifetime),
            "ext_expires_in": .int(lifetime),
            "access_token": .string(mint.sealed(claims)),
        ]
        if scope.wantsRefreshToken {
            answer["refresh_token"] = .string(refreshToken(for: userID, app: app, serial: serial, replacing: old))
        }
        if scope.wantsIDToken { answer["id_token"] = .string(idToken(record, app: app, serial: serial, nonce: nonce)) }
        if form["client_info"] == "1" {
            let home = homeAccount(record, userID: userID)
            let info: JSONObject = ["uid": .string(home.object), "utid": .string(home.tenant)]
            answer["client_info"] = .string(Base64.text(JSONWriter.bytes(.object(info)), alphabet: .url))
        }
        return answer
    }

    private func scopeText(_ scope: ScopeRequest) -> String {
        var names = scope.identityScopes
        names += scope.permissions.map { "\(scope.audience)/\($0)" }
        if scope.isDefault { names.append("\(scope.audience)/.default") }
        return names.joined(separator: " ")
    }

    private func accessClaims(
        scope: ScopeRequest, app: RegisteredApp, serial: Int, lifetime: Int64, form: FormFields
    ) -> JSONObject {
        var claims: JSONObject = [
            "aud": .string(scope.audience),
            "iss": .string("\(base)/\(TenantIdentity.id)/"),
            "iat": .int(now), "nbf": .int(now), "exp": .int(now + lifetime),
            "app_displayname": .string(app.name),
            "appid": .string(app.id),
            "tid": .string(TenantIdentity.id),
            "uti": .string("S\(serial)"),
            "ver": "1.0",
        ]
        let wanted = form["claims"].flatMap { try? JSONParser.parse($0) }
        if let capabilities = wanted?["access_token"]?["xms_cc"]?["values"]?.array, capabilities.contains("CP1") {
            claims["xms_cc"] = ["CP1"]
        }
        return claims
    }

    private mutating func refreshToken(for userID: String, app: RegisteredApp, serial: Int, replacing old: String?)
        -> String
    {
        if let old, case .keep = options.refreshRotation { return old }
        let token = "1.SANDBOX.\(RandomBytes.text(bytes: 40))"
        let family = old.flatMap { ledger.grants[$0]?.family } ?? serial
        ledger.grants[token] = RefreshGrant(appID: app.id, userID: userID, issued: now, family: family, serial: serial)
        if let old, case .renewAndRevoke = options.refreshRotation {
            ledger.grants[old] = nil
            ledger.spent.insert(old)
        }
        return token
    }

    private func homeAccount(_ record: Record, userID: String) -> (object: String, tenant: String) {
        guard record["userType"]?.string == "Guest" else { return (userID, TenantIdentity.id) }
        let place = mixing.branch(77)
        let key = userID.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) & 0x7FFF_FFFF }
        return (Guid.text(place.number(key, 1), place.number(key, 2)), "6c2e9b14-77d0-4f3a-8b25-91e6a0c3d722")
    }

    private func idToken(_ record: Record, app: RegisteredApp, serial: Int, nonce: String?) -> String {
        var claims: JSONObject = [
            "aud": .string(app.id),
            "iss": .string("\(base)/\(TenantIdentity.id)/v2.0"),
            "iat": .int(now), "nbf": .int(now), "exp": .int(now + 3900),
            "name": record["displayName"] ?? "",
            "oid": .string(record.id),
            "preferred_username": record["userType"]?.string == "Guest"
                ? record["mail"] ?? "" : record["userPrincipalName"] ?? "",
            "rh": "1.SANDBOX.",
            "sid": .string(Guid.text(mixing.number(serial, 5), mixing.number(serial, 6))),
            "sub": .string(mint.tag("id:\(app.id):\(record.id)")),
            "tid": .string(TenantIdentity.id),
            "uti": .string("S\(serial)"),
            "ver": "2.0",
        ]
        if record["userType"]?.string == "Guest" {
            claims["email"] = record["mail"]
            claims["idp"] = .string("\(base)/6c2e9b14-77d0-4f3a-8b25-91e6a0c3d722/")
        }
        if let nonce { claims["nonce"] = .string(nonce) }
        return mint.sealed(claims)
    }
}
