internal import MMCore

extension EntraError {
    /// The error as an operation answers it: what was tried, what Entra ID said, and what to do.
    /// - Parameters:
    ///   - what: what was tried, as in "Signing in to Contoso".
    ///   - connection: the connection's name.
    func mmError(for what: String, connection: String) -> MMError {
        var details: JSONObject = ["connection": .string(connection), "action": .string(action.rawValue)]
        if !error.isEmpty { details["error"] = .string(error) }
        if let suberror { details["suberror"] = .string(suberror) }
        if let code = codes.first { details["aadsts"] = .int(Int64(code)) }
        if let correlationID { details["correlationId"] = .string(correlationID) }
        let title = advice?.title ?? (error.isEmpty ? "the sign-in service answered with status \(status)" : error)
        let said = text.isEmpty ? "" : " (\(text))"
        return MMError(
            code, "\(what) failed: \(title)\(said).", hint: hint(connection), retry: retry, details: details,
            cause: "\(status) \(error) \(suberror ?? "") \(codes)")
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

    private func hint(_ connection: String) -> String {
        if let advice { return advice.advice + tail(connection) }
        return fallback + tail(connection)
    }

    private var fallback: String {
        switch action {
        case .poll, .slowDown: "Approve the sign-in in a browser."
        case .stop: "Nothing more is tried with this code."
        case .restartDeviceFlow: "The code is over. Start a new one."
        case .reauth, .reauthInteractive: "Sign in again."
        case .userConsent: "Start again and accept the permissions."
        case .adminConsent: "Ask an administrator of the tenant to grant the app its permissions."
        case .adminFixAccount: "Have an administrator look at the account."
        case .switchAccount: "Sign in with an account of this tenant."
        case .switchTenantOrCloud: "Check tenantId and cloud of the connection."
        case .fixConfig: "Check appId and tenantId of the connection, and that public client flows are on for the app."
        case .fixSecret: "Check the app's secret or certificate."
        case .fixRequest: "Check the permissions of the app registration for this service."
        case .wifFix: "Check the federated credential of the app."
        case .policyBlock: "A policy of the tenant forbids it; a retry does not help. Ask the tenant's administrator."
        case .retry: "The sign-in service has trouble. Try again in a moment."
        case .throttle: "Too many sign-in requests. Wait as told."
        case .stopLoop: "The same request was repeated too often. Stop for a few minutes."
        case .clientBug: "This is a fault of mm, or of what stands between it and Entra ID. Please report it."
        }
    }

    private func tail(_ connection: String) -> String {
        switch action {
        case .stop, .userConsent, .switchAccount: " A new code: mm login '\(connection)'."
        case .reauth, .reauthInteractive, .restartDeviceFlow: " mm login '\(connection)'."
        case .switchTenantOrCloud, .fixConfig: " See mm connections show '\(connection)'."
        default: ""
        }
    }
}
