import MMCore
import MMGuard
import PowerShellSyntax

/// The verdict over a script in its session: given before the session is there, and held against what the session remembers
/// when the script's turn has come.
struct ScriptVerdict: Sendable {
    /// The verdict.
    let verdict: Verdict
    private let judge: @Sendable (SessionMemory) -> (verdict: Verdict, memory: SessionMemory)
    private let before: SessionMemory
    private let after: SessionMemory

    /// - Parameters:
    ///   - memory: that of the session; nil for one that is yet to start.
    ///   - judge: judges the script in a session with this memory, and says what it remembers then.
    init(
        over memory: ScriptMemory?,
        judge: @escaping @Sendable (SessionMemory) -> (verdict: Verdict, memory: SessionMemory)
    ) {
        self.judge = judge
        before = memory?.value ?? .fresh
        (verdict, after) = judge(before)
    }

    /// Takes the script into the session's memory, as it is about to run.
    /// - Throws: when another script has changed what this one means since it was judged.
    func settle(with memory: ScriptMemory) throws(MMError) {
        if memory.replace(before, by: after) { return }
        let now = memory.value
        let again = judge(now)
        guard again.verdict.decision <= verdict.decision, memory.replace(now, by: again.memory) else {
            throw MMError(
                .conflict, "Another script has changed this session since the guard looked at this one.",
                hint: "Repeat the call.", retry: .now)
        }
    }
}
