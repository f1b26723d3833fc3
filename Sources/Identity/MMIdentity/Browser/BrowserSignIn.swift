internal import MMCore
internal import MMHTTP

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
