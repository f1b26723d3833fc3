import MMCore

/// What a guard has said of scripts lately: who sends the same one again, under the same circumstances, is told the same.
///
/// A verdict depends on the guard's rules, which it keeps as long as it lives, and on what a question holds. Only short scripts
/// that read and are let through are remembered: others are rare, and may hold what should not stay in memory.
final class KnownVerdicts: Sendable {
    /// Everything that a verdict depends on besides the guard's rules.
    struct Question: Hashable, Sendable {
        private let script: ExactKey
        private let context: ScriptContext
        private let policy: GuardPolicy
        private let isConfirmed: Bool
        /// How long a script may be, in bytes.
        private static let longest = 4 << 10

        /// A question that may have been asked before; `nil` for a long script, and where the session remembers names or variables:
        /// what these hold came from scripts, and is not compared by its bytes.
        init?(script: String, context: ScriptContext, policy: GuardPolicy, isConfirmed: Bool) {
            guard script.utf8.count <= Self.longest, context.memory.names.isEmpty, context.memory.variables.isEmpty
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

    /// The answer to a question that was asked before; `nil` where it is not remembered.
    func answer(to question: Question) -> (verdict: Verdict, memory: SessionMemory)? { answers.value(for: question) }

    /// Remembers an answer, where it is one to remember.
    func note(_ answer: (verdict: Verdict, memory: SessionMemory), for question: Question) {
        if answer.verdict.decision == .allow, answer.verdict.guardClass == .read { answers.keep(answer, for: question) }
    }
}
