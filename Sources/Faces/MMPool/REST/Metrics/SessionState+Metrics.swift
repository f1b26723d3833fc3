package import MMSessions

extension SessionState {
    /// The state under its traditional name in `/metrics`, which monitoring systems rely on: `initializing`, `ready`
    /// (started but not signed in), `auth_pending`, `authenticated` or `error`.
    package var metricsName: String {
        switch self {
        case .starting: "initializing"
        case .signingIn(let prompt): prompt == nil ? "ready" : "auth_pending"
        case .ready, .busy: "authenticated"
        case .failed, .lost: "error"
        }
    }
}
