import MMCore
import MMOperations

/// The place where a front-end has operations carried out, from the command line or else the environment.
enum PoolChoice: Sendable, Hashable {
    /// This process, for everything.
    case embedded
    /// The user's own pool, for the operations that need one.
    case own
    /// A pool at this address, for everything.
    case elsewhere(String)

    /// Returns the chosen place.
    /// - Parameters:
    ///   - embedded: whether the command line has `--embedded`.
    ///   - pool: the value of `--pool`.
    ///   - environment: read for `MM_EMBEDDED`, `MM_SESSION_POOL_URL` and `PWSH_MANAGER_URL`.
    /// - Throws: `invalidInput` if both are given, or for `MM_EMBEDDED`.
    static func of(embedded: Bool, pool: String?, environment: [String: String]) throws(MMError) -> PoolChoice {
        if embedded, pool != nil {
            throw MMError(
                .invalidInput, "--embedded and --pool can't be combined.",
                hint: "Leave out one of them: --embedded runs everything in this process.")
        }
        if embedded { return .embedded }
        if let pool { return .elsewhere(pool) }
        if try EnvironmentSwitch.isOn("MM_EMBEDDED", of: environment) { return .embedded }
        for name in ["MM_SESSION_POOL_URL", "PWSH_MANAGER_URL"] {
            if let url = environment[name], !url.isEmpty { return .elsewhere(url) }
        }
        return .own
    }
}
