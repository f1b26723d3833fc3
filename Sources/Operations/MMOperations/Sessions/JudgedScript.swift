import MMCore
import MMDesk
import MMGuard
import MMNative
import MMPowerShell
import MMSessions
import PowerShellSyntax

/// A script with the guard's verdict on it.
final class JudgedScript: Sendable {
    let prepared: PreparedScript
    let judged: ScriptVerdict
    /// The verdict that applies where the script runs. In a dry run, it is the verdict as if a person had confirmed the
    /// script.
    let meant: Verdict

    var script: RunScript { prepared.script }
    var verdict: Verdict { judged.verdict }

    /// Judges a script with the memory of its session.
    init(_ prepared: PreparedScript) async throws(MMError) {
        let session = await prepared.script.services.sessions.current(prepared.script.key)
        self.prepared = prepared
        judged = prepared.verdict(over: session?.scriptMemory)
        meant = prepared.meant(by: judged)
    }

    /// Records the script's changes in the plan that is being made; returns `nil` if there is no plan or the script
    /// only reads.
    /// - Throws: the refusal if the script is denied.
    func recorded() async throws(MMError) -> OperationAnswer? {
        guard let planning = script.context.call.planning,
            verdict.guardClass != .read || verdict.decision != .allow
        else { return nil }
        if verdict.decision == .deny, let error = verdict.error() { throw error }
        let walked = try await PlannedScript(
            plan: prepared.plan, script: script, session: await script.nativeSession()
        ).record(in: planning)
        if let walked { return walked }
        return try await recorded(inPowerShell: planning)
    }

    /// Runs the script in PowerShell as in a dry run: its reads are sent, and the session's proxy records its changes
    /// in the plan.
    private func recorded(inPowerShell planning: PlanRecorder) async throws(MMError) -> OperationAnswer {
        guard RunModule.hasPowerShell(script.module), script.connection.egress != .off else {
            throw MMError(
                .unsupported,
                "This script can't be planned, because it needs a PowerShell that uses mm's proxy. Nothing was planned.",
                hint: "Write it as a pipeline of cmdlets of \(script.module), or remove \"egress\": \"off\" "
                    + "from \(script.connection.name).", details: ["field": "command"])
        }
        planning.note(
            "The script ran in PowerShell and its changes were held back. Variables that it set and files that it wrote "
                + "remain, as after a real run.")
        return try await JudgedScript(try await PreparedScript(script.rehearsed)).cleared().answer()
    }

    /// Returns the script once it is allowed, and asks a person if necessary.
    /// - Parameter part: the cleared script that calls this one, with the names that this one uses; `nil` if no script
    ///   calls it.
    /// - Throws: the refusal; `confirmationNeeded` if no person could be asked.
    func cleared(asPartOf part: (whole: ClearedParts, names: [String])? = nil) async throws(MMError) -> ClearedScript {
        if verdict.decision == .ask || judged.runsBehindWalls { try await refuseUnknown() }
        if verdict.decision == .ask { try refuseBeyond() }
        var plan = prepared.plan
        if judged.runsBehindWalls, script.isForNativeModule { plan.goesToPowerShell() }
        if judged.staysNative { plan.staysNative() }
        plan.width = script.context.call.screenColumns
        let (connection, module, input) = (script.connection, script.module, script.input)
        var question = ConfirmationRequest(
            on: connection, module: module, title: "\(input.isDryRun ? "dry run" : "run") in \(module)",
            text: prepared.command.script, parameters: prepared.arguments.object, verdict: verdict)
        let act = script.act(prepared.command.script, showsCmdlets: !judged.isJudgedWhenSent)
        let rehearsal = part == nil ? try await rehearsal(of: act, plan) : nil
        if let rehearsal {
            let findings = try await rehearsal.findings(after: await script.nativeSession())
            question.changes = verdict.decision == .ask ? await rehearsal.lines + findings.lines : []
            try take(findings, for: &plan)
        }
        let cleared = try await Clearance(act, question).settle(
            in: script.context, with: script.guarding, asPartOf: part)
        if verdict.decision == .allow, verdict.guardClass == .read {
            script.services.readings.keep(script.reading, of: prepared.command.script)
        }
        for warning in verdict.warnings {
            script.services.requests.log.scoped(connection.name, module).warning("guard: \(warning)")
        }
        return ClearedScript(self, cleared, plan, rehearsal)
    }

    /// Returns the rehearsal that comes before the script's run: of all that changes something or that a person is
    /// asked about, so that nothing is sent if the script can't be carried out to its end; `nil` for any other script.
    fileprivate func rehearsal(of act: JudgedAgain, _ plan: EnginePlan) async throws(MMError) -> ScriptRehearsal? {
        guard plan.wanted != .pwsh, script.isForNativeModule, !script.input.isDryRun, verdict.decision != .deny,
            verdict.decision == .ask || plan.reading.changesSomething
        else { return nil }
        script.context.call.progress(ProgressReport(done: 0, message: "rehearsing the script; nothing is changed yet"))
        let deadline = script.context.deadline
        // The run needs time as well. A person needs time to answer.
        let limit = NativeEngine.asks(plan.parsed) ? deadline : .after(deadline.remaining / 2)
        return try await ScriptRehearsal(script, plan, of: act, under: verdict, until: min(deadline, limit))
    }

    /// Leaves the script to PowerShell if the rehearsal found that it needs one.
    /// - Throws: the refusal if only the native engine may run it.
    fileprivate func take(_ findings: ScriptRehearsal.Findings, for plan: inout EnginePlan) throws(MMError) {
        guard let reason = findings.misfit else { return }
        plan.cannot(reason)
        guard plan.wanted == .native else { return }
        throw EngineRefusal.beyond(
            reason, [], script.module, hasPowerShell: RunModule.hasPowerShell(script.module), because: plan.because)
    }

    /// Returns the sources that run the script's cmdlets in the native engine.
    /// - Parameter asked: the watch with the states that were read to ask a person.
    fileprivate func sources(
        _ plan: EnginePlan, by cleared: Cleared<JudgedAgain>, _ asked: CmdletWatch?
    ) throws(MMError) -> NativeSources {
        var watch = asked
        if watch == nil { watch = try cmdletWatch(plan) }
        watch?.cleared = cleared
        var others: [any ScriptSource] = []
        if let beside = try besideSource(plan, by: cleared) { others.append(beside) }
        if let graph = try graphSource(plan, by: cleared) { others.append(graph) }
        return NativeSources(watch: watch, others: others)
    }

    /// Returns the watch for the native engine's cmdlets; `nil` if the script runs in PowerShell.
    private func cmdletWatch(_ plan: EnginePlan) throws(MMError) -> CmdletWatch? {
        guard plan.wanted != .pwsh, let service = ExchangeTable.Service(module: script.module) else { return nil }
        return try script.watch(of: service)
    }

    /// Returns the source for cmdlets of the service beside the session's own, if the script has some: those of
    /// Exchange in a compliance session, and the reverse.
    private func besideSource(_ plan: EnginePlan, by cleared: Cleared<JudgedAgain>) throws(MMError) -> ExchangeSource? {
        guard plan.wanted != .pwsh, let service = script.serviceBeside else { return nil }
        var watch = try script.watch(of: service)
        watch.cleared = cleared
        let progress = script.context.call.progress
        return ExchangeSource(
            client: watch.client, service: service, deadline: script.context.deadline, watch: watch
        ) {
            progress(ProgressReport(done: 1, message: $0))
        }
    }

    /// Returns the source for cmdlets of Graph's modules; `nil` if the script runs in PowerShell.
    private func graphSource(_ plan: EnginePlan, by cleared: Cleared<JudgedAgain>) throws(MMError) -> GraphSource? {
        guard plan.wanted != .pwsh, script.isForNativeModule else { return nil }
        let progress = script.context.call.progress
        return GraphSource(
            try script.writeWatch(), by: cleared, deadline: script.context.deadline, host: plan.host
        ) {
            progress(ProgressReport(done: 1, message: $0))
        }
    }

    /// Refuses a script that must run in the native engine but can't, with the reason, before a person is asked.
    private func refuseBeyond() throws(MMError) {
        let plan = prepared.plan
        guard plan.wanted == .native, plan.because == nil,
            let reason = plan.misfit(script.knownCmdlets)
        else { return }
        throw EngineRefusal.beyond(
            reason, [], script.module, hasPowerShell: RunModule.hasPowerShell(script.module))
    }

    /// Refuses cmdlets that don't exist, before a person is asked or PowerShell is started.
    private func refuseUnknown() async throws(MMError) {
        let plan = prepared.plan
        guard plan.wanted != .pwsh, ExchangeTable.Service(module: script.module) != nil else { return }
        let sources = script.knownCmdlets
        let classes = CmdletClasses()
        let strangers = plan.strangers(to: sources).filter { !classes.knows($0) }
        guard !strangers.isEmpty, plan.misfit(sources) != nil, plan.fits(sources, with: strangers)
        else { return }
        let deadline = script.context.deadline
        let unknown = try await script.services.sessions.withSession(script.key, until: deadline) {
            (lease: SessionLease<ModuleSessionFactory>) async throws(MMError) -> [String] in
            guard case .exchange(let session) = lease.session.runner else { return [] }
            return try await session.unknown(among: strangers, deadline: deadline)
        }
        if let refusal = EngineRefusal.unknown(unknown, script.module) { throw refusal }
    }
}

/// A script that may run, because the guard allows it or a person has confirmed it.
final class ClearedScript: Sendable {
    let judgement: JudgedScript
    let cleared: Cleared<JudgedAgain>
    let plan: EnginePlan
    /// The rehearsal before the run, with the states that were read for it; `nil` if the script needs none.
    private let rehearsal: ScriptRehearsal?

    fileprivate init(
        _ judgement: JudgedScript, _ cleared: Cleared<JudgedAgain>, _ plan: EnginePlan, _ rehearsal: ScriptRehearsal?
    ) {
        (self.judgement, self.cleared, self.plan, self.rehearsal) = (judgement, cleared, plan, rehearsal)
    }

    /// Returns the plan for the session. A script that couldn't be rehearsed before, because nobody was signed in, is
    /// rehearsed now.
    private func rehearsedPlan() async throws(MMError) -> EnginePlan {
        guard rehearsal?.isSignedIn == false,
            let again = try await judgement.rehearsal(of: cleared.act, plan)
        else { return plan }
        var plan = plan
        try judgement.take(try await again.findings(after: await script.nativeSession()), for: &plan)
        return plan
    }

    private var script: RunScript { judgement.script }
    private var input: RunInput { script.input }
    private var sessions: SessionPool<ModuleSessionFactory> { script.services.sessions }
    private var deadline: Deadline { script.context.deadline }

    /// A function that shows a person the sign-in that the session needs; `nil` if the call doesn't wait for sign-ins.
    private var prompt: (@Sendable (JSONObject) -> Void)? {
        guard script.context.call.waitsForSignIn, let person = script.context.call.person else { return nil }
        return { details in Task { await person.showSignIn(details) } }
    }

    /// Runs the script in its session and returns its answer, as a stream if there are many objects.
    func answer() async throws(MMError) -> OperationAnswer {
        do throws(MMError) { return try await ran() } catch {
            guard let output = error.output else { throw error }
            var told = error
            told.hasForeignOutput = ForeignContent.isWithin(output: output.array ?? [output], of: input.command ?? "")
            throw told
        }
    }

    private func ran() async throws(MMError) -> OperationAnswer {
        let waiting = LeaseProgress(of: script.key, in: sessions).begin(script.context.call.progress)
        defer { waiting.cancel() }
        let isWhole = input.output == "text" || input.isDryRun || NativeEngine.usesFiles(plan.parsed)
        // A script that was judged to only read may still send a change, which then goes into the plan.
        let planned = script.context.call.planning.map { planning in
            PlannedProgram(
                planning, of: script.connection, script.services.requests, module: script.module, in: script.context)
        }
        let flow = isWhole || planned != nil ? nil : NativeFlow(depth: input.depth ?? 3)
        var turn = turn(planned)
        let others = script.elsewhere.isEmpty ? nil : OtherSessions(of: script, ClearedParts(of: cleared, text: shown))
        turn.cmdlets = others
        let work = { @Sendable [self, turn] () async throws(MMError) -> SessionAnswer in
            try await others?.open(showing: prompt)
            let answer = try await signedIn(turn, flow) { waiting.cancel() }
            return try others?.ended(answer) ?? answer
        }
        if let planned {
            let answer = try await work()
            guard case .powerShell(let left) = answer.output, input.isDryRun || planned.hasHeld else {
                return try await shown(answer, waiting.notes)
            }
            return try planned.end(of: left, script: input.command ?? "", parsed: plan.parsed)
        }
        switch await flow?.begin(work) {
        case nil: return try await shown(try await work(), waiting.notes)
        case .ended(let end)?: return try await shown(try end.get(), waiting.notes)
        case .flowing(let rows, let notes)?: return flowing(rows, notes + waiting.notes)
        }
    }

    /// Runs the script and returns its raw output, for a script in another session that calls it.
    func left() async throws(MMError) -> SessionAnswer { try await signedIn(turn(nil), nil) {} }

    /// The text that a person confirms: the script and the values for its parameters.
    private var shown: String {
        let arguments = judgement.prepared.arguments
        return script.command.script
            + (arguments.parameters.isEmpty ? "" : "\n" + JSONWriter.string(.object(arguments.object)))
    }

    /// Returns the script's turn in a session.
    private func turn(_ planned: PlannedProgram?) -> CallTurn {
        CallTurn(
            of: script.context, CallAuthority(verdict: judgement.meant, text: shown),
            connection: script.connection, module: script.module, with: script.guarding, isDryRun: input.isDryRun,
            journal: WireJournal(of: script.connection, script.services.requests, in: script.context),
            planned: planned)
    }

    /// Runs the script in the session. If the session's sign-in ends meanwhile and nothing was changed, runs it again
    /// with the next sign-in.
    private func signedIn(
        _ turn: CallTurn, _ flow: NativeFlow?, _ isLent: @escaping @Sendable () -> Void
    ) async throws(MMError) -> SessionAnswer {
        do throws(MMError) { return try await inSession(turn, flow, isLent) } catch {
            guard let end = EndedSignIn(error) else { throw error }
            // Gets the next sign-in, and asks a person for it if necessary.
            do throws(MMError) {
                _ = try await sessions.connect(script.key, until: deadline, onPrompt: prompt)
            } catch {
                throw end.addingReason(to: error)
            }
            if end.hasChanged { throw end.afterChanges }
            return try await inSession(turn, flow, isLent)
        }
    }

    private func inSession(
        _ turn: CallTurn, _ flow: NativeFlow?, _ isLent: @escaping @Sendable () -> Void
    ) async throws(MMError) -> SessionAnswer {
        let (key, deadline, prompt, progress) = (script.key, deadline, prompt, script.context.call.progress)
        // The span covers the wait for the session, including its start and sign-in.
        let wait = Span.current?.child("session")
        wait?.note("mm.session", .string(key.description))
        defer { wait?.end(fault: "not lent") }
        return try await sessions.withSession(key, until: deadline, onPrompt: prompt) {
            (lease: SessionLease<ModuleSessionFactory>) async throws(MMError) -> SessionAnswer in
            isLent()
            wait?.end()
            progress(ProgressReport(done: 1, message: "running in \(key) as \(lease.account)"))
            try await lease.session.admit(plan.reading.needs)
            try judgement.judged.settle(with: lease.session)
            let report = { @Sendable in progress(ProgressReport(done: 1, message: $0)) }
            return try await lease.session.sending(
                turn, of: script.connection, deadline: deadline, report: report
            ) { () async throws(MMError) in
                switch lease.session.runner {
                case .exchange(let session):
                    let plan = try await rehearsedPlan()
                    let script = SessionScript(
                        plan: plan, command: judgement.prepared.command, cleared: cleared,
                        given: judgement.prepared.given, account: lease.account, deadline: deadline, prompt: prompt,
                        flow: flow)
                    return try await session.run(script, report: report) { () throws(MMError) in
                        try judgement.sources(plan, by: cleared, rehearsal?.cmdlets.first?.watch)
                    }
                case .powerShell(let session):
                    let (answer, files) = try await session.answer(
                        judgement.prepared.command, by: cleared, given: judgement.prepared.given, deadline: deadline)
                    let isStandIn = await session.isStandIn
                    return SessionAnswer(output: .powerShell(answer), isStandIn: isStandIn, files: files)
                }
            }
        }
    }

    /// Returns the answer with streamed rows.
    private func flowing(_ rows: ItemStream, _ notes: [String]) -> OperationAnswer {
        script.context.record.note("engine", .string(Engine.native.rawValue))
        let verdict = judgement.verdict
        var result = OperationAnswer(
            .items(rows),
            notes: verdict.warnings + verdict.notes + judgement.prepared.notes + [EngineRemark.native] + notes,
            connection: script.connection.name)
        result.isForeign = ForeignContent.isNamed(in: script.command.script)
        log(result)
        return result
    }

    /// Returns the answer of a script that has ended.
    /// - Parameter notes: what there is to say beside the script's own answer.
    private func shown(_ answer: SessionAnswer, _ notes: [String]) async throws(MMError) -> OperationAnswer {
        let (context, connection, verdict) = (script.context, script.connection, judgement.verdict)
        context.record.note("engine", .string(answer.engine.rawValue))
        if input.isDryRun, case .powerShell(let left) = answer.output {
            let held = HeldBackChanges(connection: connection, requests: script.services.requests, context: context)
            return try await answer.dryRunAnswer(left, of: input, judgement.meant, connection: connection.name) {
                report in await held.changes(of: report.rehearsed)
            }
        }
        var result = try answer.operationAnswer(of: input, connection: connection.name)
        if !context.call.namesEngine { EngineRemark.leaveOut(of: &result) }
        result.notes = verdict.warnings + verdict.notes + judgement.prepared.notes + result.notes + notes
        // A command line ends with the code; a model has only the text, which names errors and failed jobs.
        let isToldOtherwise = !result.errors.isEmpty || result.missing != nil || answer.jobs?.hasFailed == true
        if result.exitStatus != 0, !isToldOtherwise, context.call.caller.surface == .mcp, context.call.namesEngine {
            result.notes.append("The script ended with exit code \(result.exitStatus).")
        }
        // What the native engine wrote before it handed the whole script to PowerShell isn't the script's result.
        let files = answer.engine == .native ? plan.host?.written.map { ($0.name, $0.bytes) } ?? [] : answer.files.files
        result.notes += try await judgement.prepared.files.handOver(
            files, to: input.save, isForeign: result.isForeign)
        result.notes += answer.files.left.map {
            "file: \(VisibleText.exact($0)) is one of too many, or too large, to be handed over"
        }
        log(result)
        return result
    }

    private func log(_ answer: OperationAnswer) {
        script.context.logContent(
            of: script.connection, script.module, sent: script.command.script, answer: answer,
            to: script.services.requests.log)
    }
}

/// The verdict on a script in its session. It is given before the session is available, and checked against the
/// session's memory when the script is about to run.
struct ScriptVerdict: Sendable {
    /// The verdict.
    var verdict: Verdict { first.verdict }
    /// Whether the verdict is valid only in a confined PowerShell behind the session's proxy.
    var runsBehindWalls: Bool { first.runsBehindWalls }
    /// Whether the verdict is valid only in the native engine.
    var staysNative: Bool { first.staysNative }
    /// Whether the script's requests are judged again when they are sent.
    var isJudgedWhenSent: Bool { first.isJudgedWhenSent }
    private let judge: @Sendable (SessionMemory) -> ScriptJudging.Judgement
    /// The session's memory when the script was judged.
    let before: SessionMemory
    private let first: ScriptJudging.Judgement

    /// - Parameters:
    ///   - memory: the memory of the session; `nil` if the session hasn't started.
    ///   - judge: judges the script in a session with a given memory.
    init(over memory: ScriptMemory?, judge: @escaping @Sendable (SessionMemory) -> ScriptJudging.Judgement) {
        self.judge = judge
        before = memory?.value ?? .fresh
        first = judge(before)
    }

    /// Updates the session's memory with the script, which is about to run.
    /// - Throws: `conflict` if the session isn't confined as the verdict assumes, or if another script has changed the
    ///   meaning of this one since it was judged.
    func settle(with session: ModuleSession) throws(MMError) {
        guard !runsBehindWalls || session.walls.isUp else {
            throw MMError(
                .conflict, "The session's confinement has changed since the guard checked the script.",
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
                .conflict, "Another script has changed this session since the guard checked this one.",
                hint: "Repeat the call.", retry: .now)
        }
    }
}
