package import MMCore
package import MMHTTP

/// An error response of a sign-in endpoint (RFC 6749, section 5.2, with Entra ID's additions).
package struct EntraError: Error, Sendable, Hashable {
    /// The HTTP status.
    package let status: Int
    /// The error code, such as `invalid_grant` or `authorization_pending`; empty when the response isn't in the
    /// expected format.
    package let error: String
    /// Entra ID's more specific code, such as `basic_action` or `bad_token`.
    package let suberror: String?
    /// The numbers after `AADSTS`.
    package let codes: [Int]
    /// Entra ID's own message, without trace ids.
    package let text: String
    /// The claims that a new sign-in must request.
    package let claims: String?
    /// The correlation id, which Microsoft's support asks for.
    package let correlationID: String?
    /// How long the service asks to wait.
    package let retryAfter: Duration?
    /// When the service may be asked again, if it says so.
    package let until: Timestamp?

    /// Parses an error response.
    /// - Parameters:
    ///   - response: a response whose status isn't a success, or whose body holds no token.
    ///   - now: the current time, for a `Retry-After` that is a date.
    package init(_ response: HTTPResponse, now: Timestamp) {
        let limits = JSONLimits(bytes: 1 << 20, depth: 32)
        let body = (try? JSONParser.parse(response.body, limits: limits))?.object
        status = response.status
        error = body?["error"]?.string ?? ""
        suberror = body?["suberror"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        let description = body?["error_description"]?.string ?? ""
        let listed = body?["error_codes"]?.array?.compactMap(\.int) ?? []
        codes = listed.isEmpty ? Self.numbers(in: description) : listed
        text = Self.firstSentence(of: description)
        claims = body?["claims"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        correlationID = body?["correlation_id"]?.string ?? response.headers["client-request-id"]
        retryAfter = response.headers["Retry-After"].flatMap { RetryAfter.wait($0, now: now) }
        until = retryAfter.flatMap { $0 >= .seconds(1) ? (now + $0).roundedUp : nil }
    }

    /// Creates the error that a browser brings back from the sign-in page (RFC 6749, section 4.1.2.1).
    init(error: String, description: String) {
        status = 400
        self.error = error.isEmpty ? "server_error" : String(error.prefix(60))
        suberror = nil
        codes = Self.numbers(in: description)
        text = Self.firstSentence(of: description)
        claims = nil
        correlationID = nil
        retryAfter = nil
        until = nil
    }

    /// Whether the service asked to slow down, and didn't carry out the request. A 503 without a wait may come from a
    /// gateway that lost the response.
    var isThrottling: Bool { status == 429 || status == 503 && retryAfter != nil }

    /// Whether the response comes from the sign-in service itself, which always names the error. Its overloaded
    /// gateways don't, but are recognisable by the status; any other response without an error code comes from a proxy
    /// or the network.
    package var isFromSignInService: Bool { !error.isEmpty || status == 429 || status >= 500 }

    /// The advice for the first number that is in the table.
    package var advice: EntraAdvice? { codes.lazy.compactMap(EntraAdvice.about).first }

    /// The next step, by `error` and `suberror`, refined by the number.
    package var action: EntraAction {
        switch error {
        case "authorization_pending": return .poll
        case "slow_down": return .slowDown
        case "authorization_declined": return .stop
        // Used both when a person declines and when a policy does.
        case "access_denied": return numbered([.policyBlock]) ?? .stop
        case "expired_token", "code_expired": return .restartDeviceFlow
        case "bad_verification_code": return .stop
        case "temporarily_unavailable", "server_error": return status == 429 ? .throttle : .retry
        case "consent_required": return numbered([.adminConsent, .userConsent]) ?? .adminConsent
        case "invalid_grant", "interaction_required", "login_required":
            return bySuberror ?? numbered(Self.ofGrants) ?? (error == "invalid_grant" ? .reauth : .reauthInteractive)
        case "invalid_client": return numbered(Self.ofConfiguration) ?? .fixConfig
        case "unauthorized_client": return bySuberror ?? numbered(Self.ofConfiguration) ?? .fixConfig
        case "invalid_scope", "invalid_resource": return numbered(Self.ofConfiguration) ?? .fixRequest
        case "unsupported_grant_type", "unsupported_response_type": return .clientBug
        case "invalid_request": return numbered(Self.ofConfiguration) ?? .clientBug
        default:
            if status == 429 { return .throttle }
            if status >= 500 { return .retry }
            return advice?.action ?? .clientBug
        }
    }

    private static let ofConfiguration: Set<EntraAction> = [
        .fixConfig, .fixSecret, .fixRequest, .wifFix, .switchTenantOrCloud, .policyBlock, .adminConsent, .clientBug,
    ]
    private static let ofGrants: Set<EntraAction> = ofConfiguration.union([
        .reauth, .reauthInteractive, .restartDeviceFlow, .userConsent, .adminFixAccount, .switchAccount, .stopLoop,
    ])

    private var bySuberror: EntraAction? {
        switch suberror {
        case "basic_action": .reauthInteractive
        case "additional_action": numbered([.reauthInteractive]) ?? .policyBlock
        case "message_only", "protection_policy_required", "device_authentication_failed": .policyBlock
        case "consent_required": numbered([.userConsent]) ?? .adminConsent
        case "user_password_expired": .adminFixAccount
        case "bad_token", "token_expired": .reauth
        case "client_mismatch": .fixConfig
        default: nil
        }
    }

    private func numbered(_ allowed: Set<EntraAction>) -> EntraAction? {
        advice.flatMap { allowed.contains($0.action) ? $0.action : nil }
    }

    private static func numbers(in text: String) -> [Int] {
        var found: [Int] = []
        var rest = text[...]
        while let mark = rest.firstRange(of: "AADSTS") {
            rest = rest[mark.upperBound...]
            if let number = Int(rest.prefix { $0.isASCII && $0.isNumber }) { found.append(number) }
        }
        return found
    }

    /// Returns the message without the trace id, correlation id and time that Entra ID appends.
    private static func firstSentence(of text: String) -> String {
        var sentence = text[..<(text.firstRange(of: "Trace ID:")?.lowerBound ?? text.endIndex)]
        sentence = sentence.prefix { !$0.isNewline }
        while sentence.last?.isWhitespace == true { sentence.removeLast() }
        return String(sentence.prefix(600))
    }
}

extension EntraError {
    /// Returns the error to report from an operation: what was attempted, what Entra ID said, and what to do.
    /// - Parameters:
    ///   - what: what was attempted, such as "Signing in to Contoso".
    ///   - connection: the connection's name.
    ///   - way: the sign-in method that was used; a policy that refuses one may allow another.
    package func mmError(for what: String, connection: String, by way: Way = .deviceCode) -> MMError {
        var details: JSONObject = ["connection": .string(connection), "action": .string(action.rawValue)]
        if !error.isEmpty { details["error"] = .string(error) }
        if let suberror { details["suberror"] = .string(suberror) }
        if let code = codes.first { details["aadsts"] = .int(Int64(code)) }
        if let correlationID { details["correlationId"] = .string(correlationID) }
        if way == .onBehalfOf, let challenge {
            details["challenge"] = .string(challenge)
            details["claims"] = claims.map { .string($0) }
        }
        if let until { details["until"] = .string(until.iso8601) }
        if let next = next(after: way) { details["nextWay"] = .string(next.rawValue) }
        let title = advice?.title ?? (error.isEmpty ? "the sign-in service answered with status \(status)" : error)
        let said = text.isEmpty ? "" : " (\(text))"
        let then = until.map { " The sign-in service may be asked again at \($0.iso8601)." } ?? ""
        return MMError(
            code, "\(what) failed: \(title)\(said).\(then)", hint: hint(connection, way), retry: retry,
            details: details,
            cause: "\(status) \(error) \(suberror ?? "") \(codes)")
    }

    /// The challenge with which a server sends a caller to sign in again (RFC 6750, section 3), if that may help.
    private var challenge: String? {
        if let claims {
            return "Bearer error=\"insufficient_claims\", claims=\"\(Base64.text(Array(claims.utf8)))\""
        }
        return action.needsSignIn ? "Bearer error=\"invalid_token\"" : nil
    }

    private var code: MMErrorCode {
        switch action {
        case .poll, .slowDown, .restartDeviceFlow, .reauth, .reauthInteractive: .signInNeeded
        case .stop, .userConsent, .adminConsent, .adminFixAccount, .switchAccount, .policyBlock: .forbidden
        case .switchTenantOrCloud, .fixConfig, .fixSecret, .fixRequest, .wifFix: .invalidInput
        case .retry: .unavailable
        case .throttle, .stopLoop: .throttled
        case .clientBug: error.isEmpty ? .remoteFailed : .internalError
        }
    }

    private var retry: MMError.Retry {
        switch action {
        case .retry, .throttle: retryAfter.map { .after($0) } ?? .after(.seconds(5))
        case .stopLoop: .after(retryAfter ?? .seconds(300))
        default: .never
        }
    }

    /// The sign-in methods that a policy may distinguish.
    package enum Way: String, Sendable {
        case deviceCode = "device"
        case browser
        case broker
        case app
        case onBehalfOf
    }

    /// Whether a tenant's policy refused the sign-in method rather than the account: it requires another flow, a known
    /// device, or a step that only a browser can show.
    var isMethodRefused: Bool {
        codes.contains {
            [50_097, 50_155, 50_158, 53_000, 53_001, 53_003].contains($0) || (530_000..<530_100).contains($0)
        }
    }

    /// Returns the method that may be allowed when this one was refused.
    private func next(after way: Way) -> Way? { isMethodRefused && way == .deviceCode ? .browser : nil }

    private func hint(_ connection: String, _ way: Way) -> String {
        let advice = advice?.advice ?? fallback
        if way == .onBehalfOf {
            if challenge != nil {
                return advice
                    + " The caller's app can do that: answer it with status 401 and the WWW-Authenticate header "
                    + "in `challenge` of the details."
            }
            return action == .adminConsent || action == .userConsent
                ? advice + " Or list the caller's app in knownClientApplications, so that it asks for both at once."
                : advice
        }
        guard isMethodRefused else { return advice + tail(connection) }
        switch way {
        case .deviceCode:
            return advice + " A browser on this machine may be allowed where a code is not: mm login "
                + "\(ShellWord.quoted(connection)) --browser."
        case .browser:
            return advice
                + " The remaining options are a device that the tenant manages, an exception by "
                + "its administrator, or an app that signs in by itself (auth of the connection: certificate, "
                + "federated, managed-identity)."
        case .broker:
            return advice
                + " The company portal of this machine (intune-portal) shows what its device lacks; otherwise the "
                + "tenant's administrator can make an exception."
        case .app, .onBehalfOf: return advice + " Policies for workload identities are the administrator's to change."
        }
    }

    private var fallback: String {
        switch action {
        case .poll, .slowDown: "Approve the sign-in in a browser."
        case .stop: "Nothing more is tried with this code."
        case .restartDeviceFlow: "The code has expired. Start a new one."
        case .reauth, .reauthInteractive: "Sign in again."
        case .userConsent: "Start again and accept the permissions."
        case .adminConsent: "Ask an administrator of the tenant to grant the app its permissions."
        case .adminFixAccount: "Ask an administrator to check the account."
        case .switchAccount: "Sign in with an account of this tenant."
        case .switchTenantOrCloud: "Check tenantId and cloud of the connection."
        case .fixConfig: "Check appId and tenantId of the connection, and that public client flows are on for the app."
        case .fixSecret: "Check the app's secret or certificate."
        case .fixRequest: "Check the permissions of the app registration for this service."
        case .wifFix: "Check the federated credential of the app."
        case .policyBlock: "A policy of the tenant forbids it; a retry does not help. Ask the tenant's administrator."
        case .retry: "The sign-in service has a temporary fault. Try again in a moment."
        case .throttle: "Too many sign-in requests. Nothing is sent before the service takes them again."
        case .stopLoop: "The same request was repeated too often. Stop for a few minutes."
        case .clientBug: "This is a bug in mm, or in something between it and Entra ID. Please report it."
        }
    }

    private func tail(_ connection: String) -> String {
        switch action {
        case .stop, .userConsent, .switchAccount: " A new code: mm login \(ShellWord.quoted(connection))."
        case .reauth, .reauthInteractive, .restartDeviceFlow: " mm login \(ShellWord.quoted(connection))."
        case .switchTenantOrCloud, .fixConfig: " See mm connections show \(ShellWord.quoted(connection))."
        default: ""
        }
    }
}
