import MMCore
import MMOperations

/// Where a front-end has operations carried out: as its command line says, else as its environment does.
enum PoolChoice: Sendable, Hashable {
    /// All in this process.
    case embedded
    /// In the user's own pool, as far as they need one.
    case own
    /// All in a pool somewhere else.
    case elsewhere(String)

    /// What is chosen.
    /// - Parameters:
    ///   - embedded: whether the command line says `--embedded`.
    ///   - pool: what the command line gives to `--pool`.
    ///   - environment: read for `MM_EMBEDDED`, `MM_SESSION_POOL_URL` and `PWSH_MANAGER_URL`.
    /// - Throws: `invalidInput` when both are asked for.
    static func of(embedded: Bool, pool: String?, environment: [String: String]) throws(MMError) -> PoolChoice {
        if embedded, pool != nil {
            throw MMError(
                .invalidInput, "--embedded and --pool exclude each other.",
                hint: "Leave one of them out: --embedded does everything in this process.")
        }
        if embedded { return .embedded }
        if let pool { return .elsewhere(pool) }
        if ["1", "true", "yes"].contains(environment["MM_EMBEDDED"]?.lowercased() ?? "") { return .embedded }
        for name in ["MM_SESSION_POOL_URL", "PWSH_MANAGER_URL"] {
            if let url = environment[name], !url.isEmpty { return .elsewhere(url) }
        }
        return .own
    }
}
