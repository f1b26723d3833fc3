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
