package import MMCore
package import MMGuard
import MMSystem

extension CurrentGuard {
    /// The verdict over a shell command. It is found on a thread for such work: a long text must hold up nobody else.
    /// - Throws: as `engine`.
    package func verdict(shell command: String, in place: ShellContext, policy: GuardPolicy) async throws(MMError)
        -> Verdict
    {
        let engine = try engine()
        return try await BlockingWork.run { engine.judge(shell: command, in: place, policy: policy) }
    }
}
