package import MMCore
package import MMGuard
import MMSystem

/// The guard with the user's own rules, reloaded when the rule file changes.
package final class CurrentGuard: Sendable {
    private let file: SettingsFile
    private struct Loaded {
        var bytes: [UInt8]?
        /// The file's stamp, by which it is known to be unchanged; `nil` where it may have changed without a new stamp.
        var mark: FileStamp?
        var engine: GuardEngine
    }

    private let loaded = Mutex<Loaded?>(nil)

    /// Creates the guard with the rule file that the environment names.
    package init(environment: [String: String]) {
        file = UserRuleFile.file(environment: environment)
    }

    /// Returns the guard with the current rules.
    /// - Throws: `MMError` when the user's rule file can't be read: nothing is judged without the user's own rules.
    package func engine() throws(MMError) -> GuardEngine {
        let known = loaded.withLock { $0 }
        let glance = FileStamp.lookUp(file.path)
        var mark: FileStamp?
        switch (glance, known) {
        case (.missing, let known?) where known.bytes == nil: return known.engine
        case (.file(let now), let known?) where known.mark == now: return known.engine
        case (.file(let now), _): mark = now.isStable ? now : nil
        default: break
        }
        let bytes = try file.read(limit: 4 << 20)
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

extension CurrentGuard {
    /// Judges a shell command, on a separate thread since a long text may take a while.
    /// - Throws: as `engine`.
    package func verdict(shell command: String, in place: ShellContext, policy: GuardPolicy) async throws(MMError)
        -> Verdict
    {
        try await verdict(shell: command, in: place, policy: policy, remembering: ShellMemory()).verdict
    }

    /// Judges a shell command in a session in which others ran before.
    /// - Returns: the verdict, and the session's memory including what this command writes.
    /// - Throws: as `engine`.
    package func verdict(
        shell command: String, in place: ShellContext, policy: GuardPolicy, remembering memory: ShellMemory
    ) async throws(MMError) -> (verdict: Verdict, memory: ShellMemory) {
        try await judged(after: memory) { engine, memory in
            engine.judge(shell: command, in: place, policy: policy, remembering: &memory)
        }
    }

    /// Judges a text that is typed into a program.
    /// - Throws: as `engine`.
    package func verdict(
        typed text: TypedText, in place: ShellContext, policy: GuardPolicy, remembering memory: ShellMemory
    ) async throws(MMError) -> (verdict: Verdict, memory: ShellMemory) {
        try await judged(after: memory) { engine, memory in
            engine.judge(typed: text, in: place, policy: policy, remembering: &memory)
        }
    }

    private func judged(
        after memory: ShellMemory, _ judge: @escaping @Sendable (GuardEngine, inout ShellMemory) -> Verdict
    ) async throws(MMError) -> (verdict: Verdict, memory: ShellMemory) {
        let engine = try engine()
        return try await BlockingWork.run {
            var memory = memory
            let verdict = judge(engine, &memory)
            return (verdict, memory)
        }
    }
}
