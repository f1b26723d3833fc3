package import MMCore
package import MMGuard
import MMSystem

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

extension CurrentGuard {
    /// The verdict over a shell command. It is found on a thread for such work: a long text must hold up nobody else.
    /// - Throws: as `engine`.
    package func verdict(shell command: String, in place: ShellContext, policy: GuardPolicy) async throws(MMError)
        -> Verdict
    {
        try await verdict(shell: command, in: place, policy: policy, remembering: ShellMemory()).verdict
    }

    /// The verdict over a shell command in a session in which others ran before.
    /// - Returns: with what the session has written once this command has run, too.
    /// - Throws: as `engine`.
    package func verdict(
        shell command: String, in place: ShellContext, policy: GuardPolicy, remembering memory: ShellMemory
    ) async throws(MMError) -> (verdict: Verdict, memory: ShellMemory) {
        let engine = try engine()
        return try await BlockingWork.run {
            var memory = memory
            let verdict = engine.judge(shell: command, in: place, policy: policy, remembering: &memory)
            return (verdict, memory)
        }
    }

    /// The verdict over a text that is typed into a program.
    /// - Throws: as `engine`.
    package func verdict(
        typed text: TypedText, in place: ShellContext, policy: GuardPolicy, remembering memory: ShellMemory
    ) async throws(MMError) -> (verdict: Verdict, memory: ShellMemory) {
        let engine = try engine()
        return try await BlockingWork.run {
            var memory = memory
            let verdict = engine.judge(typed: text, in: place, policy: policy, remembering: &memory)
            return (verdict, memory)
        }
    }
}
