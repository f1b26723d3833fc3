package import MMCore
package import MMHTTP

/// A client for a sign-in service: requests and polls device codes, redeems the codes of browser sign-ins, refreshes
/// tokens, and signs apps in.
package struct EntraClient: Sendable {
    /// Why a request failed.
    package enum Fault: Error, Sendable {
        /// The service answered with an error.
        case refused(EntraError)
        /// There was no answer.
        case unreachable(HTTPError)
        /// The answer can't be from this service, or can't be used.
        case unexpected(MMError)
    }

    let transport: any HTTPTransport
    let clock: WallClock
    let pause: @Sendable (Duration) async throws -> Void
    let claims: String?
    let log: Log
    private let pace: ServicePace

    private static let attempts = 5
    /// The longest wait of a call that retries; a poll never waits.
    private static let longestWait = Duration.seconds(60)
    private static let reconnections = 2
    private static let deviceCodeGrant = "urn:ietf:params:oauth:grant-type:device_code"

    /// Creates a client.
    /// - Parameters:
    ///   - transport: sends the requests.
    ///   - clock: supplies the time of day.
    ///   - capabilities: the capabilities that the client declares, such as `CP1`.
    ///   - pace: when requests may be sent, which all processes share.
    ///   - log: gets a line for each request.
    ///   - pause: waits between attempts.
    package init(
        transport: any HTTPTransport, clock: WallClock, capabilities: [String], pace: ServicePace, log: Log = .off,
        pause: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.transport = transport
        self.clock = clock
        self.pace = pace
        self.log = log
        self.pause = pause
        self.claims = Claims.declaring(capabilities)
    }

    /// Requests a device code (RFC 8628, section 3.1).
    func startDeviceCode(
        _ target: SignInTarget, scopes: [String], claims: String?, correlationID: String, deadline: Deadline
    ) async throws(Fault) -> DeviceCode {
        let form = FormFields([
            "client_id": target.clientID, "scope": scopes.joined(separator: " "),
            "claims": Claims.merged(self.claims, claims),
        ])
        let response = try await post(
            target.authority.deviceCodeEndpoint, form, correlationID: correlationID, target: target, deadline: deadline,
            attempts: Self.attempts, isRepeatable: true)
        do {
            return try DeviceCode(response.body, cloud: target.authority.cloud)
        } catch {
            throw .unexpected(error)
        }
    }

    /// Polls a device code once (RFC 8628, section 3.4). Repeating the poll is up to the caller.
    func pollDeviceCode(
        _ target: SignInTarget, code: Secret, scopes: [String], claims: String?, correlationID: String,
        deadline: Deadline
    ) async throws(Fault) -> TokenAnswer {
        // `code` repeats the device code; MSAL sends it for services with version 1 of the protocol.
        let form = FormFields([
            "grant_type": Self.deviceCodeGrant, "client_id": target.clientID, "device_code": code.reveal(),
            "code": code.reveal(), "client_info": "1", "claims": Claims.merged(self.claims, claims),
        ])
        let response = try await post(
            target.authority.tokenEndpoint, form, correlationID: correlationID, target: target, deadline: deadline,
            attempts: 1)
        return try answer(response, scopes)
    }

    /// Exchanges a refresh token for an access token for a resource (RFC 6749, section 6).
    /// - Parameter account: the home account that the token belongs to, for routing the request to its region.
    func refresh(
        _ target: SignInTarget, token: Secret, account: String, scopes: [String], claims: String?, deadline: Deadline
    ) async throws(Fault) -> TokenAnswer {
        let form = FormFields([
            "grant_type": "refresh_token", "client_id": target.clientID, "refresh_token": token.reveal(),
            "scope": scopes.joined(separator: " "), "client_info": "1", "claims": Claims.merged(self.claims, claims),
        ])
        let response = try await post(
            target.authority.tokenEndpoint, form, correlationID: RandomBytes.uuid(), target: target, deadline: deadline,
            attempts: Self.attempts, anchor: Self.anchor(account))
        return try answer(response, scopes)
    }

    /// Requests a token for an app that authenticates itself (RFC 6749, section 4.4.2; RFC 7523, section 2.1).
    /// - Parameter form: the grant, the app and its credential.
    func confidential(
        _ target: SignInTarget, _ form: FormFields, scopes: [String], claims: String?, deadline: Deadline
    ) async throws(Fault) -> TokenAnswer {
        var form = form
        form["scope"] = scopes.joined(separator: " ")
        form["claims"] = Claims.merged(self.claims, claims)
        let response = try await post(
            target.authority.tokenEndpoint, form, correlationID: RandomBytes.uuid(), target: target, deadline: deadline,
            attempts: Self.attempts, isRepeatable: true)
        return try answer(response, scopes)
    }

    /// Exchanges the code of a browser sign-in for tokens (RFC 7636, section 4.5). A code is valid for a single use.
    func redeem(
        _ target: SignInTarget, code: Secret, verifier: Secret, redirectURI: String, scopes: [String], claims: String?,
        correlationID: String, deadline: Deadline
    ) async throws(Fault) -> TokenAnswer {
        let form = FormFields([
            "grant_type": "authorization_code", "client_id": target.clientID, "code": code.reveal(),
            "redirect_uri": redirectURI, "code_verifier": verifier.reveal(), "scope": scopes.joined(separator: " "),
            "client_info": "1", "claims": Claims.merged(self.claims, claims),
        ])
        let response = try await post(
            target.authority.tokenEndpoint, form, correlationID: correlationID, target: target, deadline: deadline,
            attempts: Self.attempts)
        return try answer(response, scopes)
    }

    private func answer(_ response: HTTPResponse, _ scopes: [String]) throws(Fault) -> TokenAnswer {
        do {
            return try TokenAnswer(response.body, requested: scopes)
        } catch {
            throw .unexpected(error)
        }
    }

    /// - Parameters:
    ///   - attempts: how many times the request is sent at most.
    ///   - isRepeatable: whether the service may receive it twice; a refresh token may be valid for a single use.
    ///   - anchor: the mailbox whose region should answer.
    private func post(
        _ url: String, _ form: FormFields, correlationID: String, target: SignInTarget, deadline: Deadline,
        attempts: Int, isRepeatable: Bool = false, anchor: String? = nil
    ) async throws(Fault) -> HTTPResponse {
        var headers = ClientHeaders.all
        headers.set("Content-Type", "application/x-www-form-urlencoded")
        headers.set("Accept", "application/json")
        headers.set("client-request-id", correlationID)
        headers.set("return-client-request-id", "true")
        if let anchor { headers.set("X-AnchorMailbox", anchor) }
        var gate = ServiceGate(
            pace, service: "The sign-in service", connection: target.connection,
            longestWait: attempts == 1 ? .zero : Self.longestWait, clock: clock, pause: pause)
        var attempt = 1
        while true {
            let sent: Timestamp
            do { sent = try await gate.pass(until: deadline) } catch { throw .unexpected(error) }
            let request = HTTPRequest(
                method: "POST", url: url, headers: headers, body: form.body,
                timeout: min(attempts == 1 ? .seconds(15) : .seconds(30), max(deadline.remaining, .milliseconds(1))),
                maxResponseBytes: 1 << 20, allowsPlainHTTP: target.authority.cloud.login.hasPrefix("http:"))
            let fault: Fault
            var asked = Duration.zero
            var isThrottled = false
            var most = attempts - 1
            let outcome = await Result { () async throws(HTTPError) in try await transport.send(request) }
            switch outcome {
            case .success(let response):
                let error = response.status == 200 ? nil : EntraError(response, now: clock.now)
                note(url, response, error, correlationID)
                guard let error else {
                    await gate.goOn(sent: sent)
                    return response
                }
                guard error.isFromSignInService else { throw .unexpected(Self.answeredByAnother(response, at: url)) }
                isThrottled = error.isThrottling
                if !isThrottled, response.status < 500 { await gate.goOn(sent: sent) }
                if !error.action.isTransient { most = 0 }
                asked = error.retryAfter ?? .zero
                fault = .refused(error)
            case .failure(let error):
                log.debug("sign-in service: no answer (\(error.message))", ["clientRequestId": .string(correlationID)])
                switch error.retryAdvice(isRepeatable: isRepeatable) {
                case .never: most = 0
                case .unlikely: most = min(most, Self.reconnections)
                case .worthwhile: break
                }
                fault = .unreachable(error)
            }
            // 1, 2, 4, 8 s with jitter, unless the service asks for at least a second.
            let backoff = Duration.milliseconds(Int64(1000 << (attempt - 1)) * Int64.random(in: 50...100) / 100)
            let wait = asked >= .seconds(1) ? asked : backoff
            if isThrottled { await gate.slowDown(for: wait, sent: sent) }
            guard attempt <= most, wait < deadline.remaining, wait <= Self.longestWait else { throw fault }
            // Where the service asked to slow down, the gate does the waiting.
            if !isThrottled {
                do {
                    try await pause(wait)
                } catch {
                    throw .unreachable(HTTPError(.cancelled, "The sign-in request was cancelled."))
                }
            }
            attempt += 1
        }
    }

    /// Returns the `X-AnchorMailbox` value for a home account id, `uid.utid`; `nil` for an id of another form.
    private static func anchor(_ account: String) -> String? {
        let parts = account.split(separator: ".").map(String.init)
        guard parts.count == 2, parts.allSatisfy(GUID.isValid) else { return nil }
        return "Oid:\(parts[0])@\(parts[1])"
    }

    /// Returns the error for a response from something in between: a proxy that wants a password, or a network's
    /// sign-in page.
    private static func answeredByAnother(_ response: HTTPResponse, at url: String) -> MMError {
        let isPage = response.headers["Content-Type"]?.lowercased().contains("html") == true
        let proxy = response.headers["Via"] ?? response.headers["Proxy-Agent"] ?? response.headers["Server"]
        return MMError(
            .remoteFailed,
            "The sign-in service did not answer itself: HTTP \(response.status)\(isPage ? " with a web page" : "") came"
                + (proxy.map { " from “\($0.prefix(80))”." } ?? "."),
            hint: "A proxy or a captive portal is in between. Check HTTPS_PROXY and NO_PROXY, or open "
                + "\(WebAddress(url)?.origin ?? "the sign-in page") in a browser.",
            retry: .after(.seconds(30)), details: ["status": .int(Int64(response.status))])
    }

    private func note(_ url: String, _ response: HTTPResponse, _ fault: EntraError?, _ correlationID: String) {
        let endpoint = url.split(separator: "/").last.map(String.init) ?? ""
        let outcome = fault.map { "\($0.error) \($0.codes.map { "AADSTS\($0)" }.joined(separator: " "))" } ?? "ok"
        log.debug(
            "sign-in service: \(endpoint) \(response.status) \(outcome)",
            [
                "clientRequestId": .string(correlationID),
                "requestId": .string(response.headers["x-ms-request-id"] ?? ""),
                "status": .int(Int64(response.status)),
            ])
    }
}

extension EntraClient {
    /// Asks the sign-in service for the id of a tenant that the authority names by its domain (OpenID Connect Discovery
    /// 1.0, section 4).
    /// - Returns: `nil` when the service names no single tenant, as for `organizations`.
    func tenantID(of authority: Authority, deadline: Deadline) async throws(MMError) -> String? {
        let request = HTTPRequest(
            url: authority.cloud.openIDConfiguration(of: authority.tenant),
            headers: ClientHeaders.all, timeout: min(.seconds(15), max(deadline.remaining, .milliseconds(1))),
            maxResponseBytes: 1 << 20, allowsPlainHTTP: authority.cloud.login.hasPrefix("http:"))
        let response: HTTPResponse
        do {
            response = try await transport.send(request)
        } catch {
            throw error.mmError(for: "Asking for the id of the tenant \(authority.tenant)")
        }
        guard response.status == 200,
            let issuer = (try? JSONParser.parse(response.body, limits: JSONLimits(bytes: 1 << 20, depth: 32)))?[
                "issuer"]?
                .string,
            let id = WebAddress(issuer)?.pathAndQuery.split(separator: "/").first.map({ $0.lowercased() }),
            GUID.isValid(id), authority.issues(issuer, tenantID: id)
        else { return nil }
        return id
    }
}
