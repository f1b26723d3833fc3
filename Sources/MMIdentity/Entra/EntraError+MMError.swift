package import MMCore

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
