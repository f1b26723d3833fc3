import MMCore

/// A cache of recent verdicts on scripts: the same script in the same context gets the same verdict.
///
/// A verdict depends on the guard's rules, which never change during its life, and on the contents of a `Question`.
/// Only short scripts that read and are allowed are cached: others are rare, and may contain values that should not
/// stay in memory.
final class KnownVerdicts: Sendable {
    /// Everything that a verdict depends on, besides the guard's rules.
    struct Question: Hashable, Sendable {
        private let script: ExactKey
        private let context: ScriptContext
        private let policy: GuardPolicy
        private let isConfirmed: Bool
        /// The maximum length of a cached script in bytes.
        private static let longest = 4 << 10

        /// Creates the question for a script. `nil` for a long script, and if the session remembers names or variables,
        /// because those aren't part of the key.
        init?(script: String, context: ScriptContext, policy: GuardPolicy, isConfirmed: Bool) {
            guard script.utf8.count <= Self.longest, context.memory.names.isEmpty, context.memory.variables.isEmpty,
                context.memory.types.isEmpty
            else {
                return nil
            }
            self.script = ExactKey(script)
            self.context = context
            self.policy = policy
            self.isConfirmed = isConfirmed
        }
    }

    private typealias Answer = (verdict: Verdict, memory: SessionMemory)

    private let answers = RecentValues<Question, Answer>(size: 256)

    /// Returns the cached answer to a question; `nil` if there is none.
    func answer(to question: Question) -> (verdict: Verdict, memory: SessionMemory)? { answers.value(for: question) }

    /// Caches an answer, if it is one that may be cached.
    func note(_ answer: (verdict: Verdict, memory: SessionMemory), for question: Question) {
        if answer.verdict.decision == .allow, answer.verdict.guardClass == .read { answers.keep(answer, for: question) }
    }
}
