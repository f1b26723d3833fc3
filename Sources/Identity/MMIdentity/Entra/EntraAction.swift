/// The next step that an answer of the token endpoint calls for.
package enum EntraAction: String, Sendable, Hashable, CaseIterable {
    /// The person hasn't approved yet: poll again after the interval.
    case poll
    /// As `poll`, but with the interval extended by five seconds (RFC 8628, section 3.5).
    case slowDown = "slow_down"
    /// The person declined, or the code is unknown; request a new code only when someone asks for one.
    case stop
    /// The code has expired: a new one is needed.
    case restartDeviceFlow = "restart_device_flow"
    /// The refresh token is no longer valid: sign in again.
    case reauth
    /// A person must complete a step (second factor, terms of use): sign in again with the claims of the answer.
    case reauthInteractive = "reauth_interactive"
    /// The person declined the consent page.
    case userConsent = "user_consent"
    /// An administrator must grant permissions.
    case adminConsent = "admin_consent"
    /// An administrator must repair the account.
    case adminFixAccount = "admin_fix_account"
    /// Another account is needed.
    case switchAccount = "switch_account"
    /// The tenant or cloud of the connection is wrong.
    case switchTenantOrCloud = "switch_tenant_or_cloud"
    /// The connection or the app registration is wrong.
    case fixConfig = "fix_config"
    /// The app's secret or certificate is wrong.
    case fixSecret = "fix_secret"
    /// The scope or resource asked for is wrong.
    case fixRequest = "fix_request"
    /// The federated credential is wrong.
    case wifFix = "wif_fix"
    /// A policy forbids it; retrying never helps.
    case policyBlock = "policy_block"
    /// The service has a temporary fault: retry after a pause.
    case retry
    /// Too many requests: retry after a longer pause.
    case throttle
    /// The same request was sent too often: stop for some minutes.
    case stopLoop = "stop_loop"
    /// A bug in this program.
    case clientBug = "client_bug"

    /// Whether the person has to sign in again.
    package var needsSignIn: Bool {
        switch self {
        case .reauth, .reauthInteractive, .restartDeviceFlow: true
        default: false
        }
    }

    /// Whether the same request may succeed after a pause.
    package var isTransient: Bool { self == .retry || self == .throttle }
}
