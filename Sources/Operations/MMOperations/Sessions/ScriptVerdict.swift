import MMCore
import MMGuard
import PowerShellSyntax

/// The verdict over a script in its session: given before the session is there, and held against what the session remembers
/// when the script's turn has come.
struct ScriptVerdict: Sendable {
    /// The verdict.
    var verdict: Verdict { first.verdict }
    /// Whether it holds in a PowerShell that is confined behind the wire alone.
    var runsBehindWalls: Bool { first.runsBehindWalls }
    /// Whether it holds in the native engine alone.
    var staysNative: Bool { first.staysNative }
    /// Whether it was given for what is judged once more when it is sent.
    var isJudgedWhenSent: Bool { first.isJudgedWhenSent }
    private let judge: @Sendable (SessionMemory) -> ScriptJudging.Judgement
    /// What the session remembered when the script was judged.
    let before: SessionMemory
    private let first: ScriptJudging.Judgement

    /// - Parameters:
    ///   - memory: that of the session; nil for one that is yet to start.
    ///   - judge: judges the script in a session with this memory.
    init(over memory: ScriptMemory?, judge: @escaping @Sendable (SessionMemory) -> ScriptJudging.Judgement) {
        self.judge = judge
        before = memory?.value ?? .fresh
        first = judge(before)
    }

    /// Takes the script into the session's memory, as it is about to run.
    /// - Throws: when the session is not kept as the verdict took it to be, or another script has changed what this one
    ///   means since it was judged.
    func settle(with session: ModuleSession) throws(MMError) {
        guard !runsBehindWalls || session.walls.isUp else {
            throw MMError(
                .conflict, "The session is no longer confined as it was when the guard checked the script.",
                hint: "Repeat the call.", retry: .now)
        }
        let memory = session.scriptMemory
        if memory.replace(before, by: first.memory) { return }
        let now = memory.value
        let again = judge(now)
        guard again.verdict.decision <= verdict.decision, again.runsBehindWalls == runsBehindWalls,
            again.staysNative == staysNative,
            memory.replace(now, by: again.memory)
        else {
            throw MMError(
                .conflict, "Another script has changed this session since the guard looked at this one.",
                hint: "Repeat the call.", retry: .now)
        }
    }
}
