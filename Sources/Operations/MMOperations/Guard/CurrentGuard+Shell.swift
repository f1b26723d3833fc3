package import MMCore
package import MMGuard
import MMSystem

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
