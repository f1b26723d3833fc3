import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMIdentity

@Suite("Signing in in a browser", .timeLimit(.minutes(5)))
struct BrowserSignInTests {
    let home: TestHome
    let clock = TestClock()
    let network = HTTPClient(configuration: HTTPClientConfiguration(environment: [:]))

    init() throws { home = try TestHome() }

    /// The parsed address of the page that a person is sent to.
    struct Page: Sendable {
        let address: String
        let fields: FormFields
        let redirect: String

        init(_ prompt: SignInPrompt) throws {
            address = prompt.verificationURI
            fields = try #require(FormFields(reading: Array(address.drop { $0 != "?" }.dropFirst().utf8)))
            redirect = try #require(fields["redirect_uri"])
        }
    }

    /// The actions of the test as the person; records errors.
    private func signIn(
        renewing: Bool = false, connection: Connection? = nil,
        answer: @escaping @Sendable (String?) throws(HTTPError) -> HTTPResponse,
        person: @escaping @Sendable (Page, HTTPClient) async throws -> Void
    ) async throws -> (account: SignedInAccount, requests: [HTTPRequest]) {
        let nonce = Mutex<String?>(nil)
        let transport = ScriptedTransport { _, _ throws(HTTPError) in try answer(nonce.withLock { $0 }) }
        let service = IdentityService.scripted(home, transport, clock: clock)
        let network = network
        let account = try await withThrowingTaskGroup(of: Void.self) { group in
            let (pages, feed) = AsyncStream<Page>.makeStream()
            group.addTask {
                for await page in pages { try await person(page, network) }
            }
            let account = try await service.signIn(
                try connection ?? Contoso.connection(more: ["auth": "browser"]), renewing: renewing,
                deadline: .after(.seconds(120))
            ) { prompt in
                guard let page = try? Page(prompt) else { return }
                nonce.withLock { $0 = page.fields["nonce"] }
                feed.yield(page)
            }
            feed.finish()
            try await group.waitForAll()
            return account
        }
        return (account, transport.requests)
    }

    private static func post(_ fields: [String: String], to page: Page, _ network: HTTPClient) async throws
        -> HTTPResponse
    {
        var form = FormFields([:])
        for (name, value) in fields { form[name] = value }
        return try await network.send(
            HTTPRequest(
                method: "POST", url: page.redirect, headers: ["Content-Type": "application/x-www-form-urlencoded"],
                body: form.body, allowsPlainHTTP: true))
    }

    @Test("only this sign-in's listener accepts the code, and redeems it with the proof key")
    func whole() async throws {
        let shown = Mutex<String>("")
        let page = Mutex<Page?>(nil)
        let result = try await signIn(
            answer: { Contoso.tokens(claims: ["nonce": .string($0 ?? "")]) },
            person: { asked, network in
                page.withLock { $0 = asked }
                let state = asked.fields["state"] ?? ""
                let response = try await Self.post(["code": "FAKE-code", "state": state], to: asked, network)
                #expect(response.status == 200)
                #expect(response.headers["Cache-Control"] == "no-store")
                shown.withLock { $0 = String(decoding: response.body, as: UTF8.self) }
            })
        #expect(result.account.username == Contoso.email)
        #expect(shown.withLock { $0 }.contains("is signed in to Contoso"))
        let asked = try #require(page.withLock { $0 })
        #expect(
            asked.address.hasPrefix(
                "https://login.microsoftonline.com/\(Contoso.tenant)/oauth2/v2.0/authorize?client_id=\(Contoso.app)"))
        #expect(asked.fields["response_mode"] == "form_post" && asked.fields["code_challenge_method"] == "S256")
        #expect(asked.fields["login_hint"] == Contoso.email)
        #expect(asked.fields["scope"] == "https://graph.microsoft.com/.default offline_access openid profile")
        #expect(asked.redirect.hasPrefix("http://localhost:"))
        let form = try #require(result.requests.first).form
        #expect(form["grant_type"] == "authorization_code" && form["code"] == "FAKE-code")
        #expect(form["redirect_uri"] == asked.redirect)
        let verifier = try #require(form["code_verifier"])
        #expect(Base64.text(SHA256.digest(verifier.utf8), alphabet: .url) == asked.fields["code_challenge"])
        #expect((43...128).contains(verifier.utf8.count))
        // From here on no request is needed: the refresh token is in the cache.
        let quiet = ScriptedTransport { _, _ throws(HTTPError) in throw HTTPError(.connect, "nobody") }
        let token = try await IdentityService.scripted(home, quiet, clock: clock).token(
            for: try Contoso.connection(more: ["auth": "browser"]))
        #expect(token.secret.reveal() == "FAKE-access")
    }

    @Test("a code whose answer was lost isn't redeemed again, because the service would call it stolen")
    func lostAnswer() async throws {
        let sent = Mutex(0)
        let error = await #expect(throws: MMError.self) {
            _ = try await signIn(
                answer: { (_) throws(HTTPError) in
                    sent.withLock { $0 += 1 }
                    throw HTTPError(.timeout, "slow", mayHaveBeenSent: true)
                },
                person: { asked, network in
                    let fields = ["code": "FAKE-code", "state": asked.fields["state"] ?? ""]
                    _ = try await Self.post(fields, to: asked, network)
                })
        }
        #expect(error?.code == .deadlineExceeded || error?.code == .unavailable, "\(error as Any)")
        #expect(sent.withLock { $0 } == 1)
    }

    @Test("an answer without the state ends nothing, and one in the address does as well as a form")
    func state() async throws {
        let result = try await signIn(
            answer: { Contoso.tokens(claims: ["nonce": .string($0 ?? "")]) },
            person: { asked, network in
                for fields in [["code": "FAKE-evil"], ["code": "FAKE-evil", "state": "x"], ["error": "access_denied"]] {
                    #expect(try await Self.post(fields, to: asked, network).status == 400)
                }
                let other = try await network.send(
                    HTTPRequest(url: asked.redirect + "/favicon.ico", allowsPlainHTTP: true))
                #expect(other.status == 404)
                let state = asked.fields["state"] ?? ""
                let response = try await network.send(
                    HTTPRequest(url: asked.redirect + "/?code=FAKE-good&state=\(state)", allowsPlainHTTP: true))
                #expect(response.status == 200)
            })
        #expect(result.requests.count == 1 && result.requests.first?.form["code"] == "FAKE-good")
    }

    @Test("if a policy refuses a refresh, a person who asks for it signs in in the browser")
    func afterPolicy() async throws {
        let cursor = Cursor(polls: [Contoso.tokens(life: 10)], codes: [Contoso.deviceCode()])
        let transport = ScriptedTransport { request, _ in
            request.url.hasSuffix("/devicecode") ? cursor.nextCode() : cursor.nextPoll()
        }
        _ = try await IdentityService.scripted(home, transport, clock: clock).signIn(try Contoso.connection()) { _ in }
        clock.advance(60)
        let blocked = ScriptedTransport { _, _ in Contoso.refusal("invalid_grant", code: 53_003) }
        let error = await #expect(throws: MMError.self) {
            try await IdentityService.scripted(home, blocked, clock: clock).token(for: try Contoso.connection())
        }
        let advised = error?.hint ?? ""
        #expect(advised.contains("mm login Contoso --browser"))
        let nonce = Mutex<String?>(nil)
        let answers = ScriptedTransport { request, _ in
            request.form["grant_type"] == "refresh_token"
                ? Contoso.refusal("invalid_grant", code: 53_003)
                : Contoso.tokens(access: "FAKE-browser", claims: ["nonce": .string(nonce.withLock { $0 } ?? "")])
        }
        let network = network
        let account = try await IdentityService.scripted(home, answers, clock: clock).signIn(
            try Contoso.connection(), by: .browser, deadline: .after(.seconds(120))
        ) { prompt in
            guard let page = try? Page(prompt) else { return }
            nonce.withLock { $0 = page.fields["nonce"] }
            let fields = ["code": "FAKE-code", "state": page.fields["state"] ?? ""]
            Task { try await Self.post(fields, to: page, network) }
        }
        #expect(account.username == Contoso.email)
        #expect(answers.requests.map { $0.form["grant_type"] } == ["refresh_token", "authorization_code"])
    }

    @Test("tokens of a sign-in that someone else began aren't stored")
    func nonce() async throws {
        let error = await #expect(throws: MMError.self) {
            _ = try await signIn(
                answer: { _ in Contoso.tokens(claims: ["nonce": "another"]) },
                person: { asked, network in
                    let fields = ["code": "FAKE-code", "state": asked.fields["state"] ?? ""]
                    let response = try await Self.post(fields, to: asked, network)
                    #expect(String(decoding: response.body, as: UTF8.self).contains("Not signed in"))
                })
        }
        #expect(error?.code == .forbidden && error?.message.contains("another sign-in") == true)
        #expect(!home.tokenFiles.contains("Contoso.json"))
    }

    @Test("the wrong account is refused, and the browser says so")
    func wrongAccount() async throws {
        let error = await #expect(throws: MMError.self) {
            _ = try await signIn(
                answer: {
                    Contoso.tokens(claims: [
                        "nonce": .string($0 ?? ""), "preferred_username": "<b>eve</b>@contoso.example",
                    ])
                },
                person: { asked, network in
                    let fields = ["code": "FAKE-code", "state": asked.fields["state"] ?? ""]
                    let page = String(decoding: try await Self.post(fields, to: asked, network).body, as: UTF8.self)
                    #expect(page.contains("wrong account") && !page.contains("<b>"))
                })
        }
        #expect(error?.code == .forbidden)
    }

    @Test(
        "a refusal on the sign-in page is reported with its advice",
        arguments: [
            (
                "access_denied", "AADSTS65004: User declined to consent. Trace ID: 1", MMErrorCode.forbidden,
                "start again"
            ),
            ("access_denied", "AADSTS53003: Access has been blocked.", .forbidden, "administrator"),
            ("invalid_request", "AADSTS50011: The redirect URI does not match.", .invalidInput, "http://localhost"),
        ])
    func refused(word: String, description: String, code: MMErrorCode, hint: String) async throws {
        let error = await #expect(throws: MMError.self) {
            _ = try await signIn(
                answer: { _ in HTTPResponse(status: 500) },
                person: { asked, network in
                    let state = asked.fields["state"] ?? ""
                    let fields = ["error": word, "error_description": description, "state": state]
                    _ = try await Self.post(fields, to: asked, network)
                })
        }
        let advised = error?.hint ?? ""
        #expect(error?.code == code)
        #expect(advised.lowercased().contains(hint), "\(advised)")
        #expect(!advised.contains("--browser"), "that way was just refused")
    }

    @Test("a deadline ends the waiting")
    func deadline() async throws {
        let service = IdentityService.scripted(
            home, ScriptedTransport { _, _ in HTTPResponse(status: 500) }, clock: clock)
        let error = await #expect(throws: MMError.self) {
            try await service.signIn(
                try Contoso.connection(more: ["auth": "browser"]), deadline: .after(.milliseconds(200))
            ) { _ in }
        }
        #expect(error?.code == .deadlineExceeded)
    }

    @Test("cancelling ends the waiting")
    func cancelled() async throws {
        let service = IdentityService.scripted(
            home, ScriptedTransport { _, _ in HTTPResponse(status: 500) }, clock: clock)
        let connection = try Contoso.connection(more: ["auth": "browser"])
        let (shown, feed) = AsyncStream<Void>.makeStream()
        let task = Task { try await service.signIn(connection) { _ in feed.finish() } }
        for await _ in shown {}
        task.cancel()
        let result = await task.result
        let error = #expect(throws: MMError.self) { try result.get() }
        #expect(error?.code == .cancelled)
    }

    @Test("without a waiting person, a call says that a browser is needed, without a request")
    func nobodyWaits() async throws {
        let transport = ScriptedTransport { _, _ in HTTPResponse(status: 500) }
        let service = IdentityService.scripted(home, transport, clock: clock)
        let connection = try Contoso.connection(more: ["auth": "browser"])
        let error = await #expect(throws: MMError.self) { try await service.token(for: connection) }
        #expect(error?.code == .signInNeeded && error?.hint?.contains("mm login Contoso") == true)
        #expect(transport.requests.isEmpty)
    }

    @Test("on a machine without a browser the prompt says how to reach one")
    func remote() async throws {
        let service = IdentityService(
            paths: home.paths, environment: ["SSH_CONNECTION": "10.0.0.1 5000 10.0.0.2 22", "USER": "adele"],
            transport: ScriptedTransport { _, _ in HTTPResponse(status: 500) }, clock: clock.wall)
        let connection = try Contoso.connection(more: ["auth": "browser"])
        let (prompts, feed) = AsyncStream<SignInPrompt>.makeStream()
        let task = Task {
            defer { feed.finish() }
            _ = try await service.signIn(connection) { prompt in feed.yield(prompt) }
        }
        var prompt = prompts.makeAsyncIterator()
        let shown = try #require(await prompt.next())
        task.cancel()
        _ = await task.result
        let port = try Page(shown).redirect.drop { $0 != ":" }.dropFirst().drop { $0 != ":" }.dropFirst()
        #expect(shown.opensBrowserHere)
        #expect(shown.message.contains("ssh -N -L \(port):127.0.0.1:\(port) adele@10.0.0.2"))
        #expect(shown.message.contains("mm login Contoso --device-code"))
    }

    @Test(
        "if a policy refuses a code, the browser is named as the next way",
        arguments: [
            (53_003, "access_denied"), (53_003, "interaction_required"), (530_033, "invalid_grant"),
            (530_003, "invalid_grant"), (50_097, "interaction_required"), (50_158, "interaction_required"),
        ])
    func nextWay(code: Int, word: String) async throws {
        let cursor = Cursor(polls: [Contoso.refusal(word, code: code)], codes: [Contoso.deviceCode()])
        let transport = ScriptedTransport { request, _ in
            request.url.hasSuffix("/devicecode") ? cursor.nextCode() : cursor.nextPoll()
        }
        let service = IdentityService.scripted(home, transport, clock: clock)
        let connection = try Contoso.connection()
        let error = await #expect(throws: MMError.self) { try await service.signIn(connection) { _ in } }
        let (said, advised) = (error?.message ?? "", error?.hint ?? "")
        #expect(advised.contains("mm login Contoso --browser"), "\(advised)")
        #expect(error?.details["nextWay"] == "browser")
        #expect(!said.contains("declined"))
        #expect(transport.requests.count == 2, "no second code was asked for")
        let left = String(decoding: try #require(try home.read("Contoso.flow.json")), as: UTF8.self)
        #expect(!left.contains("FAKE-device"), "a code that is over isn't kept")
    }
}
