package import MMCore
package import MMGuard

/// The guard with the user's own rules as they are at the moment: a changed rule file counts without a restart.
package final class CurrentGuard: Sendable {
    private let path: String
    private struct Loaded {
        var bytes: [UInt8]?
        /// What tells that the file is still the same; `nil` where it may have changed without a trace.
        var mark: FileStamp?
        var engine: GuardEngine
    }

    private let loaded = Mutex<Loaded?>(nil)

    /// The guard with the rule file that an environment names.
    package init(environment: [String: String]) {
        path = UserRuleFile.path(environment: environment)
    }

    /// The guard to judge with.
    /// - Throws: `MMError` when the user's rule file can't be read: nothing is judged without rules that somebody wrote.
    package func engine() throws(MMError) -> GuardEngine {
        let known = loaded.withLock { $0 }
        let glance = FileStamp.lookUp(path)
        var mark: FileStamp?
        switch (glance, known) {
        case (.missing, let known?) where known.bytes == nil: return known.engine
        case (.file(let now), let known?) where known.mark == now: return known.engine
        case (.file(let now), _): mark = now.isStable ? now : nil
        default: break
        }
        let bytes = try ProtectedFile.read(path, limit: 4 << 20)
        let engine: GuardEngine
        if let known, known.bytes == bytes {
            engine = known.engine
        } else {
            engine = GuardEngine(
                userRules: try bytes.map { bytes throws(MMError) in try UserRuleFile(bytes: bytes) } ?? .none)
        }
        loaded.withLock { $0 = Loaded(bytes: bytes, mark: mark, engine: engine) }
        return engine
    }
}
