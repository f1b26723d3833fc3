package import MMCore
package import MMHTTP

/// A client for a sign-in service: requests and polls device codes, redeems the codes of browser sign-ins, refreshes
/// tokens, and signs apps in.
package struct EntraClient: Sendable {
    /// The reason why a request failed.
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
    ///   - transport: the transport that sends the requests.
    ///   - clock: the clock for the time of day.
    ///   - capabilities: the capabilities that the client declares, such as `CP1`.
    ///   - pace: the pace at which requests may be sent, which all processes share.
    ///   - log: the log, which gets a line for each request.
    ///   - pause: the function that waits between attempts.
    package init(
        transport: any HTTPTransport, clock: WallClock, capabilities: [String], pace: ServicePace, log: Log,
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
            attempts: Self.attempts)
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
            attempts: Self.attempts)
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
            attempts: Self.attempts, isRepeatable: false)
        return try answer(response, scopes)
    }

    private func answer(_ response: HTTPResponse, _ scopes: [String]) throws(Fault) -> TokenAnswer {
        do {
            return try TokenAnswer(response.body, requested: scopes)
        } catch {
            throw .unexpected(error)
        }
    }

    /// Sends a request.
    /// - Parameters:
    ///   - attempts: the maximum number of times that the request is sent.
    ///   - isRepeatable: whether it is sent again if its answer was lost. For all but a code, which the service redeems
    ///     once and would then call stolen, that can only help: the tokens in the answer are lost either way.
    ///   - anchor: the mailbox whose region should answer.
    private func post(
        _ url: String, _ form: FormFields, correlationID: String, target: SignInTarget, deadline: Deadline,
        attempts: Int, isRepeatable: Bool = true, anchor: String? = nil
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
            // When the service asked to slow down, the gate waits instead.
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

    /// Returns the error for a response from an intermediary: a proxy that wants a password, or a network's sign-in
    /// page.
    /// - Parameters:
    ///   - response: the response.
    ///   - service: the service that was to respond.
    ///   - url: the address that was asked.
    package static func answeredByAnother(
        _ response: HTTPResponse, insteadOf service: String = "the sign-in service", at url: String
    ) -> MMError {
        let isPage = response.headers["Content-Type"]?.lowercased().contains("html") == true
        let proxy = response.headers["Via"] ?? response.headers["Proxy-Agent"] ?? response.headers["Server"]
        return MMError(
            .remoteFailed,
            "Another server answered instead of \(service): HTTP \(response.status)\(isPage ? " with a web page" : "") came"
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

/// The `claims` parameter of sign-in requests, which says what an access token must carry (OpenID Connect Core 1.0,
/// section 5.5).
package enum Claims {
    /// Returns the claims that declare this client's capabilities, such as
    /// `{"access_token":{"xms_cc":{"values":["CP1"]}}}`.
    ///
    /// `CP1` means that the client handles claims challenges. Without it Graph merely refuses a revoked token instead
    /// of saying what a new one needs (Microsoft identity platform, "Claims challenges and client capabilities").
    /// - Returns: `nil` when there are no capabilities.
    fileprivate static func declaring(_ capabilities: [String]) -> String? {
        guard !capabilities.isEmpty else { return nil }
        let values = JSONValue.array(capabilities.map { .string($0) })
        return JSONWriter.string(["access_token": ["xms_cc": ["values": values]]])
    }

    /// Merges two claims texts; where both have a value in the same place, `overlay` wins.
    /// - Returns: the other text if one is `nil` or not a JSON object.
    package static func merged(_ base: String?, _ overlay: String?) -> String? {
        guard let left = object(base) else { return object(overlay) == nil ? nil : overlay }
        guard let right = object(overlay) else { return base }
        return JSONWriter.string(.object(merge(left, right)))
    }

    /// Decodes the `claims` parameter of a challenge: JSON in base64, in either alphabet, with or without padding.
    /// - Returns: the JSON text, or `nil` if it isn't a JSON object.
    package static func decoded(challenge: String) -> String? {
        let plain = challenge.replacing("-", with: "+").replacing("_", with: "/")
        let text = plain.hasSuffix("=") ? String(plain.prefix { $0 != "=" }) : plain
        guard let bytes = Base64.bytes(text), let json = String(validating: bytes, as: UTF8.self), object(json) != nil
        else {
            return nil
        }
        return json
    }

    private static func object(_ text: String?) -> JSONObject? {
        guard let text else { return nil }
        return (try? JSONParser.parse(text, limits: JSONLimits(bytes: 64 << 10, depth: 16)))?.object
    }

    private static func merge(_ base: JSONObject, _ overlay: JSONObject) -> JSONObject {
        var result = base
        for (key, value) in overlay {
            if let inner = value.object, let below = base[key]?.object {
                result[key] = .object(merge(below, inner))
            } else {
                result[key] = value
            }
        }
        return result
    }
}

/// The fields of a form (`application/x-www-form-urlencoded`), as sent to sign-in endpoints.
package struct FormFields: Sendable {
    private var fields: [(name: String, value: String)] = []

    /// Creates a form; fields whose value is `nil` are left out.
    package init(_ fields: KeyValuePairs<String, String?>) {
        for (name, value) in fields where value != nil { self.fields.append((name, value ?? "")) }
    }

    /// Parses the text of a form.
    /// - Returns: nil when it isn't one or repeats a field, which different parsers could read differently.
    package init?(reading body: some Collection<UInt8>) {
        guard body.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        for piece in body.split(separator: UInt8(ascii: "&")) {
            let end = piece.firstIndex(of: UInt8(ascii: "=")) ?? piece.endIndex
            guard let name = Self.decode(piece[..<end]), let value = Self.decode(piece[end...].dropFirst()),
                self[name] == nil
            else { return nil }
            fields.append((name, value))
        }
    }

    /// Returns the value of a field; the name is case-insensitive. Setting a value replaces or adds it; setting `nil`
    /// removes it.
    package subscript(name: String) -> String? {
        get { position(of: name).map { fields[$0].value } }
        set {
            switch (position(of: name), newValue) {
            case (let position?, let value?): fields[position].value = value
            case (let position?, nil): fields.remove(at: position)
            case (nil, let value?): fields.append((name, value))
            case (nil, nil): break
            }
        }
    }

    /// The names in order.
    package var names: [String] { fields.map(\.name) }

    /// The encoded text. Spaces become `%20`, which every form parser accepts.
    package var body: [UInt8] {
        let text = fields.map { Self.encode($0.name) + "=" + Self.encode($0.value) }.joined(separator: "&")
        return Array(text.utf8)
    }

    private func position(of name: String) -> Int? {
        let wanted = name.lowercased()
        return fields.firstIndex { $0.name.lowercased() == wanted }
    }

    private static func decode(_ bytes: some Sequence<UInt8>) -> String? {
        PercentCoding.decode(bytes.map { $0 == UInt8(ascii: "+") ? 0x20 : $0 })
    }

    /// Returns a text encoded for a form or a query.
    static func encode(_ text: String) -> String {
        PercentCoding.encode(text) { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                true
            default: false
            }
        }
    }
}

/// A device code and what a person needs to approve it (RFC 8628, section 3.2).
package struct DeviceCode: Sendable {
    /// The code to poll with. It is as good as a password while it is valid, so it is never shown or logged.
    package let deviceCode: Secret
    /// The code that the person types.
    package let userCode: String
    /// The page where the person types it.
    package let verificationURI: String
    /// The service's own instructions.
    package let message: String
    /// The lifetime of the code in seconds.
    package let expiresIn: Int
    /// The minimum time between two polls in seconds.
    package let interval: Int

    /// Parses the body of an answer.
    /// - Throws: `.remoteFailed` when something that a person or a poll needs is missing.
    package init(_ body: [UInt8], cloud: Cloud) throws(MMError) {
        let limits = JSONLimits(bytes: 1 << 20, depth: 32)
        guard let object = (try? JSONParser.parse(body, limits: limits))?.object,
            let deviceCode = object["device_code"]?.string, !deviceCode.isEmpty,
            let userCode = object["user_code"]?.string, !userCode.isEmpty
        else {
            throw MMError(
                .remoteFailed, "The sign-in service's answer has no device code.",
                hint:
                    "A proxy or a captive portal may be between mm and the service. Check the network.")
        }
        self.deviceCode = Secret(deviceCode)
        self.userCode = userCode
        let page = (object["verification_uri"] ?? object["verification_url"])?.string
        verificationURI = page.flatMap { WebAddress($0) == nil ? nil : $0 } ?? cloud.deviceCodePage
        let sentence = object["message"]?.string ?? ""
        message =
            sentence.isEmpty ? "To sign in, open \(verificationURI) and enter the code \(userCode)." : sentence
        let life = object["expires_in"]?.int ?? object["expires_in"]?.string.flatMap { Int($0) } ?? 900
        expiresIn = min(max(life, 1), 86_400)
        let pause = object["interval"]?.int ?? object["interval"]?.string.flatMap { Int($0) } ?? 5
        interval = min(max(pause, 1), 300)
    }
}

/// A successful response of the token endpoint (RFC 6749, section 5.1, with Entra ID's additions).
package struct TokenAnswer: Sendable {
    /// The access token.
    package let accessToken: Secret
    /// A new refresh token, which replaces the old one immediately.
    package let refreshToken: Secret?
    /// The id_token, which identifies the person who signed in.
    package let idToken: Secret?
    /// The home account.
    package let clientInfo: AccountClientInfo?
    /// The granted scopes; the requested ones when the response doesn't name them.
    package let scopes: [String]
    /// The lifetime of the access token in seconds.
    package let expiresIn: Int
    /// The number of seconds that the token may be used during an outage of the sign-in service.
    package let extendedExpiresIn: Int
    /// The number of seconds after which a refresh is advised.
    package let refreshIn: Int?
    /// The family of apps that share refresh tokens, as received.
    package let familyID: String?

    /// Parses the body of a response.
    /// - Parameters:
    ///   - body: the JSON of a 200 response.
    ///   - requested: the requested scopes.
    /// - Throws: `.remoteFailed` when it isn't a token endpoint's response.
    package init(_ body: [UInt8], requested: [String]) throws(MMError) {
        let limits = JSONLimits(bytes: 1 << 20, depth: 32)
        guard let object = (try? JSONParser.parse(body, limits: limits))?.object else {
            throw Self.odd("its answer is not the JSON of a token endpoint")
        }
        guard let token = object["access_token"]?.string, !token.isEmpty else {
            throw Self.odd("its answer has no access token")
        }
        guard token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw Self.odd("its access token contains characters that a header can't contain")
        }
        let type = object["token_type"]?.string ?? "Bearer"
        guard type.lowercased() == "bearer" else {
            throw Self.odd("it returned a token of type \(type.prefix(20)), not Bearer")
        }
        accessToken = Secret(token)
        refreshToken = object["refresh_token"]?.string.flatMap { $0.isEmpty ? nil : Secret($0) }
        idToken = object["id_token"]?.string.flatMap { $0.isEmpty ? nil : Secret($0) }
        clientInfo = object["client_info"]?.string.flatMap(AccountClientInfo.init(encoded:))
        let granted = object["scope"]?.string?.split(separator: " ").map(String.init) ?? []
        scopes = granted.isEmpty ? requested : granted
        let life = Self.seconds(object["expires_in"]) ?? 600
        expiresIn = life
        extendedExpiresIn = Self.seconds(object["ext_expires_in"]) ?? life
        refreshIn = Self.seconds(object["refresh_in"])
        familyID = object["foci"]?.string
    }

    /// Parses the response of a machine's identity service, which gives the token's expiry instead of its lifetime.
    /// - Parameter scope: the requested scope.
    /// - Throws: `.remoteFailed` when it isn't such a response.
    init(managedIdentity body: [UInt8], scope: String, now: Timestamp) throws(MMError) {
        let limits = JSONLimits(bytes: 1 << 20, depth: 32)
        var object = (try? JSONParser.parse(body, limits: limits))?.object ?? [:]
        let end = object["expires_on"]
        if let end = end?.int.map(Int64.init) ?? end?.string.flatMap({ Int64($0) }) {
            object["expires_in"] = .int(max(end, now.seconds) - now.seconds)
            object["ext_expires_in"] = nil
        }
        object["refresh_token"] = nil
        try self.init(JSONWriter.bytes(.object(object)), requested: [scope])
    }

    /// Returns a number of seconds, which may arrive as a number or as text.
    private static func seconds(_ value: JSONValue?) -> Int? {
        guard let number = value?.int ?? value?.string.flatMap({ Int($0) }), number >= 0 else { return nil }
        return min(number, 10 * 365 * 86_400)
    }

    private static func odd(_ what: String) -> MMError {
        MMError(
            .remoteFailed, "The sign-in service's answer can't be used: \(what).",
            hint: "A proxy or a captive portal may be between mm and the service. Check the network.")
    }
}

/// The home account of a signed-in person: the object and tenant where the account lives, also for guests.
package struct AccountClientInfo: Sendable, Hashable {
    /// The object id in the home tenant.
    package let uid: String
    /// The home tenant's id.
    package let utid: String

    /// The account as `uid.utid`, which token caches call the home account id.
    package var homeAccountID: String { "\(uid).\(utid)" }

    /// Decodes the `client_info` of an answer: base64url of `{"uid":…,"utid":…}`.
    fileprivate init?(encoded: String) {
        guard let bytes = Base64.bytes(encoded, alphabet: .url),
            let object = (try? JSONParser.parse(bytes, limits: JSONLimits(bytes: 4096, depth: 4)))?.object,
            let uid = object["uid"]?.string, let utid = object["utid"]?.string, !uid.isEmpty, !utid.isEmpty
        else { return nil }
        self.uid = uid
        self.utid = utid
    }
}
