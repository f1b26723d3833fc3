import MMCore

/// What a guard has said of scripts lately: who sends the same one again, under the same circumstances, is told the same.
///
/// A verdict depends on the guard's rules, which it keeps as long as it lives, and on what a question holds. Only short scripts
/// that read and are let through are remembered: others are rare, and may hold what should not stay in memory.
final class KnownVerdicts: Sendable {
    /// Everything that a verdict depends on besides the guard's rules.
    struct Question: Hashable, Sendable {
        let script: String
        let context: ScriptContext
        let policy: GuardPolicy
        let isConfirmed: Bool

        // What a session remembers may be large, and differs seldom for the same script: it is compared alone.
        func hash(into hasher: inout Hasher) {
            hasher.combine(script)
            hasher.combine(context.module)
        }
    }

    private typealias Answer = (verdict: Verdict, memory: SessionMemory)

    private let answers = RecentValues<Question, Answer>(size: 256)
    /// How long a script may be, in bytes.
    private static let longest = 4 << 10
    /// How many names and variables a session may remember: each answer holds them.
    private static let mostNames = 200

    /// The answer to a question that was asked before; `nil` where it is not remembered.
    func answer(to question: Question) -> (verdict: Verdict, memory: SessionMemory)? {
        question.script.utf8.count <= Self.longest ? answers.value(for: question) : nil
    }

    /// Remembers an answer, where it is one to remember.
    func note(_ answer: (verdict: Verdict, memory: SessionMemory), for question: Question) {
        let memory = question.context.memory
        guard question.script.utf8.count <= Self.longest,
            answer.verdict.decision == .allow, answer.verdict.guardClass == .read,
            memory.names.count + memory.variables.count <= Self.mostNames
        else { return }
        answers.keep(answer, for: question)
    }
}
