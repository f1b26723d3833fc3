public import MMCore

/// Where a session stands.
public enum SessionState: Sendable {
    /// Its process or connection comes up.
    case starting
    /// It signs in; the prompt is there once a person is needed.
    case signingIn(prompt: JSONObject?)
    /// Signed in and free.
    case ready
    /// Signed in and leased to a caller.
    case busy
    /// The sign-in or the start failed.
    case failed(MMError)
    /// Its process ended by itself; the next call starts another.
    case lost
    /// Ended on wish.
    case stopped

    /// The state in one word, as `mm status` shows it.
    public var word: String {
        switch self {
        case .starting: "starting"
        case .signingIn: "signing in"
        case .ready: "ready"
        case .busy: "busy"
        case .failed: "failed"
        case .lost: "lost"
        case .stopped: "stopped"
        }
    }
}
