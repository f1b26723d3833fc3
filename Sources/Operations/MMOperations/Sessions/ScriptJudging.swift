import MMCore
import MMGuard
import MMPowerShell
import PowerShellSyntax

/// The judging of a script for the place where it will run: a confined PowerShell behind the session's proxy if there
/// is one, otherwise by its text alone. All operations that run, preview or explain scripts use it, so that their
/// verdicts agree.
struct ScriptJudging: Sendable {
    /// The verdict on a script, and where it is valid.
    struct Judgement: Sendable {
        /// The verdict.
        var verdict: Verdict
        /// The session's memory after the script has run.
        var memory: SessionMemory
        /// Whether the verdict is valid only in a confined PowerShell behind the session's proxy.
        let runsBehindWalls: Bool
        /// Whether the verdict is valid only in the native engine, for example because a script has redefined names in
        /// PowerShell.
        var staysNative = false
        /// Whether the script's requests are judged again when they are sent.
        var isJudgedWhenSent = false
    }

    private let engine: GuardEngine
    private let script: String
    private let parsed: ParsedScript
    private let module: String
    private let wanted: ConnectionEngine
    private let policy: GuardPolicy
    private let isConfirmed: Bool
    /// Whether a PowerShell of this module would be confined behind the session's proxy.
    private var hasWalls: Bool
    /// Whether the script may run outside of PowerShell.
    private let mayRunNatively: Bool
    /// Whether the native engine can run the script as it is written; `nil` if it can't run natively at all.
    private let fit: NativeFit?
    /// The rule for the script's own sign-in.
    private let signIn: OwnSignIn?
    /// Findings from reading the tenant, which the text doesn't show.
    private let seen: [GuardFinding]

    /// Prepares the judging of a script.
    /// - Parameters:
    ///   - script: the text exactly as it will be run.
    ///   - parsed: the parsed script.
    ///   - module: the module that it will run in.
    ///   - wanted: the requested engine.
    ///   - connection: the connection of the session.
    ///   - isConfirmed: whether the caller passed `confirmed: true`.
    ///   - fit: whether the native engine can run the script as it is written; `nil` if it can't run natively at all.
    ///   - seen: findings from reading the tenant, which the text doesn't show.
    ///   - context: the context of the call.
    ///   - services: the services that judge the text.
    init(
        script: String, parsed: ParsedScript, module: String, engine wanted: ConnectionEngine,
        of connection: Connection, isConfirmed: Bool = false, fit: NativeFit? = nil,
        seen: [GuardFinding] = [], in context: OperationContext, with services: GuardServices
    ) throws(MMError) {
        engine = try services.guards.engine()
        self.script = script
        self.parsed = parsed
        self.module = module
        self.wanted = wanted
        policy = services.policy(of: connection, in: context)
        self.isConfirmed = isConfirmed
        self.seen = seen
        mayRunNatively = RunModule.isNative(module) && wanted != .pwsh
        self.fit = mayRunNatively ? fit : nil
        signIn = OwnSignIn.isMentioned(in: parsed) ? OwnSignIn(of: connection, in: context, with: services) : nil
        hasWalls =
            wanted != .native && RunModule.hasPowerShell(module) && SessionWalls(of: connection).isUp
            && (!mayRunNatively || SessionPowerShell.exists(for: connection, services.environment))
    }

    /// Computed only when needed: for the few scripts that more than one engine could run, with different verdicts.
    private var fitsNatively: Bool { fit?.value ?? false }

    /// The same judging for a confined session, even if this machine has none.
    var confined: Self {
        var judging = self
        judging.hasWalls = true
        return judging
    }

    /// Returns the verdict in a session with a given memory.
    ///
    /// Requests of the native engine don't pass through the session's proxy, so a script that is allowed only because
    /// of the confinement runs in PowerShell. Names that earlier scripts redefined in PowerShell don't affect a script
    /// that stays in the native engine.
    /// - Parameter isDryRun: whether the proxy holds back all requests that change something.
    func judge(with memory: SessionMemory, isDryRun: Bool = false) -> Judgement {
        var judgement = judgeText(with: memory, isDryRun)
        judgement.verdict = judgement.verdict.adding(seen, policy: policy, confirmed: isConfirmed)
        return judgement
    }

    private func judgeText(with memory: SessionMemory, _ isDryRun: Bool) -> Judgement {
        let usual = anywhere(with: memory, isDryRun)
        // If only the native engine was requested, the verdict for PowerShell doesn't matter.
        guard !isDryRun, usual.verdict.decision != .allow || usual.runsBehindWalls,
            mayRunNatively && wanted == .native || fitsNatively
        else { return usual }
        // The native engine's requests are judged again when they are sent, and a script can't do anything else there.
        var context = ScriptContext(module: module, memory: memory.ofFixedNames, isBehindWire: true)
        context.isNative = true
        context.signIn = signIn
        let judged = engine.judgeInSession(
            script: script, parsed: parsed, in: context, policy: policy, confirmed: isConfirmed)
        let isBetter = judged.verdict.decision < usual.verdict.decision
        let isOnlyNative = usual.runsBehindWalls || wanted == .native
        guard isBetter || isOnlyNative && judged.verdict.decision == usual.verdict.decision else {
            return usual
        }
        var native = Judgement(
            verdict: judged.verdict, memory: judged.memory.ofFixedNames.keepingNames(of: memory),
            runsBehindWalls: false)
        // If a confined PowerShell has the same verdict, the script may also run there.
        native.staysNative = isBetter
        native.isJudgedWhenSent = true
        return native
    }

    private func anywhere(with memory: SessionMemory, _ isDryRun: Bool) -> Judgement {
        let fixed = memory.ofFixedNames
        if fixed != memory, fitsNatively {
            var native = judgement(fixed, behindWalls: false, isDryRun)
            if native.verdict.decision == .allow {
                native.memory = native.memory.keepingNames(of: memory)
                // What it reaches may still need PowerShell, which it may use if those names don't matter to it.
                native.staysNative = judgement(memory, behindWalls: false, isDryRun).verdict.decision != .allow
                return native
            }
        }
        guard hasWalls else { return judgement(memory, behindWalls: false, isDryRun) }
        let behind = judgement(memory, behindWalls: true, isDryRun)
        guard mayRunNatively else { return behind }
        let bare = judgement(memory, behindWalls: false, isDryRun)
        // After unjudged code has run in the session, a script that can't run natively runs in the confined PowerShell
        // anyway, so that verdict counts.
        if memory.isOpaque, behind.verdict.decision == bare.verdict.decision, !fitsNatively { return behind }
        return behind.verdict.decision < bare.verdict.decision ? behind : bare
    }

    private func judgement(_ memory: SessionMemory, behindWalls: Bool, _ isDryRun: Bool) -> Judgement {
        var context = ScriptContext(module: module, memory: memory, isBehindWire: behindWalls)
        context.isDryRun = isDryRun
        context.signIn = signIn
        let judged = engine.judgeInSession(
            script: script, parsed: parsed, in: context, policy: policy, confirmed: isConfirmed)
        return Judgement(verdict: judged.verdict, memory: judged.memory, runsBehindWalls: behindWalls)
    }
}

/// Whether the native engine can run a script as it is written, computed on first use.
final class NativeFit: Sendable {
    private let known = Mutex<Bool?>(nil)
    private let look: @Sendable () -> Bool

    init(_ look: @escaping @Sendable () -> Bool) { self.look = look }

    var value: Bool {
        known.withLock { known in
            if let known { return known }
            let value = look()
            known = value
            return value
        }
    }
}
