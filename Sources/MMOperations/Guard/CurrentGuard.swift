package import MMCore
package import MMGuard

/// The guard with the user's own rules as they are at the moment: a changed rule file counts without a restart.
package final class CurrentGuard: Sendable {
    private let path: String
    private let loaded = Mutex<(bytes: [UInt8]?, engine: GuardEngine)?>(nil)

    /// The guard with the rule file that an environment names.
    package init(environment: [String: String]) {
        path = UserRuleFile.path(environment: environment)
    }

    /// The guard to judge with.
    /// - Throws: `MMError` when the user's rule file can't be read: nothing is judged without rules that somebody wrote.
    package func engine() throws(MMError) -> GuardEngine {
        let bytes = try ProtectedFile.read(path, limit: 4 << 20)
        if let known = loaded.withLock({ $0 }), known.bytes == bytes { return known.engine }
        let engine = GuardEngine(
            userRules: try bytes.map { bytes throws(MMError) in try UserRuleFile(bytes: bytes) } ?? .none)
        loaded.withLock { $0 = (bytes, engine) }
        return engine
    }
}
