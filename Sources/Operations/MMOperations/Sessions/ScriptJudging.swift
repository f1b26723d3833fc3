import MMCore
import MMGuard
import MMPowerShell
import PowerShellSyntax

/// Judges a script as it will run: in a PowerShell that is confined behind the wire, where one is, else by its text alone.
/// Every operation that runs, previews or explains a script asks here, so that what is judged is what runs.
struct ScriptJudging: Sendable {
    /// What a script may do, and where.
    struct Judgement: Sendable {
        /// The verdict.
        var verdict: Verdict
        /// What the session remembers once the script has run.
        var memory: SessionMemory
        /// Whether the verdict holds in a PowerShell that is confined behind the wire alone.
        let runsBehindWalls: Bool
        /// Whether the verdict holds in the native engine alone, because a script has left other names in PowerShell.
        var staysNative = false
        /// Whether it was let through for what is judged once more when it is sent.
        var isJudgedWhenSent = false
    }

    private let engine: GuardEngine
    private let script: String
    private let parsed: ParsedScript
    private let module: String
    private let wanted: ConnectionEngine
    private let policy: GuardPolicy
    private let isConfirmed: Bool
    /// Whether a PowerShell of this module would be confined behind the wire.
    private var hasWalls: Bool
    /// Whether the script may run outside of PowerShell.
    private let mayRunNatively: Bool
    /// Whether the native engine takes the script as it is written; `nil` where it can't be.
    private let fit: NativeFit?
    /// The rule on the script's own sign-in.
    private let signIn: OwnSignIn?
    /// What a look at the tenant has shown that the text doesn't say.
    private let seen: [GuardFinding]

    /// Judges scripts of one connection and module.
    /// - Parameters:
    ///   - script: the text exactly as it will be run.
    ///   - parsed: what the parser made of it.
    ///   - module: where it will run.
    ///   - wanted: the engine that is wanted.
    ///   - connection: whose session.
    ///   - isConfirmed: the caller said `confirmed: true`.
    ///   - fit: whether the native engine takes the script as it is written; `nil` where it can't be.
    ///   - seen: what a look at the tenant has shown that the text doesn't say.
    ///   - context: the call.
    ///   - services: judge the text.
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

    /// Few scripts are judged by it: those that more than one engine could run, with different verdicts.
    private var fitsNatively: Bool { fit?.value ?? false }

    /// The same in a confined session, whatever this machine's are.
    var confined: Self {
        var judging = self
        judging.hasWalls = true
        return judging
    }

    /// The verdict in a session with this memory.
    ///
    /// Requests of the native engine never meet the wire: a script that only the walls let through runs in PowerShell.
    /// What earlier scripts did to names in PowerShell means nothing to a script that stays in the native engine.
    /// - Parameter isDryRun: whether the wire holds back all that changes something.
    func judge(with memory: SessionMemory, isDryRun: Bool = false) -> Judgement {
        var judgement = judgeText(with: memory, isDryRun)
        judgement.verdict = judgement.verdict.adding(seen, policy: policy, confirmed: isConfirmed)
        return judgement
    }

    private func judgeText(with memory: SessionMemory, _ isDryRun: Bool) -> Judgement {
        let usual = anywhere(with: memory, isDryRun)
        // Where the native engine alone was asked for, what a PowerShell could do with the script is no matter.
        guard !isDryRun, usual.verdict.decision != .allow || usual.runsBehindWalls,
            mayRunNatively && wanted == .native || fitsNatively
        else { return usual }
        // What the native engine sends is judged once more when it is sent, and a script reaches nothing else there.
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
        // What a confined PowerShell may run as well may go on there.
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
                native.staysNative = true
                return native
            }
        }
        guard hasWalls else { return judgement(memory, behindWalls: false, isDryRun) }
        let behind = judgement(memory, behindWalls: true, isDryRun)
        guard mayRunNatively else { return behind }
        let bare = judgement(memory, behindWalls: false, isDryRun)
        // What nobody confirmed is no reason to ask about a script that PowerShell runs within its walls anyway.
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

/// Whether the native engine takes a script as it is written, which is looked at once, when somebody wants to know.
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
