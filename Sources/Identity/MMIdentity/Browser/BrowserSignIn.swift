internal import MMCore
internal import MMHTTP
internal import MMSystem

/// A sign-in in a browser of this machine: authorization code with PKCE (RFC 8252; Microsoft identity platform, "Microsoft
/// identity platform and OAuth 2.0 authorization code flow").
///
/// It waits for a person, so it holds no lock meanwhile; only storing the result takes one.
struct BrowserSignIn: Sendable {
    let work: TokenAcquirer
    let claims: String?
    /// Whether to ask for an account even if one is signed in to the browser.
    let asksForAccount: Bool
    let opener: BrowserOpener

    /// The maximum time to wait for the person.
    static let patience = Duration.seconds(15 * 60)

    private var target: SignInTarget { work.target }

    /// Signs in.
    /// - Parameter show: called with the URL, even if a browser was opened, because a page may not have appeared.
    func run(show: @Sendable (SignInPrompt) async -> Void) async throws(MMError) -> AccessToken {
        let state = Secret(RandomBytes.text(bytes: 24))
        let nonce = RandomBytes.text(bytes: 24)
        let key = ProofKey()
        let correlationID = RandomBytes.uuid()
        let redirect = try LoopbackRedirect.start(at: RedirectAddress(environment: opener.environment), state: state)
        let address = page(redirect.redirectURI, state: state, nonce: nonce, key: key, correlationID: correlationID)
        let deadline = min(work.deadline, .after(Self.patience))
        do throws(MMError) {
            let isOpen = await opener.open(address)
            await show(prompt(address, isOpen: isOpen, port: redirect.port, until: deadline))
            let answer = try await redirect.answer(until: deadline, of: target.connection)
            let token = try await redeem(answer, redirect.redirectURI, nonce: nonce, key: key, correlationID)
            work.entra.log.info(
                "signed in", ["account": .string(token.account.username), "resource": .string(work.resource.name)])
            await redirect.close(.signedIn(token.account.title, to: target.connection))
            return token
        } catch {
            await redirect.close(.failed(error.message))
            throw error
        }
    }

    private func page(
        _ redirectURI: String, state: Secret, nonce: String, key: ProofKey, correlationID: String
    ) -> String {
        let asked = Claims.merged(work.entra.claims, claims)
        let query = FormFields([
            "client_id": target.clientID, "response_type": "code", "redirect_uri": redirectURI,
            // A form keeps the answer out of the browser's history.
            "response_mode": "form_post",
            "scope": SignInScopes.asking(target.authority.cloud, work.resource).joined(separator: " "),
            "state": state.reveal(), "nonce": nonce, "code_challenge": key.challenge,
            "code_challenge_method": "S256", "client_info": "1", "claims": asked,
            "login_hint": target.expectedEmail, "prompt": asksForAccount ? "select_account" : nil,
            "client-request-id": correlationID,
        ])
        return target.authority.authorizeEndpoint + "?" + String(decoding: query.body, as: UTF8.self)
    }

    private func prompt(_ address: String, isOpen: Bool, port: UInt16, until deadline: Deadline) -> SignInPrompt {
        let person = target.expectedEmail.map { " as \($0)" } ?? ""
        let how =
            isOpen
            ? "If no page opened, open the address yourself."
            : opener.remedy(port: port, connection: target.connection)
        return SignInPrompt(
            connection: target.connection, resource: work.resource, userCode: "", verificationURI: address,
            message: "Sign in to \(target.connection)\(person) in the browser. \(how)\n\(address)",
            account: target.expectedEmail, appID: target.clientID, tenant: target.authority.tenant,
            expiresAt: work.clock.now + min(deadline.remaining, Self.patience), interval: .seconds(5), lastError: nil)
    }

    private func redeem(
        _ answer: LoopbackRedirect.Answer, _ redirectURI: String, nonce: String, key: ProofKey, _ correlationID: String
    ) async throws(MMError) -> AccessToken {
        let what = "Signing in to \(target.connection)"
        let code: Secret
        switch answer {
        case .code(let given): code = given
        case .refused(let error, let description):
            throw EntraError(error: error, description: description)
                .mmError(for: what, connection: target.connection, by: .browser)
        }
        let scopes = SignInScopes.asking(target.authority.cloud, work.resource)
        let tokens: TokenAnswer
        do {
            tokens = try await work.entra.redeem(
                target, code: code, verifier: key.verifier, redirectURI: redirectURI, scopes: scopes, claims: claims,
                correlationID: correlationID, deadline: min(work.deadline, .after(.seconds(90))))
        } catch {
            switch error {
            case .refused(let error):
                throw error.mmError(for: what, connection: target.connection, by: .browser)
            case .unreachable(let error): throw error.mmError(for: what)
            case .unexpected(let error): throw error
            }
        }
        // Without this nonce, the tokens could belong to a sign-in that someone else started.
        guard let token = tokens.idToken.flatMap({ IDToken($0.reveal()) }), token.claims["nonce"]?.string == nonce
        else {
            throw MMError(
                .forbidden, "The answer to the sign-in of \(target.connection) belongs to another sign-in.",
                hint: "Nothing of it was kept. Start again: mm login \(ShellWord.quoted(target.connection)).",
                details: ["connection": .string(target.connection)])
        }
        return try await work.keep(tokens)
    }
}

/// The proof that a code is redeemed by the client that requested it (RFC 7636).
struct ProofKey: Sendable {
    /// The secret that only this client knows until the code is redeemed.
    let verifier: Secret
    /// The digest of it that the sign-in page receives.
    let challenge: String

    init() {
        // 43 characters, of 256 random bits.
        let text = Base64.text(RandomBytes.make(32), alphabet: .url)
        verifier = Secret(text)
        challenge = Base64.text(SHA256.digest(text.utf8), alphabet: .url)
    }
}

/// The redirect target of one browser sign-in: a listener, on this machine's loopback addresses unless it was told
/// otherwise, that receives the code (RFC 8252, section 7.3).
final class LoopbackRedirect: Sendable {
    /// What the browser delivers.
    enum Answer: Sendable {
        case code(Secret)
        case refused(error: String, description: String)
    }

    /// The redirect URI. It is registered without a port, which may therefore be any.
    let redirectURI: String
    /// The port that it listens on.
    let port: UInt16

    private let listeners: [HTTPListener]
    private let desk: Desk

    /// Starts listening.
    /// - Parameters:
    ///   - address: where.
    ///   - state: the value that the answer must carry, so that only the page that the person was sent to can answer.
    static func start(at address: RedirectAddress = .any, state: Secret) throws(MMError) -> LoopbackRedirect {
        let desk = Desk(state: state)
        let handler: HTTPHandler = { await desk.answer($0) }
        var limits = HTTPServerLimits()
        limits.maxConnections = 32
        let first = try HTTPListener.start(
            .tcp(host: address.hosts[0], port: address.port), limits: limits, handler: handler)
        var listeners = [first]
        for host in address.hosts.dropFirst() {
            let other = try? HTTPListener.start(.tcp(host: host, port: first.port), limits: limits, handler: handler)
            if let other { listeners.append(other) }
        }
        return LoopbackRedirect(listeners, desk)
    }

    private init(_ listeners: [HTTPListener], _ desk: Desk) {
        self.listeners = listeners
        self.desk = desk
        port = listeners[0].port
        redirectURI = "http://localhost:\(port)"
    }

    /// Waits for the browser.
    /// - Parameters:
    ///   - deadline: when to give up.
    ///   - connection: the connection that signs in, for messages.
    func answer(until deadline: Deadline, of connection: String) async throws(MMError) -> Answer {
        let desk = desk
        let alarm = Task {
            guard let instant = deadline.instant else { return }
            try await ContinuousClock().sleep(until: instant)
            desk.arrival.resolve(
                .failure(
                    MMError(
                        .deadlineExceeded, "Nobody signed in to \(connection) in the browser in time.",
                        hint: "Start again: mm login \(ShellWord.quoted(connection)).")))
        }
        let result = await withTaskCancellationHandler {
            await desk.arrival.wait()
        } onCancel: {
            desk.arrival.resolve(.failure(MMError(.cancelled, "The sign-in of \(connection) was cancelled.")))
        }
        alarm.cancel()
        return try result.get()
    }

    /// Shows the person the outcome, and stops listening.
    func close(_ page: LoopbackPage) async {
        desk.ending.resolve(page)
        for listener in listeners { await listener.stop(graceful: .seconds(2)) }
    }

    /// Receives what the browser delivers.
    private final class Desk: Sendable {
        let state: Secret
        let arrival = OneShot<Result<Answer, MMError>>()
        let ending = OneShot<LoopbackPage>()

        init(state: Secret) { self.state = state }

        func answer(_ request: HTTPServerRequest) async -> HTTPServerResponse {
            guard request.path == "/" else { return LoopbackPage.unknown.response(status: 404) }
            let bytes: [UInt8]
            switch request.method {
            case "GET": bytes = Array((request.query ?? "").utf8)
            case "POST": bytes = request.body
            default: return LoopbackPage.unknown.response(status: 405)
            }
            // A request without the state wasn't sent by the page that was opened, and must not end the sign-in.
            guard let fields = FormFields(reading: bytes), let given = fields["state"],
                ConstantTime.equal(Array(given.utf8), Array(state.reveal().utf8))
            else { return LoopbackPage.unknown.response(status: 400) }
            let answer: Answer
            if let code = fields["code"], !code.isEmpty {
                HeldSecrets.shared.hold(Secret(code))
                answer = .code(Secret(code))
            } else {
                answer = .refused(error: fields["error"] ?? "", description: fields["error_description"] ?? "")
            }
            guard arrival.resolve(.success(answer)) else { return LoopbackPage.unknown.response(status: 400) }
            return await ending.wait().response(status: 200)
        }
    }
}

/// The page that the browser shows when it returns.
struct LoopbackPage: Sendable {
    let title: String
    let text: String

    /// The page for a successful sign-in.
    static func signedIn(_ account: String, to connection: String) -> LoopbackPage {
        LoopbackPage(
            title: "Signed in", text: "\(account) is signed in to \(connection). You can close this page.")
    }

    /// The page for a failed sign-in.
    static func failed(_ reason: String) -> LoopbackPage {
        LoopbackPage(title: "Not signed in", text: "\(reason) See the place where the sign-in was started.")
    }

    /// The page for a request that isn't the answer to this sign-in.
    static let unknown = LoopbackPage(title: "Nothing here", text: "This isn't the answer to a pending sign-in.")

    /// Returns the page: without scripts, external resources or caching.
    func response(status: Int) -> HTTPServerResponse {
        let page = """
            <!doctype html><html lang="en"><head><meta charset="utf-8"><title>\(HTMLText.escaped(title))</title>
            <style>body{font:16px/1.5 system-ui,sans-serif;max-width:34em;margin:15vh auto;padding:0 1em}
            @media(prefers-color-scheme:dark){body{background:#111;color:#eee}}</style></head>
            <body><h1>\(HTMLText.escaped(title))</h1><p>\(HTMLText.escaped(text))</p></body></html>

            """
        var response = HTTPServerResponse.text(page, status: status, type: "text/html; charset=utf-8")
        response.headers.set("Cache-Control", "no-store")
        response.headers.set("Referrer-Policy", "no-referrer")
        response.headers.set("X-Content-Type-Options", "nosniff")
        response.headers.set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        response.headers.set("Connection", "close")
        return response
    }
}
