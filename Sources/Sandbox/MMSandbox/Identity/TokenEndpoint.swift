internal import MMCore
internal import MMHTTP

/// The token endpoint: checks the client, and hands each grant to who answers it.
struct TokenEndpoint {
    let context: TenantContext
    let apps: TenantApps
    let issuer: TokenIssuer
    let devices: DeviceCodes
    let browser: BrowserSignIn

    func answer(_ request: HTTPServerRequest, tenant: String) throws(TokenFault) -> JSONObject {
        let form = request.form
        guard !form.isMalformed else {
            throw TokenFault("invalid_request", 900_144, "The request body is not form-encoded.")
        }
        guard let grant = form["grant_type"], !grant.isEmpty else { throw .missing("grant_type") }
        let app = try apps.named(in: form)
        try checkClient(app, request: request, form: form, tenant: tenant)
        switch grant {
        case "urn:ietf:params:oauth:grant-type:device_code", "device_code": return try devices.redeem(form, app: app)
        case "refresh_token": return try issuer.refresh(form, app: app)
        case "authorization_code": return try browser.redeem(form, app: app)
        case "client_credentials": return try issuer.appOnly(form, app: app, tenant: tenant)
        case "urn:ietf:params:oauth:grant-type:jwt-bearer": return try issuer.onBehalfOf(form, app: app)
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
        _ app: RegisteredApp, request: HTTPServerRequest, form: FormFields, tenant: String
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
            if form["grant_type"] == "client_credentials" { throw .credentialMissing }
            return
        }
        if let assertion {
            try ClientAssertion.check(
                assertion, type: form["client_assertion_type"], app: app, now: context.now,
                audiences: [
                    "\(context.base)/\(tenant)/oauth2/v2.0/token",
                    "\(context.base)/\(context.organization.id)/oauth2/v2.0/token",
                    "\(context.base)/\(context.organization.id)/v2.0",
                ])
        } else if let secret {
            guard let right = app.secret, ConstantTime.equal(Array(secret.utf8), Array(right.utf8)) else {
                throw TokenFault(
                    "invalid_client", 7_000_215,
                    "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '\(app.id)'.",
                    status: 401)
            }
        } else {
            throw .credentialMissing
        }
    }

    private func basicSecret(_ request: HTTPServerRequest, of app: RegisteredApp) -> String? {
        guard let header = request.headers["authorization"], header.lowercased().hasPrefix("basic "),
            let bytes = Base64.bytes(String(header.dropFirst(6)))
        else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let mark = text.firstIndex(of: ":") else { return nil }
        return FormFields(parsing: "s=\(text[text.index(after: mark)...])")["s"]
    }
}
