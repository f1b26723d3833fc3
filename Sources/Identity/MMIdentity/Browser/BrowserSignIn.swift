import Glibc
internal import MMCore
internal import MMHTTP
internal import MMSystem

/// A sign-in in a browser of this machine: authorization code with PKCE (RFC 8252; Microsoft identity platform,
/// "Microsoft identity platform and OAuth 2.0 authorization code flow").
///
/// No lock is held while it waits for the person; only storing the result takes one.
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
                hint: "It was discarded. Start again: mm login \(ShellWord.quoted(target.connection)).",
                details: ["connection": .string(target.connection)])
        }
        return try await work.keep(tokens)
    }
}

/// The proof that a code is redeemed by the client that requested it (RFC 7636).
struct ProofKey: Sendable {
    /// The secret that only this client knows until the code is redeemed.
    let verifier: Secret
    /// The digest of the verifier, which the sign-in page receives.
    let challenge: String

    init() {
        // 256 random bits as 43 characters.
        let text = Base64.text(RandomBytes.make(32), alphabet: .url)
        verifier = Secret(text)
        challenge = Base64.text(SHA256.digest(text.utf8), alphabet: .url)
    }
}

/// The redirect target of one browser sign-in: a listener that receives the code (RFC 8252, section 7.3). It listens on
/// the loopback addresses of this machine unless configured otherwise.
final class LoopbackRedirect: Sendable {
    /// The answer that the browser delivers.
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
    ///   - address: the address to listen on.
    ///   - state: the value that the answer must carry, so that only the page that the person was sent to can answer.
    static func start(at address: RedirectAddress = .any, state: Secret) throws(MMError) -> LoopbackRedirect {
        let desk = Desk(state: state)
        let handler: HTTPHandler = { await desk.answer($0) }
        var limits = HTTPServerLimits()
        limits.maxConnections = 32
        let first: HTTPListener
        do throws(MMError) {
            first = try HTTPListener.start(
                .tcp(host: address.hosts[0], port: address.port), limits: limits, handler: handler)
        } catch {
            var error = error
            if error.code == .conflict {
                error.hint =
                    "Set \(RedirectAddress.variable) to another port (without it any free one is taken), or stop the "
                    + "other program."
            }
            throw error
        }
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
        let late = MMError(
            .deadlineExceeded, "The browser sign-in to \(connection) timed out.",
            hint: "Start again: mm login \(ShellWord.quoted(connection)).")
        return try await desk.arrival.wait(
            until: deadline, late: .failure(late),
            cancelled: .failure(MMError(.cancelled, "The sign-in of \(connection) was cancelled."))
        ).get()
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

    /// Returns the page for a successful sign-in.
    static func signedIn(_ account: String, to connection: String) -> LoopbackPage {
        LoopbackPage(
            title: "Signed in", text: "\(account) is signed in to \(connection). You can close this page.")
    }

    /// Returns the page for a failed sign-in.
    static func failed(_ reason: String) -> LoopbackPage {
        LoopbackPage(title: "Not signed in", text: "\(reason) See the program that started the sign-in.")
    }

    /// The page for a request that isn't the answer to this sign-in.
    static let unknown = LoopbackPage(title: "Nothing here", text: "This isn't the answer to a pending sign-in.")

    /// Returns the page as a response without scripts, external resources or caching.
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

/// The address on which a browser sign-in listens: any free port of this machine's loopback addresses, unless
/// `MM_REDIRECT_ADDRESS` names another. A container needs that variable: the host publishes one port that is known
/// beforehand, and its connections arrive at an address that isn't loopback.
///
/// The page always returns to `http://localhost:PORT`, and an answer counts only with the `state` of this sign-in.
struct RedirectAddress: Equatable {
    static let variable = "MM_REDIRECT_ADDRESS"

    /// The addresses to listen on. The first is required; the others may be unavailable.
    let hosts: [String]
    /// The port; 0 for a free one.
    let port: UInt16

    /// Any free port of the loopback addresses. Browsers try `::1` first for `localhost`; a machine without IPv6 lacks
    /// it.
    static let any = RedirectAddress(hosts: ["127.0.0.1", "::1"], port: 0)

    private init(hosts: [String], port: UInt16) {
        self.hosts = hosts
        self.port = port
    }

    /// Reads the address from an environment: `8400`, `0.0.0.0:8400` or `[::]:8400`.
    init(environment: [String: String]) throws(MMError) {
        guard let text = environment[Self.variable], !text.isEmpty else {
            self = .any
            return
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var host = parts.dropLast().joined(separator: ":")
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = String(host.dropFirst().dropLast()) }
        guard let port = parts.last.flatMap({ UInt16($0) }), port > 0, isBracketed || !host.contains(":"),
            parts.count == 1 || !host.isEmpty
        else {
            throw MMError(
                .invalidInput, "\(Self.variable) is not a port or an address: \(text).",
                hint: "Use a port (8400), or an address and a port (0.0.0.0:8400).")
        }
        self.init(hosts: host.isEmpty ? Self.any.hosts : [host], port: port)
    }
}

/// Opens a page in the person's browser: the one named by `MM_BROWSER` or `BROWSER`, Windows' own under WSL, or the
/// desktop's.
package struct BrowserOpener: Sendable {
    let environment: [String: String]
    /// The release of the kernel, which names Microsoft under WSL.
    private let kernel: String

    /// Creates an opener.
    /// - Parameters:
    ///   - environment: the variables that name the browser and the desktop.
    ///   - kernel: the release of the kernel.
    package init(environment: [String: String], kernel: String = Self.runningKernel) {
        self.environment = environment
        self.kernel = kernel
    }

    /// The release of this machine's kernel.
    package static var runningKernel: String {
        var names = utsname()
        guard uname(&names) == 0 else { return "" }
        return withUnsafeBytes(of: names.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// Opens a page.
    /// - Returns: whether a program was started for it; whether a page appeared can't be determined.
    package func open(_ url: String) async -> Bool {
        for command in commands(for: url) {
            guard let program = ExecutableSearch.find(command[0], in: environment) else { continue }
            var child = ChildCommand(program, Array(command.dropFirst()), environment: environment)
            (child.output, child.error) = (.null, .null)
            // The browser may stay open after this program ends.
            (child.deathSignal, child.endsGroup) = (nil, false)
            if (try? await ChildProcess.start(child)) != nil { return true }
        }
        return false
    }

    /// Returns the command lines that may open a page, the preferred one first.
    func commands(for url: String) -> [[String]] {
        for name in ["MM_BROWSER", "BROWSER"] {
            // The usual format of BROWSER: commands separated by colons, with `%s` in place of the URL.
            guard let value = environment[name], value.contains(where: { !$0.isWhitespace }) else { continue }
            return value.split(separator: ":").map { command in
                let words = command.split(whereSeparator: \.isWhitespace).map(String.init)
                let isMarked = words.contains { $0.contains("%s") }
                return words.map { $0.replacing("%s", with: url) } + (isMarked ? [] : [url])
            }.filter { $0.count > 1 || $0.first != url }
        }
        return (isBelowWindows ? Self.ofWindows(url) : [])
            + (hasDesktop ? ["xdg-open", "sensible-browser", "x-www-browser"].map { [$0, url] } : [])
    }

    /// Returns the command lines that open a page in the browser of Windows from WSL. The folders of Windows are in
    /// `PATH` unless `appendWindowsPath` is off, and its first drive may be mounted elsewhere than in `/mnt`.
    private static func ofWindows(_ url: String) -> [[String]] {
        // This handler passes an address on unchanged. cmd.exe doesn't, and explorer.exe opens a folder for some
        // addresses.
        let handler = ["rundll32.exe", "/mnt/c/Windows/System32/rundll32.exe"]
        return [["wslview", url]] + handler.map { [$0, "url.dll,FileProtocolHandler", url] }
    }

    private var hasDesktop: Bool {
        ["DISPLAY", "WAYLAND_DISPLAY"].contains { environment[$0]?.isEmpty == false }
    }

    private var isBelowWindows: Bool {
        // The variables are lost under `sudo`, in services and in SSH sessions; the release of the kernel is always
        // there.
        ["WSL_DISTRO_NAME", "WSL_INTEROP"].contains { environment[$0]?.isEmpty == false }
            || kernel.lowercased().contains("microsoft")
    }

    /// Returns how a person can reach the page when no browser could be opened.
    /// - Parameter port: the port that the browser returns to.
    func remedy(port: UInt16, connection: String) -> String {
        var text = "No browser could be opened here."
        if let session = environment["SSH_CONNECTION"], !session.isEmpty {
            let parts = session.split(separator: " ")
            let host = parts.count == 4 ? String(parts[2]) : "THIS-MACHINE"
            let user = environment["USER"].map { "\($0)@" } ?? ""
            text +=
                " To use the browser on your own machine, run there: ssh -N -L \(port):127.0.0.1:\(port) "
                + ShellWord.quoted("\(user)\(host)") + " and open the address."
        } else {
            text += " Set MM_BROWSER to a browser, or open the address in a browser on this machine."
        }
        return text + " Or sign in with a code: mm login \(ShellWord.quoted(connection)) --device-code."
    }
}

extension BrowserOpener {
    /// Whether one of the programs that may open a page is installed.
    var isThere: Bool {
        commands(for: "about:blank").contains { command in
            ExecutableSearch.find(command[0], in: environment) != nil
        }
    }
}
