internal import MMCore
internal import MMHTTP

/// The browser flow: authorization code with PKCE (RFC 7636), and the codes that weren't redeemed yet.
final class AuthorizeEndpoint {
    private let context: TenantContext
    private let apps: TenantApps
    private let issuer: TokenIssuer
    private let pages: ApprovalPages
    /// The pending codes, by their text.
    private var codes: [String: AuthorizationCode] = [:]

    init(context: TenantContext, apps: TenantApps, issuer: TokenIssuer, pages: ApprovalPages) {
        self.context = context
        self.apps = apps
        self.issuer = issuer
        self.pages = pages
    }

    /// A valid authorization request.
    private struct Authorization {
        let app: RegisteredApp
        let scope: String
        let redirectURI: String
        let mode: String
        let state: String?
        let nonce: String?
        let challenge: String?
        let method: String
    }

    func authorize(_ request: HTTPServerRequest, tenant: String) -> HTTPServerResponse {
        let fields = request.method == "POST" ? request.form : request.queryFields
        do throws(TokenFault) {
            try context.checkTenant(tenant)
            let authorization = try authorization(fields)
            if request.method == "POST" { return try decide(authorization, fields, request) }
            if let code = fields["prompt"], code == "none" {
                return redirect(authorization, error: "login_required", number: 50_058)
            }
            return approvalForm(authorization, fields, request, problem: nil)
        } catch {
            return pages.page(
                title: "Sign-in failed",
                content: ApprovalPages.message(
                    "Sorry, but we're having trouble signing you in.", note: "AADSTS\(error.number): \(error.message)"),
                status: 400)
        }
    }

    private func authorization(_ fields: PostedForm) throws(TokenFault) -> Authorization {
        let app = try apps.named(in: fields)
        if app.redirectURIs?.isEmpty == true {
            throw TokenFault(
                "invalid_request", 500_113, "No reply address is registered for the application '\(app.id)'.")
        }
        guard let redirectURI = fields["redirect_uri"], Self.isLoopback(redirectURI),
            app.redirectURIs?.contains("http://localhost") ?? true
        else {
            throw TokenFault(
                "invalid_request", 50_011,
                "The redirect URI '\((fields["redirect_uri"] ?? "").prefix(200))' specified in the request does not match the redirect URIs configured for the application '\(app.id)'. Register http://localhost."
            )
        }
        guard fields["response_type"] == "code" else {
            throw TokenFault(
                "unsupported_response_type", 700_054,
                "response_type '\((fields["response_type"] ?? "").prefix(40))' is not enabled for the application.")
        }
        let mode = fields["response_mode"] ?? "query"
        guard ["query", "form_post", "fragment"].contains(mode) else {
            throw TokenFault("invalid_request", 900_144, "The response_mode '\(mode.prefix(40))' is not known.")
        }
        let scope = fields["scope"] ?? ""
        _ = try ScopeRequest(parsing: scope, app: app, base: context.base)
        let challenge = fields["code_challenge"]
        if app.isPublicClient, challenge == nil {
            throw TokenFault(
                "invalid_request", 9_002_325,
                "Proof Key for Code Exchange is required for cross-origin authorization code redemption.")
        }
        return Authorization(
            app: app, scope: scope, redirectURI: redirectURI, mode: mode, state: fields["state"],
            nonce: fields["nonce"],
            challenge: challenge, method: fields["code_challenge_method"] ?? "plain")
    }

    /// Returns whether an address is a loopback address; a registered `http://localhost` matches any port and path.
    private static func isLoopback(_ address: String) -> Bool {
        for start in ["http://localhost", "http://127.0.0.1", "http://[::1]"] where address.hasPrefix(start) {
            let rest = address.dropFirst(start.count)
            guard let next = rest.first else { return true }
            if next == "/" || next == "?" { return true }
            if next == ":" {
                let port = rest.dropFirst().prefix { $0 != "/" && $0 != "?" }
                return UInt16(port) != nil
            }
        }
        return false
    }

    private func approvalForm(
        _ authorization: Authorization, _ fields: PostedForm, _ request: HTTPServerRequest, problem: String?
    ) -> HTTPServerResponse {
        let kept = [
            "client_id", "response_type", "redirect_uri", "response_mode", "scope", "state", "nonce", "code_challenge",
            "code_challenge_method",
        ]
        return pages.approval(
            ApprovalForm(
                app: authorization.app, scope: authorization.scope, whatName: "Back to",
                what: authorization.redirectURI,
                action: request.path, hidden: kept.compactMap { name in fields[name].map { (name, $0) } },
                loginHint: fields["login_hint"], redirect: authorization.redirectURI, problem: problem),
            request)
    }

    private func decide(
        _ authorization: Authorization, _ fields: PostedForm, _ request: HTTPServerRequest
    ) throws(TokenFault) -> HTTPServerResponse {
        guard pages.forms.isRight(fields["csrf"], request) else {
            return approvalForm(
                authorization, fields, request, problem: "This form is no longer valid. Please choose again.")
        }
        guard fields["decision"] == "approve" else {
            return redirect(authorization, error: "access_denied", number: 65_004)
        }
        guard let user = pages.chosenAccount(fields) else {
            return approvalForm(authorization, fields, request, problem: "Choose an account of this tenant.")
        }
        try issuer.checkAccount(user.id)
        let session: SignInSession
        do throws(TokenFault) {
            session = try issuer.begin(user.id, app: authorization.app, by: .browser)
        } catch {
            return redirect(
                authorization,
                fields: [("error", "access_denied"), ("error_description", "AADSTS\(error.number): \(error.message)")])
        }
        let code = "1.SANDBOX.\(RandomBytes.text(bytes: 32))"
        if codes.count > 64 { codes = codes.filter { $0.value.expires + 3600 > context.now } }
        codes[code] = AuthorizationCode(
            appID: authorization.app.id, scope: authorization.scope, redirectURI: authorization.redirectURI,
            userID: user.id, nonce: authorization.nonce, challenge: authorization.challenge,
            challengeMethod: authorization.method, expires: context.now + 600, session: session)
        return redirect(authorization, fields: [("code", code)])
    }

    private func redirect(_ authorization: Authorization, error: String, number: Int) -> HTTPServerResponse {
        let text =
            number == 65_004
            ? "AADSTS65004: User declined to consent to access the app." : "AADSTS\(number): A sign-in is needed."
        return redirect(authorization, fields: [("error", error), ("error_description", text)])
    }

    private func redirect(_ authorization: Authorization, fields: [(String, String)]) -> HTTPServerResponse {
        var fields = fields
        if let state = authorization.state { fields.append(("state", state)) }
        if authorization.mode == "form_post" { return pages.post(authorization.redirectURI, fields) }
        let pairs = fields.map { "\($0.0)=\(PercentCoding.unreserved($0.1))" }
        let mark = authorization.mode == "fragment" ? "#" : authorization.redirectURI.contains("?") ? "&" : "?"
        return HTTPServerResponse(
            status: 302,
            headers: [
                "Location": authorization.redirectURI + mark + pairs.joined(separator: "&"),
                "Cache-Control": "no-store",
            ])
    }

    func redeem(_ form: PostedForm, app: RegisteredApp) throws(TokenFault) -> JSONObject {
        guard let text = form["code"], !text.isEmpty else { throw .missing("code") }
        guard var code = codes[text], code.appID == app.id else {
            throw TokenFault(
                "invalid_grant", 9_002_313, "Invalid request. Request is malformed or invalid: the code is not known.")
        }
        guard !code.isRedeemed else {
            throw TokenFault(
                "invalid_grant", 54_005,
                "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token."
            )
        }
        guard context.now < code.expires else {
            throw TokenFault("invalid_grant", 70_008, "The provided authorization code has expired.")
        }
        guard form["redirect_uri"] == code.redirectURI else {
            throw TokenFault(
                "invalid_grant", 50_011,
                "The reply address '\((form["redirect_uri"] ?? "").prefix(200))' does not match the one of the authorization request."
            )
        }
        if let challenge = code.challenge {
            guard let verifier = form["code_verifier"] else { throw .missing("code_verifier") }
            let answer =
                code.challengeMethod == "S256"
                ? Base64.text(SHA256.digest(verifier.utf8), alphabet: .url) : verifier
            guard (43...128).contains(verifier.utf8.count), answer == challenge else {
                throw TokenFault(
                    "invalid_grant", 501_481,
                    "The Code_Verifier does not match the code_challenge supplied in the authorization request.")
            }
        }
        code.isRedeemed = true
        codes[text] = code
        let scope = try ScopeRequest(parsing: code.scope, app: app, base: context.base)
        return try issuer.tokens(
            for: code.userID, app: app, scope: scope, form: form, session: code.session, nonce: code.nonce)
    }
}

/// A code of the browser flow that waits to be redeemed at the token endpoint.
struct AuthorizationCode: Sendable {
    let appID: String
    let scope: String
    let redirectURI: String
    let userID: String
    let nonce: String?
    let challenge: String?
    let challengeMethod: String
    let expires: Int64
    let session: SignInSession
    var isRedeemed = false
}
