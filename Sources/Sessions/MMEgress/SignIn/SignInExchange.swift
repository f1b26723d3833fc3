import MMCore
import MMHTTP
import MMIdentity

/// One exchange with the sign-in service. It replaces placeholders in the request with their tokens, and tokens in the
/// answer with placeholders, so that a module signs in by itself and never holds a token.
struct SignInExchange: Sendable {
    /// An answer as the session gets it.
    struct Answer: Sendable {
        let status: Int
        let body: [UInt8]
    }

    /// The fields that contain a token for the sign-in service, which the session can have only as a placeholder.
    private static let tokenFields = ["refresh_token", "device_code", "assertion", "id_token_hint", "subject_token"]
    /// The size limit of an answer; those of these endpoints are smaller.
    static let maxAnswerBytes = 1 << 20

    private let core: EgressCore
    private let endpoint: String
    private let host: String
    private let form: FormFields?
    private let isTokenEndpoint: Bool

    /// Creates the exchange for a request; `nil` if its answer can't contain a token: another service's, or a page.
    init?(_ request: DescribedRequest, core: EgressCore) throws(WireFault) {
        let path = request.target.prefix { $0 != "?" }.lowercased()
        guard request.place.issuesTokens, request.place.service == .signIn || path.contains("/oauth2/") else {
            return nil
        }
        try core.gate.check(request)
        self.core = core
        host = request.place.host
        endpoint = request.place.origin + request.target.prefix { $0 != "?" }
        isTokenEndpoint = path.contains("/oauth2/") && (path.hasSuffix("/token") || path.hasSuffix("/devicecode"))
        guard case .whole(let body) = request.body else {
            guard request.body == .none else { throw Self.refused("The body is too large for the sign-in service.") }
            form = nil
            return
        }
        form = FormFields(reading: body)
        if form == nil, isTokenEndpoint {
            throw Self.refused("The token endpoint accepts a form with each field only once.")
        }
    }

    /// The service's known answer for the module's refresh token, if another exchange has already learned that the
    /// sign-in is over. Asking again would cost another renewal.
    var known: Answer? { renewed.flatMap { core.renewal.known($0.token, for: $0.scope) } }

    /// The refresh token of the request, and the requested scope.
    private var renewed: (token: Secret, scope: String?)? {
        guard isTokenEndpoint, form?["grant_type"] == "refresh_token", let text = form?["refresh_token"],
            case .signInOnly(let token)? = core.settings.vault.worth(of: text)
        else { return nil }
        return (token, form?["scope"] ?? form?["resource"])
    }

    /// Returns the body with real tokens in it; `nil` to send the original body.
    func outgoingBody() throws(WireFault) -> [UInt8]? {
        guard var form else { return nil }
        var isChanged = false
        for name in form.names {
            guard let value = form[name] else { continue }
            let isTokenField = Self.tokenFields.contains(name.lowercased())
            switch core.settings.vault.worth(of: value) {
            case .signInOnly(let secret)? where isTokenField: form[name] = secret.reveal()
            case .own(let token)? where name.lowercased() == "assertion": form[name] = token.token.reveal()
            case .some:
                core.settings.events(.placeholderElsewhere(host: host, audience: nil))
                throw WireFault(
                    403, .placeholderElsewhere,
                    "The field \(name) contains a placeholder whose token is not accepted there.")
            case nil:
                if isTokenField {
                    core.settings.events(.foreignCredential(host: host))
                    throw WireFault(
                        400, .foreignCredential,
                        "The field \(name) contains a token that this session was not given. Sign in "
                            + "again within the session."
                    )
                }
                continue
            }
            isChanged = true
        }
        return isChanged ? form.body : nil
    }

    /// Returns a "still pending" answer to a poll for a device code while the service can't be reached. The libraries
    /// that modules sign in with drop the code at the first fault, and the person would need another one.
    /// - Returns: `nil` for another request, and for a permanent fault.
    func waiting(for fault: WireFault) -> Answer? {
        guard isTokenEndpoint, form?["device_code"] != nil, fault.kind == .upstream || fault.kind == .throttled else {
            return nil
        }
        core.settings.events(.signIn(.pending(trouble: fault.message)))
        return Answer(
            status: 400,
            body: JSONWriter.bytes(["error": "authorization_pending", "error_description": .string(fault.message)]))
    }

    /// Returns the same answer for a status that means a temporary fault.
    func waiting(forStatus status: Int) -> Answer? {
        guard status == 429 || status >= 500 else { return nil }
        return waiting(for: WireFault(502, .upstream, "\(host) answers \(status)."))
    }

    /// Returns the session's answer in place of the service's.
    /// - Throws: if the answer may contain tokens and can't be parsed.
    func answer(_ status: Int, _ headers: HTTPHeaders, _ body: [UInt8]) async throws(WireFault) -> Answer {
        // The address of a redirect may contain tokens too, for browsers.
        let next = headers["location"] ?? ""
        guard !Self.tokenNames.contains(where: { next.contains($0) }) else { throw Self.unreadable }
        let limits = JSONLimits(bytes: Self.maxAnswerBytes, depth: 64)
        guard var object = (try? JSONParser.parse(body, limits: limits))?.object else {
            // A page with tokens is meant for a browser.
            guard !Self.tokenNames.contains(where: { String(decoding: body, as: UTF8.self).contains($0) }) else {
                throw Self.unreadable
            }
            guard isTokenEndpoint, (200..<300).contains(status), !body.isEmpty else {
                return Answer(status: status, body: body)
            }
            throw Self.unreadable
        }
        guard !object.values.contains(where: Self.holdsToken) else { throw Self.unreadable }
        if let code = object["error"]?.string {
            tell(error: code, HTTPResponse(status: status, headers: headers, body: body))
            return Answer(status: status, body: body)
        }
        let rewritten = object["access_token"] != nil || object["refresh_token"] != nil || object["id_token"] != nil
        guard rewritten || object["device_code"] != nil else { return Answer(status: status, body: body) }
        if let code = object["device_code"]?.string, !code.isEmpty {
            showCode(object)
            object["device_code"] = .string(core.settings.vault.placeholder(forSignIn: Secret(code)))
        }
        if rewritten {
            let identity = identity(object)
            if let identity {
                if let refusal = await core.settings.identityCheck(identity) {
                    // The other account's tokens are neither passed on nor stored.
                    let fault = WireFault(400, .signIn, refusal.message)
                    return Answer(
                        status: 400,
                        body: ServiceRefusal.body(fault, code: refusal.code, service: .signIn))
                }
            }
            rewriteTokens(in: &object, identity)
        }
        return Answer(status: status, body: JSONWriter.bytes(.object(object)))
    }

    // MARK: Tokens

    private func rewriteTokens(in object: inout JSONObject, _ identity: SignedInIdentity?) {
        let grant = grant(object)
        if let token = object["access_token"]?.string, !token.isEmpty {
            let now = core.settings.clock.now.seconds
            let text = TokenText(token)
            let life = Self.seconds(object["expires_in"])
            let own = PlaceholderVault.OwnToken(
                audience: text.audience ?? audience(object), token: Secret(token),
                expiry: text.expiry ?? life.map { now + $0 }, grant: grant)
            object["access_token"] = .string(core.settings.vault.placeholder(for: own))
            if grant != nil {
                let distance = PlaceholderVault.distance
                for name in ["expires_in", "ext_expires_in"] { Self.set(name, distance, in: &object) }
                Self.set("expires_on", now + distance, in: &object)
                object["refresh_in"] = nil
            }
        }
        if let token = object["id_token"]?.string, !token.isEmpty {
            object["id_token"] = .string(core.settings.vault.placeholder(forSignIn: Secret(token)))
        }
        if let token = object["refresh_token"]?.string, !token.isEmpty {
            let placeholder = core.settings.vault.placeholder(forSignIn: Secret(token))
            core.gate.gave(placeholder, for: form, scopes: object["scope"]?.string)
            object["refresh_token"] = .string(placeholder)
            if let grant { core.settings.events(.signIn(.refreshToken(grant, identity))) }
        }
        if let identity {
            core.gate.admit(tenant: identity.tenantID)
            core.settings.events(.signIn(.signedIn(identity)))
        }
    }

    /// Returns how to renew the answer's access token: with the refresh token in the answer, or the one in the request.
    private func grant(_ object: JSONObject) -> RenewalGrant? {
        var refreshToken = object["refresh_token"]?.string.map { Secret($0) }
        if refreshToken == nil, let used = form?["refresh_token"],
            case .signInOnly(let secret)? = core.settings.vault.worth(of: used)
        {
            refreshToken = secret
        }
        guard let refreshToken, !refreshToken.isEmpty, let clientID = form?["client_id"] else { return nil }
        // An app that proves its identity does so with a secret that only the session has.
        guard form?["client_assertion"] == nil, form?["client_secret"] == nil else { return nil }
        return RenewalGrant(
            refreshToken: refreshToken, endpoint: endpoint, clientID: clientID,
            scope: form?["scope"] ?? (form?["resource"] == nil ? Self.renewable(object["scope"]?.string) : nil),
            resource: form?["resource"] ?? (form?["scope"] == nil ? object["resource"]?.string : nil),
            claims: form?["claims"])
    }

    /// Returns the scopes to renew with, from those in an answer. After a sign-in for `.default` the service names
    /// `.default` and all scopes that it stands for, but accepts only one of the two in a request.
    private static func renewable(_ scopes: String?) -> String? {
        let words = scopes?.split(separator: " ") ?? []
        guard words.contains(where: { $0.hasSuffix("/.default") }) else { return scopes }
        return words.filter { $0.hasSuffix("/.default") || !$0.contains("/") }.joined(separator: " ")
    }

    /// Returns the audience of a token that doesn't say it itself: the older endpoint's `resource`, or the resource of
    /// its scopes.
    private func audience(_ object: JSONObject) -> String {
        if let resource = object["resource"]?.string ?? form?["resource"] { return CloudHost.audience(resource) }
        let scopes = (object["scope"]?.string ?? form?["scope"] ?? "").split(separator: " ")
        let origin = scopes.compactMap { WebAddress(String($0))?.origin }.first
        return origin.map(CloudHost.audience) ?? ""
    }

    // MARK: Events

    private func identity(_ object: JSONObject) -> SignedInIdentity? {
        let token =
            object["id_token"]?.string.flatMap(IDToken.init) ?? object["access_token"]?.string.flatMap(IDToken.init)
        guard let token, let tenant = token.tenantID, let account = token.objectID else { return nil }
        return SignedInIdentity(
            tenantID: tenant.lowercased(), objectID: account.lowercased(), username: token.displayName,
            clientID: form?["client_id"])
    }

    private func showCode(_ object: JSONObject) {
        guard let code = object["user_code"]?.string,
            let address = (object["verification_uri"] ?? object["verification_url"])?.string
        else { return }
        let end = core.settings.clock.now.seconds + (Self.seconds(object["expires_in"]) ?? 900)
        core.settings.events(
            .signIn(
                .code(
                    SignInCode(
                        userCode: code, address: address, expiresAt: Timestamp(seconds: end),
                        clientID: form?["client_id"]))))
    }

    private func tell(error code: String, _ answer: HTTPResponse) {
        guard isTokenEndpoint else { return }
        if code == "authorization_pending" || code == "slow_down" {
            return core.settings.events(.signIn(.pending(trouble: nil)))
        }
        let error = EntraError(answer, now: core.settings.clock.now)
        guard let renewed else { return core.settings.events(.signIn(.failed(error))) }
        // Another renewal may succeed, for example after a person has consented.
        guard error.action.loss != .nothing else { return }
        let refusal = core.renewal.refused(
            renewed.token, for: renewed.scope, error, Answer(status: answer.status, body: answer.body))
        // A module requests tokens of further services in the background, and may work without them: if a policy
        // requires an interaction there, a new device code doesn't help.
        let isOver = error.action.loss == .everything || core.gate.isForFirst(form)
        if isOver { core.settings.events(.signIn(.over(refusal, isModulesOwn: true))) }
    }

    // MARK: Values

    private static let tokenNames = ["access_token", "refresh_token", "id_token"]
    private static let unreadable = WireFault(
        502, .signIn,
        "The sign-in service's answer is not the JSON of a token endpoint, so its tokens can't be recognised.")

    /// Returns whether an answer contains tokens at a deeper level than where the endpoints put them.
    private static func holdsToken(_ value: JSONValue) -> Bool {
        switch value {
        case .object(let members):
            members.keys.contains(where: tokenNames.contains) || members.values.contains(where: holdsToken)
        case .array(let items): items.contains(where: holdsToken)
        default: false
        }
    }

    /// Returns a lifetime of at most a year; the newer endpoint sends it as a number, the older one as text.
    private static func seconds(_ value: JSONValue?) -> Int64? {
        (value?.int ?? value?.string.flatMap { Int($0) }).map { Int64(min(max($0, 0), 31_536_000)) }
    }

    private static func set(_ name: String, _ value: Int64, in object: inout JSONObject) {
        switch object[name] {
        case .string?: object[name] = .string(String(value))
        case .some: object[name] = .int(value)
        case nil: break
        }
    }

    private static func refused(_ message: String) -> WireFault { WireFault(400, .malformed, message) }
}
