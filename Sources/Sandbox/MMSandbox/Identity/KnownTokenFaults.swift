internal import MMCore
internal import MMHTTP

/// Errors of the token endpoint, by number, that only policies and outages cause.
enum KnownTokenFaults {
    static func fault(_ number: Int) -> TokenFault {
        switch number {
        case 70_016:
            TokenFault(
                "authorization_pending", number,
                "OAuth 2.0 device flow error. Authorization is pending. Continue polling.")
        case 70_018: TokenFault("authorization_declined", number, "The user declined the request.")
        case 70_020: TokenFault("expired_token", number, "This device code has expired.")
        case 700_082:
            TokenFault(
                "invalid_grant", number,
                "The refresh token has expired due to inactivity. The token was inactive for 90.00:00:00.")
        case 50_173:
            TokenFault(
                "invalid_grant", number,
                "The provided grant has expired due to it being revoked, a fresh auth token is needed.")
        case 70_043:
            TokenFault(
                "invalid_grant", number,
                "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.",
                suberror: "bad_token")
        case 50_076:
            TokenFault(
                "interaction_required", number,
                "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication.",
                suberror: "basic_action",
                claims:
                    #"{"access_token":{"capolids":{"essential":true,"values":["55555555-0000-4000-8000-000000000001"]}}}"#
            )
        case 50_079:
            TokenFault(
                "invalid_grant", number, "You must enroll in multi-factor authentication.", suberror: "basic_action")
        case 53_003:
            TokenFault(
                "interaction_required", number,
                "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
                suberror: "message_only")
        case 53_000:
            TokenFault(
                "interaction_required", number, "Device is not in required device state.", suberror: "additional_action"
            )
        case 53_001:
            TokenFault(
                "interaction_required", number,
                "Device is not domain joined. Conditional Access policy requires a domain joined device.",
                suberror: "additional_action")
        case 530_003:
            TokenFault(
                "interaction_required", number, "Your device is required to be managed to access this resource.",
                suberror: "additional_action")
        case 50_097:
            TokenFault(
                "interaction_required", number, "Device authentication is required.", suberror: "additional_action")
        case 50_158:
            TokenFault(
                "interaction_required", number,
                "External security challenge not satisfied. User will be redirected to another page or authentication provider to satisfy additional authentication challenges.",
                suberror: "additional_action",
                claims:
                    #"{"access_token":{"capolids":{"essential":true,"values":["55555555-0000-4000-8000-000000000002"]}}}"#
            )
        case 53_005:
            TokenFault(
                "unauthorized_client", number, "Application needs to enforce Intune protection policies.",
                suberror: "protection_policy_required")
        case 65_001:
            TokenFault(
                "invalid_grant", number, "The user or administrator has not consented to use the application.",
                suberror: "consent_required")
        case 65_004: TokenFault("access_denied", number, "User declined to consent to access the app.")
        case 700_016:
            TokenFault(
                "unauthorized_client", number, "Application was not found in the directory '\(TenantIdentity.name)'.")
        case 7_000_112: TokenFault("unauthorized_client", number, "Application is disabled.", status: 401)
        case 7_000_215: TokenFault("invalid_client", number, "Invalid client secret provided.", status: 401)
        case 7_000_222:
            TokenFault("invalid_client", number, "The provided client secret keys are expired.", status: 401)
        case 7_000_218:
            TokenFault(
                "invalid_client", number,
                "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
                status: 401)
        case 700_027:
            TokenFault(
                "invalid_client", number,
                "The certificate with identifier used to sign the client assertion is not registered on application.",
                status: 401)
        case 700_024:
            TokenFault("invalid_client", number, "Client assertion is not within its valid time range.", status: 401)
        case 700_213:
            TokenFault(
                "invalid_client", number,
                "No matching federated identity record found for presented assertion subject.", status: 401)
        case 70_011:
            TokenFault("invalid_scope", number, "The provided value for the input parameter 'scope' is not valid.")
        case 700_022: TokenFault("invalid_scope", number, "The scope contains more than one resource.")
        case 500_011: TokenFault("invalid_resource", number, "The resource principal was not found in the tenant.")
        case 90_002: TokenFault("invalid_request", number, "Tenant not found.")
        case 70_003: TokenFault("unsupported_grant_type", number, "The app requested an unsupported grant type.")
        case 50_196:
            TokenFault(
                "invalid_grant", number,
                "The server terminated an operation because it encountered a client request loop.")
        case 90_033:
            TokenFault(
                "temporarily_unavailable", number, "A transient error has occurred. Please try again.", status: 503,
                retryAfter: 5)
        case 90_006: TokenFault("server_error", number, "The service is temporarily unavailable.", status: 500)
        case 90_055:
            TokenFault(
                "temporarily_unavailable", number, "The tenant is throttled. Too many requests.", status: 429,
                retryAfter: 60)
        default: TokenFault("invalid_grant", number, "The request was refused.")
        }
    }
}

/// An error of the token endpoint, in Entra's form.
struct TokenFault: Error {
    let error: String
    let number: Int
    let message: String
    var status = 400
    var suberror: String?
    var claims: String?
    var retryAfter: Int?

    init(
        _ error: String, _ number: Int, _ message: String, status: Int = 400, suberror: String? = nil,
        claims: String? = nil, retryAfter: Int? = nil
    ) {
        self.error = error
        self.number = number
        self.message = message
        self.status = status
        self.suberror = suberror
        self.claims = claims
        self.retryAfter = retryAfter
    }

    static func missing(_ field: String) -> TokenFault {
        TokenFault("invalid_request", 900_144, "The request body must contain the following parameter: '\(field)'.")
    }

    /// Nobody has consented to what an app asks for.
    static func notConsented(to app: RegisteredApp) -> TokenFault {
        TokenFault(
            "invalid_grant", 65_001,
            "The user or administrator has not consented to use the application with ID '\(app.id)' named '\(app.name)'. Send an interactive authorization request for this user and resource.",
            suberror: "consent_required")
    }

    /// A confidential client sent no credential, or a public one requested something that needs a credential.
    static let credentialMissing = KnownTokenFaults.fault(7_000_218)

    /// Returns the answer for the error.
    func answer(to request: HTTPServerRequest, now: Int64) -> HTTPServerResponse {
        let trace = RandomBytes.uuid()
        let correlation = request.headers["client-request-id"] ?? RandomBytes.uuid()
        var answer = Self.answer(
            status, body(trace: trace, correlation: correlation, now: now), to: request, trace: trace)
        answer.headers.set("client-request-id", correlation)
        if let retryAfter { answer.headers.set("Retry-After", "\(retryAfter)") }
        return answer
    }

    /// Returns an answer of the token endpoint with its common headers.
    static func answer(
        _ status: Int, _ body: JSONObject, to request: HTTPServerRequest, trace: String
    ) -> HTTPServerResponse {
        var answer = HTTPServerResponse(status: status, json: .object(body))
        answer.headers.set("Cache-Control", "no-store, no-cache")
        answer.headers.set("Pragma", "no-cache")
        answer.headers.set("x-ms-request-id", trace)
        answer.headers.set("x-ms-ests-server", "2.1.0 - SANDBOX ProdSlices")
        answer.headers.set("client-request-id", request.headers["client-request-id"] ?? RandomBytes.uuid())
        return answer
    }

    /// Returns the body of the answer.
    private func body(trace: String, correlation: String, now: Int64) -> JSONObject {
        // The only error without a number is the answer to a client that polls too fast.
        guard number != 0 else { return ["error": .string(error), "error_description": .string(message)] }
        let stamp = ServiceTime.blankText(now)
        var body: JSONObject = [
            "error": .string(error),
            "error_description":
                .string(
                    "AADSTS\(number): \(message) Trace ID: \(trace) Correlation ID: \(correlation) Timestamp: \(stamp)"),
            "error_codes": [.int(Int64(number))],
            "timestamp": .string(stamp),
            "trace_id": .string(trace),
            "correlation_id": .string(correlation),
        ]
        if let suberror { body["suberror"] = .string(suberror) }
        if let claims { body["claims"] = .string(claims) }
        return body
    }
}
