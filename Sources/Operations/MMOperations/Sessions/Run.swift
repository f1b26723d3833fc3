import MMCore
import MMGraph
import MMGuard
import MMNative
import MMPowerShell
import MMSessions
import PowerShellSyntax

/// `run`: a PowerShell command in a connection's session.
struct Run: CatalogueOperation {
    typealias Input = RunInput

    let declaration = OperationDeclaration(
        "run", aliases: ["mm_run"], command: ["run"], title: "Run PowerShell",
        summary: "Run a PowerShell command in a connection's persistent session.",
        description:
            "Runs a PowerShell command in the connection's persistent, signed-in session of a module; variables stay. "
            + "Without arguments it lists the connections. Show a sign-in code to the person, then repeat the call. "
            + "Get-Help NAME tells a cmdlet's parameters. Risky commands need a person's yes. Example: {\"connection\": \"Contoso\", "
            + "\"module\": \"exo\", \"command\": \"Get-Mailbox -ResultSize 5 | Select-Object Name\"}",
        effects: .init(readOnly: false, destructive: true, openWorld: true), home: .pool,
        examples: [
            .init("mm run Contoso exo 'Get-Mailbox -ResultSize 5'", "five mailboxes, as PowerShell shows them"),
            .init(
                "mm run Contoso exo -f report.ps1 --param Days=30 --json", "a script from a file, its objects as JSON"),
        ]
    ).forReaders.withSessionOutput.plannable.forSeveral(
        .init(isGuarded: true, atOnce: 8, arguments: ["output": "json"]))

    func run(
        _ input: RunInput, in context: OperationContext, with services: RunServices
    ) async throws(MMError) -> OperationAnswer {
        let guarding = services.requests.guarding
        var input = input
        guard let name = input.connection, let script = input.command else {
            return ConnectionsList.answer(of: try guarding.registry.snapshot(), in: context)
        }
        let connection = try guarding.registry.connection(named: name, in: context)
        var command = PowerShellCommand(script, format: input.output == "text" ? .text : .json)
        command.depth = input.depth
        try command.check()
        let parsed = PowerShellParser.parse(command.script)
        let moduleName = try RunModule.named(input.module, for: parsed)
        input.module = moduleName
        context.record.note("module", .string(moduleName))
        let key = SessionKey(
            connection: connection.name, module: moduleName, signedIn: context.call.caller.signedIn?.id)
        if input.isDryRun {
            context.record.note("dryRun", true)
            let wanted = input.engine ?? connection.engine
            if let shown = try await DryRun.native(
                command.script, in: moduleName, of: connection, wanted: wanted,
                after: await nativeSession(key, services), context, with: services.requests)
            {
                return shown
            }
            if connection.egress == .off { throw DryRun.withoutWire(connection) }
        }
        if input.engine != .pwsh, !input.explains, let word = SessionWord(parsed, in: moduleName) {
            var answer = OperationAnswer(.value(.array([])), notes: [word.note], text: word.text)
            answer.connection = connection.name
            return answer
        }
        if input.engine != .pwsh, let help = CmdletHelp(parsed, in: moduleName) {
            var answer = help.answer
            answer.connection = connection.name
            if context.call.caller.surface == .mcp, input.output == "text", let text = answer.text {
                answer.body = .text(text)
            }
            return answer
        }
        let signIn = SignInSource(of: parsed, on: connection, module: moduleName, in: context, with: guarding)
        var (planned, arguments) = try plan(input, command.script, parsed, in: moduleName, of: connection, signIn)
        command.parameters = arguments.parameters
        let files = ScriptFiles(context: context, services: services.shells, connection: connection.name)
        if planned.wanted != .pwsh, RunModule.isNative(moduleName) {
            let progress = context.call.progress
            let host = NativeHost(
                attached: try await files.attached(input.attached), answers: arguments.answers
            ) { progress(ProgressReport(done: 1, message: $0)) }
            planned.host = host
        } else if !input.attached.isEmpty || input.save != nil {
            throw MMError(
                .unsupported, "Files are handed in and out where a script runs natively alone.",
                hint: "Leave attach and save out, or --engine pwsh.", details: ["field": "attach"])
        }
        try command.check()
        ScriptDigest(command.script, planned.parsed).note(in: context.record)
        if planned.wanted != .pwsh, let service = ExchangeTable.Service(module: moduleName) {
            try await DryRun.checkNames(planned, service, knowing: services.checkedScripts)
        }
        let judging = try ScriptJudging(
            script: command.script, parsed: planned.parsed, module: moduleName, engine: planned.wanted, of: connection,
            isConfirmed: input.confirmed, fitsNatively: await fitsNatively(planned, in: moduleName, key, services),
            in: context, with: guarding)
        let isDryRun = input.isDryRun
        if input.explains {
            let misfit =
                RunModule.isNative(moduleName)
                ? planned.misfit(Self.knownCmdlets(of: moduleName), in: NativeSession()) : "the module \(moduleName)"
            let explained = ScriptExplanation(
                planned.parsed, in: moduleName, misfit: misfit, verdict: judging.judge(with: .fresh).verdict)
            return explained.answer(connection: connection.name, lacking: nil)
        }
        let judged = ScriptVerdict(over: await services.sessions.current(key)?.scriptMemory) { memory in
            judging.judge(with: memory, isDryRun: isDryRun)
        }
        let verdict = judged.verdict
        if let planning = context.call.planning, verdict.guardClass != .read || verdict.decision != .allow {
            if verdict.decision == .deny, let error = verdict.error() { throw error }
            return try await PlannedScript(
                plan: planned, module: moduleName, connection: connection, services: services.requests,
                context: context, session: await nativeSession(key, services)
            ).record(in: planning)
        }
        // What a dry run shows is what a run would do that a person has confirmed.
        let meant = isDryRun ? judging.judge(with: judged.before).verdict : verdict
        if verdict.decision == .ask || judged.runsBehindWalls {
            try await refuseUnknown(planned, in: moduleName, of: connection, context, services.sessions)
        }
        if judged.runsBehindWalls, RunModule.isNative(moduleName) { planned.goesToPowerShell() }
        if judged.staysNative { planned.staysNative() }
        planned.width = context.call.screenColumns
        let plan = planned
        var watch = try cmdletWatch(plan, in: moduleName, of: connection, context, services)
        if judged.isJudgedWhenSent { watch?.decision = verdict.decision }
        let graph = try graphSource(plan, verdict, in: moduleName, of: connection, context, services)
        var question = ConfirmationRequest(
            on: connection, module: moduleName,
            title: "\(input.isDryRun ? "dry run" : "run") in \(moduleName)", text: command.script,
            parameters: arguments.object, verdict: verdict)
        let sender = watch
        if verdict.decision == .ask, !input.isDryRun, let watch {
            question.changes = await DryRun.changes(
                plan, in: moduleName, after: await nativeSession(key, services), watch: watch)
        }
        try await Clearance(question).settle(in: context, with: guarding)
        for warning in verdict.warnings {
            services.requests.log.scoped(connection.name, moduleName).warning("guard: \(warning)")
        }

        var onPrompt: (@Sendable (JSONObject) -> Void)?
        if context.call.waitsForSignIn, let person = context.call.person {
            onPrompt = { details in Task { await person.showSignIn(details) } }
        }
        let progress = context.call.progress
        let waiting = LeaseProgress(of: key, in: services.sessions).begin(progress)
        defer { waiting.cancel() }
        let deadline = context.deadline
        let (sent, prompt, sessions) = (command, onPrompt, services.sessions)
        let isWhole = input.output == "text" || input.isDryRun || NativeEngine.usesFiles(plan.parsed)
        let flow = isWhole ? nil : NativeFlow(depth: input.depth ?? 3)
        let values = arguments.parameters.isEmpty ? "" : "\n" + JSONWriter.string(.object(arguments.object))
        let turn = CallTurn(
            of: context, CallAuthority(verdict: meant, text: command.script + values), connection: connection,
            module: moduleName, with: guarding, isDryRun: input.isDryRun)
        let inSession = { @Sendable () async throws(MMError) -> SessionAnswer in
            // How long the call waited for its session; a start and a sign-in are in it.
            let wait = Span.current?.child("session")
            wait?.note("mm.session", .string(key.description))
            defer { wait?.end(fault: "not lent") }
            return try await sessions.withSession(
                key, until: deadline, onPrompt: prompt
            ) { (lease: SessionLease<ModuleSessionFactory>) async throws(MMError) -> SessionAnswer in
                waiting.cancel()
                wait?.end()
                progress(ProgressReport(done: 1, message: "running in \(key) as \(lease.account)"))
                try judged.settle(with: lease.session)
                let report = { @Sendable in progress(ProgressReport(done: 1, message: $0)) }
                return try await lease.session.sending(
                    turn, of: connection, deadline: deadline, report: report
                ) { () async throws(MMError) in
                    switch lease.session.runner {
                    case .exchange(let session):
                        return try await session.run(
                            plan, command: sent, account: lease.account, deadline: deadline, prompt: prompt, flow: flow,
                            watch: sender, graph: graph, report: report)
                    case .powerShell(let session):
                        let answer = try await session.answer(sent, deadline: deadline)
                        let isStandIn = await session.isStandIn
                        return SessionAnswer(output: .powerShell(answer), isStandIn: isStandIn)
                    }
                }
            }
        }
        let work = { @Sendable () async throws(MMError) -> SessionAnswer in
            do throws(MMError) { return try await inSession() } catch {
                guard let end = EndedSignIn(error) else { throw error }
                // Asks for the next sign-in, where one is needed.
                do throws(MMError) {
                    _ = try await sessions.connect(key, until: deadline, onPrompt: prompt)
                } catch {
                    throw end.told(with: error)
                }
                if end.hasChanged { throw end.afterChanges }
                return try await inSession()
            }
        }
        let answer: SessionAnswer
        switch await flow?.begin(work) {
        case nil: answer = try await work()
        case .ended(let end)?: answer = try end.get()
        case .flowing(let rows, let notes)?:
            context.record.note("engine", .string(Engine.native.rawValue))
            let result = OperationAnswer(
                .items(rows), notes: verdict.warnings + verdict.notes + ["engine: native"] + notes,
                connection: connection.name)
            context.logContent(
                of: connection, moduleName, sent: command.script, answer: result, to: services.requests.log)
            return result
        }
        context.record.note("engine", .string(answer.engine.rawValue))
        if input.isDryRun, case .powerShell(let left) = answer.output {
            let held = HeldBackChanges(connection: connection, requests: services.requests, context: context)
            return try await answer.dryRunAnswer(left, of: input, meant, connection: connection.name) { report in
                await held.changes(of: report.rehearsed)
            }
        }
        var result = try answer.operationAnswer(of: input, connection: connection.name)
        if !context.call.namesEngine, result.notes.first?.hasPrefix("engine: ") == true { result.notes.removeFirst() }
        result.notes = verdict.warnings + verdict.notes + result.notes
        if let host = plan.host { result.notes += try await files.handOver(host.written, to: input.save) }
        context.logContent(of: connection, moduleName, sent: command.script, answer: result, to: services.requests.log)
        return result
    }

    /// Notes what cmdlets of the native engine change; `nil` where the script runs in PowerShell.
    private func cmdletWatch(
        _ plan: EnginePlan, in module: String, of connection: Connection, _ context: OperationContext,
        _ services: RunServices
    ) throws(MMError) -> CmdletWatch? {
        guard plan.wanted != .pwsh, let service = ExchangeTable.Service(module: module) else { return nil }
        let client = try ExchangeClient(
            identity: services.requests.identity, connection: connection, service: service.endpoint)
        return CmdletWatch(client: client, connection: connection, requests: services.requests, context: context)
    }

    /// Whether the native engine takes a script as it is written, with cmdlets that the tables know alone.
    private func fitsNatively(
        _ plan: EnginePlan, in module: String, _ key: SessionKey, _ services: RunServices
    ) async -> Bool {
        guard plan.wanted != .pwsh, RunModule.isNative(module) else { return false }
        if case .exchange(let session)? = await services.sessions.current(key)?.runner {
            // What PowerShell holds may have a type there that the native engine doesn't know.
            guard await !session.isHeldElsewhere(plan.variables) else { return false }
        }
        return plan.misfit(Self.knownCmdlets(of: module), in: await nativeSession(key, services)) == nil
    }

    /// The cmdlets that run natively in a module's session, as far as tables know them; none of them is sent.
    private static func knownCmdlets(of module: String) -> [any CmdletSource] {
        var sources: [any CmdletSource] = [GraphCmdletList()]
        if let service = ExchangeTable.Service(module: module) { sources.append(RequestRecorder(service: service)) }
        return sources
    }

    /// Carries out the cmdlets of Graph's modules; `nil` where the script runs in PowerShell.
    private func graphSource(
        _ plan: EnginePlan, _ verdict: Verdict, in module: String, of connection: Connection,
        _ context: OperationContext, _ services: RunServices
    ) throws(MMError) -> GraphSource? {
        guard plan.wanted != .pwsh, RunModule.isNative(module) else { return nil }
        let client = try GraphClient(identity: services.requests.identity, connection: connection)
        let watch = WriteWatch(client: client, connection: connection, requests: services.requests, context: context)
        let progress = context.call.progress
        return GraphSource(watch, decision: verdict.decision, deadline: context.deadline, host: plan.host) {
            progress(ProgressReport(done: 1, message: $0))
        }
    }

    /// What earlier scripts of the native engine left in a session that is there.
    private func nativeSession(_ key: SessionKey, _ services: RunServices) async -> NativeSession {
        guard case .exchange(let session)? = await services.sessions.current(key)?.runner else {
            return NativeSession()
        }
        return await session.nativeSession
    }

    /// Nobody is asked about a cmdlet that does not exist, and no PowerShell is started for it.
    private func refuseUnknown(
        _ plan: EnginePlan, in module: String, of connection: Connection, _ context: OperationContext,
        _ sessions: SessionPool<ModuleSessionFactory>
    ) async throws(MMError) {
        guard plan.wanted != .pwsh, ExchangeTable.Service(module: module) != nil else { return }
        let sources = Self.knownCmdlets(of: module)
        let classes = CmdletClasses()
        let strangers = plan.strangers(to: sources).filter { !classes.knows($0) }
        guard !strangers.isEmpty, plan.fits(sources, with: strangers) else { return }
        let deadline = context.deadline
        let unknown = try await sessions.withSession(
            SessionKey(connection: connection.name, module: module, signedIn: context.call.caller.signedIn?.id),
            until: deadline
        ) { (lease: SessionLease<ModuleSessionFactory>) async throws(MMError) -> [String] in
            guard case .exchange(let session) = lease.session.runner else { return [] }
            return try await session.unknown(among: strangers, deadline: deadline)
        }
        if let refusal = EngineRefusal.unknown(unknown, module) { throw refusal }
    }

    /// The script on its way to an engine, and the values for its parameters.
    private func plan(
        _ input: RunInput, _ script: String, _ parsed: ParsedScript, in module: String, of connection: Connection,
        _ signIn: SignInSource?
    ) throws(MMError) -> (EnginePlan, ScriptArguments) {
        // A dry run that comes here runs in PowerShell.
        let wanted = input.isDryRun ? .pwsh : input.engine ?? connection.engine
        if input.engine == .native, !RunModule.isNative(module) {
            throw MMError(
                .unsupported, "The module \(module) has no native engine.",
                hint: "Leave engine out: it runs in PowerShell.", details: ["field": "engine"])
        }
        if wanted == .pwsh, !RunModule.hasPowerShell(module) {
            throw MMError(
                .unsupported, "The module \(module) has no PowerShell here; it runs natively.",
                hint: "Leave engine out, or take it out of the connection.", details: ["field": "engine"])
        }
        var plan = EnginePlan(script, wanted: wanted, parsed: parsed, signIn: signIn)
        let arguments = try ScriptArguments(input.arguments, for: plan.parsed)
        plan.take(arguments)
        return (plan, arguments)
    }
}

/// Tells a caller what the session that it waits for is doing: it starts, signs in, or works for somebody else.
struct LeaseProgress: Sendable {
    private let key: SessionKey
    private let sessions: SessionPool<ModuleSessionFactory>
    private static let interval = Duration.milliseconds(250)

    /// The progress of a session's lease.
    init(of key: SessionKey, in sessions: SessionPool<ModuleSessionFactory>) {
        self.key = key
        self.sessions = sessions
    }

    /// Reports each change from now on, until the task that is returned is cancelled.
    func begin(_ report: @escaping @Sendable (ProgressReport) -> Void) -> Task<Void, Never> {
        Task {
            var told: String?
            repeat {
                let words = Self.words(for: await sessions.state(of: key), of: key)
                guard !Task.isCancelled else { return }
                if words != told { report(ProgressReport(done: 0, message: words)) }
                told = words
            } while (try? await Task.sleep(for: Self.interval)) != nil
        }
    }

    /// What a session in this state does for those who wait.
    static func words(for state: SessionState?, of key: SessionKey) -> String {
        switch state {
        case nil, .starting, .failed, .lost, .stopped: "starting \(key)"
        case .signingIn: "signing in to \(key)"
        case .ready, .busy: "waiting for \(key)"
        }
    }
}

/// The end of a session's sign-in in the middle of a call, and what its caller is told of it.
struct EndedSignIn: Sendable {
    private let end: MMError
    /// Whether the call had changed something before.
    let hasChanged: Bool

    /// The end that an error tells of; `nil` for other errors, and where the next sign-in is told of already.
    init?(_ error: MMError) {
        guard error.code == .signInNeeded, error.details["ended"] == true, error.details["userCode"] == nil else {
            return nil
        }
        end = error
        hasChanged = error.details["changed"] == true
    }

    private static let changes = "What the command changed before stays: look before you run it again."

    /// The error of the next sign-in, with why it is needed.
    func told(with next: MMError) -> MMError {
        var told = next
        if told.details["reason"] == nil { told.details["reason"] = .string(end.message) }
        if !next.message.contains(end.message) { told.message = "\(end.message) \(next.message)" }
        if hasChanged {
            told.details["changed"] = true
            told.message += " " + Self.changes
        }
        return told
    }

    /// The error where the session is signed in again, but its call must not be run twice.
    var afterChanges: MMError {
        MMError(
            .sessionLost, "\(end.message) The session is signed in again.", hint: Self.changes, details: end.details)
    }
}

/// What people type in every shell: a screen to clear, a folder to go to, help. An Exchange session has neither screen nor
/// folder, and no PowerShell is needed to say so.
struct SessionWord {
    /// What to know about it.
    let note: String
    /// What it puts out.
    let text: String

    /// The word that a script consists of; `nil` for any other script.
    init?(_ script: ParsedScript, in module: String) {
        guard ExchangeTable.Service(module: module) != nil, script.errors.isEmpty, script.root?.parameterBlock == nil,
            script.root?.body?.statements.count == 1
        else { return nil }
        let items = ScriptFacts(of: script).items
        guard items.count == 1, case .command(let command)? = items.first?.detail, command.count == 1,
            command.redirections.isEmpty, let name = command.name?.lowercased()
        else { return nil }
        switch (name, command.arguments.count) {
        case ("cls", 0), ("clear", 0), ("clear-host", 0):
            note = "This session has no screen of its own: nothing was cleared."
            text = ""
        case ("cd", 0...1), ("chdir", 0...1), ("sl", 0...1), ("set-location", 0...1):
            if let argument = command.arguments.first, !Self.isText(argument) { return nil }
            note = "This session has no folder to go to: its cmdlets work on the service, not on files."
            text = ""
        case ("help", 0), ("get-help", 0):
            note = "Get-Help NAME tells a cmdlet's parameters, Get-Command PATTERN finds names, mm cmdlets lists them."
            text = ""
        default: return nil
        }
    }

    /// Whether an argument is a text as it stands.
    private static func isText(_ argument: ArgumentFact) -> Bool {
        if case .value(.string) = argument { true } else { false }
    }
}

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
