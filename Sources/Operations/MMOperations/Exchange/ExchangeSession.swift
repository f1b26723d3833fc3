import MMCore
import MMDesk
import MMGuard
import MMIdentity
import MMNative
import MMPowerShell
import MMSessions

/// A script, with what its run in a session needs.
struct SessionScript: Sendable {
    let plan: EnginePlan
    /// The script for PowerShell.
    let command: PowerShellCommand
    let cleared: Cleared<JudgedAgain>
    /// The files that the caller gives to the script; `nil` if it has nothing to do with files.
    let given: [ProgramFolder.File]?
    /// The signed-in account.
    let account: String
    let deadline: Deadline
    /// Called if PowerShell needs its own sign-in, while the call keeps waiting; `nil` makes the call fail at once.
    let prompt: (@Sendable (JSONObject) -> Void)?
    /// Receives the objects of the native engine as they come; `nil` collects them.
    let flow: NativeFlow?
}

/// A connection's session of Exchange, the compliance service or Graph's modules: the native engine, and a PowerShell
/// once a script needs one. It has one account and one caller at a time, and each variable is kept by the engine that
/// set it.
package actor ExchangeSession {
    private let module: String
    /// The service resource that it is signed in to.
    nonisolated let resource: ServiceResource
    /// The service whose cmdlets it runs, and the client for them; `nil` for Graph's modules.
    private let exchange: (service: ExchangeTable.Service, client: GuardedExchange)?
    private let identity: IdentityService
    private let connection: Connection
    private let bearer: SessionBearer
    private let makePowerShell: (@Sendable () async throws(MMError) -> GuardedPowerShell)?
    private var native = NativeSession()
    /// The engine that holds each variable's value, by lower-case name.
    private var owners: [String: Engine] = [:]
    /// The variables that were lost with an ended PowerShell.
    private var dropped: Set<String> = []
    private var powerShell: GuardedPowerShell?
    private var isNativelySignedIn = false
    /// The script that the native engine evaluates.
    private var evaluation: Task<Evaluated, Never>?
    private var isClosed = false
    /// The queue of the session's callers, once the session is lent.
    private var turns: TurnQueue?

    private typealias Evaluated = (outcome: NativeOutcome, session: NativeSession)

    private static let signInLimit = Duration.seconds(900)

    /// Creates a session, without starting or sending anything.
    /// - Parameters:
    ///   - module: `exo`, `compliance` or `graph`.
    ///   - connection: the connection.
    ///   - identity: the source of tokens.
    ///   - bearer: the account whose tokens are used between calls.
    ///   - makePowerShell: starts a PowerShell of the module; `nil` if there is none.
    /// - Throws: `.invalidInput` for another module, `.unsupported` if the cloud has no host for the service.
    init(
        module: String, connection: Connection, identity: IdentityService, bearer: SessionBearer,
        makePowerShell: (@Sendable () async throws(MMError) -> GuardedPowerShell)?
    ) throws(MMError) {
        guard RunModule.isNative(module) else {
            throw MMError(.invalidInput, "The module \(module) has no native engine.")
        }
        self.module = module
        self.connection = connection
        self.bearer = bearer
        self.identity = identity
        self.makePowerShell = makePowerShell
        guard let service = ExchangeTable.Service(module: module) else {
            resource = .graph
            exchange = nil
            return
        }
        resource = service.endpoint.resource
        exchange = (
            service, try GuardedExchange(identity: identity, connection: connection, service: service.endpoint)
        )
    }

    /// Whether the connection can sign in natively, which requires its own app.
    private var canSignIn: Bool {
        connection.appId != nil || connection.auth.method == .managedIdentity || connection.auth.method == .token
    }

    /// Signs in natively if possible, otherwise in the module's PowerShell. A PowerShell that no script needs yet isn't
    /// started; when it is, it gets tokens from the connection's own sign-in.
    func connect(report: @escaping @Sendable (SignInStep) -> Void) async throws(MMError) -> String {
        if connection.engine == .pwsh || !canSignIn, makePowerShell != nil {
            return try await connectPowerShell(report: report)
        }
        do throws(MMError) {
            let token = try await bearer.ownToken(for: resource, until: .after(.seconds(60)))
            isNativelySignedIn = true
            return token.account.title
        } catch {
            // Another device code for the same app would be refused as well.
            if error.lacksConsent {
                guard makePowerShell != nil, connection.engine != .native else {
                    throw ConsentAdvice.error(error, module: module, of: connection.name)
                }
                return try await connectPowerShell(report: report)
            }
            let isServed = await bearer.isServedByModule()
            if isServed, makePowerShell != nil { return try await connectPowerShell(report: report) }
            if Attendance.isUnattended { throw error }
        }
        let show: @Sendable (SignInPrompt) async -> Void = { report(.personNeeded($0.details)) }
        let account = try await identity.signIn(
            to: connection, resource: resource, deadline: .after(Self.signInLimit), telling: show)
        report(.approved)
        isNativelySignedIn = true
        return account.title
    }

    /// Starts the PowerShell in advance, for a session that is kept ready.
    /// - Throws: `MMError` if it can't be started; the error says what to install or repair.
    func warmUp() async throws(MMError) {
        guard makePowerShell != nil, connection.engine != .native else { return }
        _ = try await startedPowerShell()
    }

    private func connectPowerShell(
        report: @escaping @Sendable (SignInStep) -> Void
    ) async throws(MMError) -> String {
        let session = try await startedPowerShell()
        return try await session.connect(deadline: .after(Self.signInLimit), report: report).name
    }

    private func startedPowerShell() async throws(MMError) -> GuardedPowerShell {
        if let powerShell, await powerShell.isUsable { return powerShell }
        if let lost = powerShell { await lost.close() }
        powerShell = nil
        dropped.formUnion(owners.keys.filter { owners[$0] == .pwsh })
        for name in dropped { owners[name] = nil }
        guard let makePowerShell else {
            throw MMError(
                .unsupported, "The module \(module) has no PowerShell on this machine.",
                hint: "The native engine runs its cmdlets: write the script as a pipeline of cmdlets.")
        }
        guard !isClosed else { throw StopErrors.closing }
        let session = try await makePowerShell()
        guard !isClosed else {
            await session.close()
            throw StopErrors.closing
        }
        if let turns { await session.lend(through: turns) }
        powerShell = session
        return session
    }

    // MARK: Upkeep

    func checkHealth() async throws(MMError) {
        if isNativelySignedIn {
            _ = try await bearer.ownToken(for: resource, until: .after(.seconds(30)))
        } else if let powerShell {
            try await powerShell.checkHealth(deadline: .after(ModuleSession.healthLimit))
        }
    }

    var isUsable: Bool {
        get async {
            if isNativelySignedIn { return true }
            return await powerShell?.isUsable ?? true
        }
    }

    /// The PowerShell that has been started for its scripts.
    var currentPowerShell: GuardedPowerShell? { powerShell }

    /// The identity that is signed in to its PowerShell.
    var powerShellIdentity: SessionIdentity? { get async { await powerShell?.identity } }

    /// Whether one of its engines uses the connection's own sign-in.
    var isFed: Bool {
        get async {
            if isNativelySignedIn { return true }
            return await powerShell?.identity?.usesSuppliedToken ?? false
        }
    }

    var memory: Int? { get async { await powerShell?.memory } }

    /// The state that earlier scripts left in the native engine.
    var nativeSession: NativeSession { native }

    /// The variables that were lost with an ended PowerShell.
    var droppedVariables: Set<String> {
        get async {
            guard let powerShell, await !powerShell.isUsable else { return dropped }
            return dropped.union(owners.keys.filter { owners[$0] == .pwsh })
        }
    }

    /// Returns the state of the native engine; `nil` if PowerShell holds one of the variables that a script reads or
    /// sets.
    func nativeSession(for variables: VariableUse) -> NativeSession? {
        variables.reads.union(variables.sets).contains { owners[$0] == .pwsh } ? nil : native
    }

    /// The engines that it currently has.
    var engine: String {
        switch (isNativelySignedIn, powerShell != nil) {
        case (true, true): "native, pwsh"
        case (false, true): "pwsh"
        default: "native"
        }
    }

    /// Makes the callers of its PowerShell, including one that is started later, wait only in this queue.
    func lend(through turns: TurnQueue) async {
        self.turns = turns
        await powerShell?.lend(through: turns)
    }

    /// Whether it is waiting for its first sign-in.
    var isSpare: Bool {
        get async {
            if isNativelySignedIn { return false }
            return await powerShell?.isSpare ?? true
        }
    }

    /// Signs the PowerShell module out; natively there is only the connection's own sign-in.
    func signOut() async {
        await powerShell?.signOut(deadline: .after(.seconds(20)))
        isNativelySignedIn = false
    }

    /// Ends the session, and the script that runs in either of its engines.
    func close() async {
        isClosed = true
        evaluation?.cancel()
        await powerShell?.close()
        powerShell = nil
    }

    /// Returns the cmdlets that the account may run, which the service is asked for once.
    /// - Throws: `.unsupported` if the session is signed in only in PowerShell.
    func cmdlets(deadline: Deadline) async throws(MMError) -> ExchangeCmdletList {
        guard isNativelySignedIn, let client = exchange?.client else {
            throw MMError(
                .unsupported, "Only native Exchange sessions know which cmdlets the account may run.",
                hint: "Give the connection its own app registration (appId).")
        }
        return try await client.cmdlets(deadline: deadline)
    }

    /// Returns the names that the service doesn't know; none if a PowerShell is running, which may have its own
    /// functions.
    func unknown(among names: [String], deadline: Deadline) async throws(MMError) -> [String] {
        guard isNativelySignedIn, powerShell == nil, let client = exchange?.client else { return [] }
        let known = try await client.cmdlets(deadline: deadline)
        return names.filter { !known.contains($0) }
    }

    // MARK: Commands

    /// Runs a script in the suitable engine.
    /// - Parameters:
    ///   - script: the script, with what its run needs.
    ///   - report: receives a sentence when the service asks to slow down.
    ///   - make: creates the sources of cmdlets for the native engine; most scripts of a PowerShell session don't need
    ///     them.
    /// - Throws: `.unsupported` if no engine here can run it, with the reason and what to install; the engines' errors.
    func run(
        _ script: SessionScript, report: @escaping @Sendable (String) -> Void,
        _ make: @Sendable () throws(MMError) -> NativeSources
    ) async throws(MMError) -> SessionAnswer {
        let (plan, deadline) = (script.plan, script.deadline)
        guard plan.wanted != .pwsh else { return try await runPowerShell(script, because: plan.because) }
        if !isNativelySignedIn, plan.wanted == .native, canSignIn {
            _ = try await identity.token(for: connection, resource: resource, deadline: deadline)
            isNativelySignedIn = true
        }
        if !isNativelySignedIn, makePowerShell != nil, plan.wanted == .auto {
            return try await runPowerShell(script, because: nil)
        }
        let made = try make()
        let watch = made.watch
        var sources: [any ScriptSource] =
            exchange.map { exchange in
                [
                    ExchangeSource(
                        client: exchange.client, service: exchange.service, deadline: deadline, watch: watch,
                        report: report)
                ]
            } ?? []
        sources += made.others
        var reason = plan.misfit(sources)
        let strangers = reason == nil && plan.programs == nil ? [] : plan.strangers(to: sources)
        if !strangers.isEmpty, isNativelySignedIn, let exchange,
            let known = try? await exchange.client.cmdlets(deadline: deadline),
            reason == nil ? strangers.contains(where: known.contains) : strangers.allSatisfy(known.contains)
        {
            sources[0] = ExchangeSource(
                client: exchange.client, service: exchange.service, others: known, deadline: deadline, watch: watch,
                report: report)
            reason = plan.misfit(sources)
        }
        let elsewhere = plan.isLocal ? nil : plan.variables.reads.first { owners[$0] == .pwsh }
        if reason == nil, let elsewhere { reason = "the variable $\(elsewhere) was set in PowerShell" }
        if reason == nil, !isNativelySignedIn { reason = "this connection signs in with PowerShell's own app" }
        if let reason {
            return try await handOver(script, because: reason, strangers, hasSent: false)
        }
        return try await runNative(script, with: sources)
    }

    /// Evaluates a script until it ends, its caller leaves or the session is closed.
    /// - Returns: its outcome, and the state that it leaves.
    private func evaluated(
        _ script: SessionScript, with sources: [any ScriptSource]
    ) async throws(MMError) -> Evaluated {
        guard !isClosed else { throw StopErrors.closing }
        let (plan, deadline, flow) = (script.plan, script.deadline, script.flow)
        var before = plan.isLocal ? NativeSession() : native
        if !plan.isLocal { before.forget(Set(owners.keys.filter { owners[$0] == .pwsh })) }
        let engine = plan.engine(sources)
        let evaluation = Task { [before] () -> Evaluated in
            var session = before
            guard let flow else {
                let outcome = await engine.run(
                    plan.script, parsed: plan.parsed, values: plan.values, in: &session, deadline: deadline)
                return (outcome, session)
            }
            let outcome = await engine.run(
                plan.script, parsed: plan.parsed, values: plan.values, in: &session, deadline: deadline
            ) { await flow.take($0) }
            return (flow.completed(outcome), session)
        }
        self.evaluation = evaluation
        defer { self.evaluation = nil }
        return await withTaskCancellationHandler {
            await evaluation.value
        } onCancel: {
            evaluation.cancel()
        }
    }

    private func runNative(
        _ script: SessionScript, with sources: [any ScriptSource]
    ) async throws(MMError) -> SessionAnswer {
        let (plan, flow) = (script.plan, script.flow)
        let (outcome, session) = try await evaluated(script, with: sources)
        let writes = sources.flatMap(\.story.writes)
        var interruption = sources.compactMap(\.story.failure).first
        if Task.isCancelled, interruption == nil {
            interruption = MMError(.cancelled, "The script was cancelled; the session is kept.")
        } else if case .stopped = outcome, interruption == nil {
            interruption = isClosed ? StopErrors.closing : StopErrors.deadline(restarted: false)
        }
        if !writes.isEmpty { interruption?.details["ran"] = .array(writes.map { .string($0.cmdlet) }) }
        switch outcome {
        case .stopped(let result), .completed(let result):
            if interruption == nil, !plan.isLocal {
                native = session
                own(plan.variables.sets, .native)
            }
            return SessionAnswer(
                output: .native(
                    NativeAnswer(
                        result: result, account: script.account,
                        information: sources.flatMap(\.story.information) + (plan.host?.remarks ?? []),
                        interruption: interruption, width: plan.width,
                        hasFiles: plan.host?.written.isEmpty == false,
                        causes: sources.reduce(into: [:]) { $0.merge($1.story.causes) { first, _ in first } })))
        case .handedOver(let reason, let hasSent):
            if let interruption { throw interruption }
            guard writes.isEmpty else {
                throw MMError(
                    .unsupported,
                    "The native engine can't continue the script (\(reason)). It had already run "
                        + "\(writes.map(\.told).joined(separator: ", ")).",
                    hint: "mm does not run these again: check the changes, and run the rest with --engine pwsh.",
                    details: ["ran": .array(writes.map { .string($0.cmdlet) })])
            }
            guard flow?.isFlowing != true else {
                throw MMError(
                    .unsupported, "The native engine can't continue the script (\(reason)): the rows are incomplete.",
                    hint: "Run it with --engine pwsh, or leave out what needs PowerShell.",
                    details: ["reason": .string(reason)])
            }
            return try await handOver(script, because: reason, [], hasSent: hasSent)
        }
    }

    private func handOver(
        _ script: SessionScript, because reason: String, _ strangers: [String], hasSent: Bool
    ) async throws(MMError) -> SessionAnswer {
        let plan = script.plan
        if plan.wanted == .native || makePowerShell == nil {
            throw EngineRefusal.beyond(
                reason, strangers, module, hasPowerShell: makePowerShell != nil, hasSent: hasSent,
                because: plan.because)
        }
        do throws(MMError) {
            return try await runPowerShell(script, because: reason)
        } catch {
            guard error.code == .unavailable, error.details["looked"] != nil else { throw error }
            throw EngineRefusal.missing(reason, strangers, module, error, hasSent: hasSent)
        }
    }

    private func runPowerShell(
        _ script: SessionScript, because reason: String?
    ) async throws(MMError) -> SessionAnswer {
        let (plan, deadline) = (script.plan, script.deadline)
        let carried = try assignments(for: plan, because: reason)
        let session = try await startedPowerShell()
        if let prompt = script.prompt {
            try await session.connect(deadline: deadline) { step in
                if case .personNeeded(let details) = step { prompt(details) }
            }
        }
        let (answer, files) = try await session.answer(
            script.command, by: script.cleared, after: carried, given: script.given, deadline: deadline)
        if !plan.isLocal {
            own(plan.variables.sets, .pwsh)
            native.functions = KeptFunctions(native.functions).after(plan.parsed, plan.script).definitions
        }
        return SessionAnswer(
            output: .powerShell(answer), isStandIn: await session.isStandIn, files: files, reason: reason)
    }

    /// Variables that don't belong to an engine, because they mean the same in every script. Error handling is each
    /// script's own matter: a setting in one caller's script must not silence errors in the next one.
    private static let ownerless: Set<String> = [
        "_", "psitem", "null", "true", "false", "matches", "args", "input", "error", "erroractionpreference",
    ]

    /// Records the engine that holds the values that a script has left.
    private func own(_ names: Set<String>, _ engine: Engine) {
        for name in names where !Self.ownerless.contains(name) { owners[name] = engine }
        dropped.subtract(names)
    }

    /// Returns a script that sets in PowerShell the variables that a script reads and the native engine holds; `nil` if
    /// there are none.
    /// - Throws: `.conflict` if a value can't be expressed in a script.
    private func assignments(for plan: EnginePlan, because reason: String?) throws(MMError) -> String? {
        var lines: [String] = []
        for name in plan.isLocal ? [] : plan.variables.reads.sorted() where owners[name] == .native {
            guard let line = native.assignment(of: name) else {
                let why = reason.map { " (\($0))" } ?? ""
                throw MMError(
                    .conflict,
                    "The script runs in PowerShell\(why), but the variable $\(name) was set in the native engine and its value can't be "
                        + "copied to PowerShell.",
                    hint: "Set it again in the same script, or write the script so that the native engine can run it.",
                    details: ["variable": .string(name), "reason": reason.map { .string($0) } ?? .null])
            }
            lines.append(line)
        }
        return lines.isEmpty ? nil : lines.joined(separator: "\n")
    }
}

/// The objects that carry out a script's cmdlets in addition to the session's own client.
struct NativeSources: Sendable {
    /// Records what the cmdlets of the session's service change.
    let watch: CmdletWatch?
    /// The sources of other modules' cmdlets: Graph's, and those of the other Exchange service.
    let others: [any ScriptSource]
}

/// The errors for scripts that no engine here can run, and what to do about them.
enum EngineRefusal {
    /// Returns the error for a script that only the native engine was to run, and that it can't run.
    static func beyond(
        _ reason: String, _ strangers: [String], _ module: String, hasPowerShell: Bool,
        hasSent: Bool = false, because: String? = nil
    ) -> MMError {
        if let unknown = unknown(strangers, module) { return unknown }
        return MMError(
            .unsupported, "The native engine does not run this script: \(reason). \(Self.sent(hasSent))",
            hint: because.map {
                "This session stays in the native engine, because \($0). Run mm reset to start a new session."
            }
                ?? (hasPowerShell
                    ? "Leave out --engine native, so that PowerShell runs the script."
                    : "The module \(module) has no PowerShell here: write this part in another way. --explain tells whether "
                        + "the native engine then runs the script."),
            details: ["engine": "native", "reason": .string(reason)])
    }

    /// Returns what was sent before the script turned out to be beyond the engine. Scripts that had made changes end
    /// differently.
    private static func sent(_ hasSent: Bool) -> String {
        hasSent ? "Only reads were sent: nothing was changed." : "Nothing was sent."
    }

    /// Returns the error for a script that needs a PowerShell on a machine without one.
    static func missing(
        _ reason: String, _ strangers: [String], _ module: String, _ error: MMError, hasSent: Bool
    ) -> MMError {
        if let unknown = unknown(strangers, module) { return unknown }
        return MMError(
            .unavailable,
            "The native engine can't run the script (\(reason)), and PowerShell is not installed on this machine. \(sent(hasSent))",
            hint: error.hint, details: ["reason": .string(reason), "looked": error.details["looked"] ?? .null])
    }

    /// Returns the common name of a module's service.
    private static func title(_ module: String) -> String {
        ExchangeTable.Service(module: module)?.endpoint.title ?? "Microsoft Graph"
    }

    /// Returns the error for a cmdlet that neither the tables nor the service know.
    static func unknown(_ strangers: [String], _ module: String) -> MMError? {
        // PowerShell's own commands are not cmdlets of the service, and their problem is in the reason itself.
        let classes = CmdletClasses()
        guard let name = strangers.first(where: { !classes.knows($0) }) else { return nil }
        if let foreign = ForeignCmdlet(name) { return foreign.error }
        // The suggestions include PowerShell's own commands, because Select-Object may be misspelled too.
        let near = CmdletCompletion(module: module).near(name)
        return MMError(
            .notFound,
            "\(title(module)) has no cmdlet \(name), or the account may not run it. Nothing was sent.",
            hint: (near.isEmpty ? "" : "Similar names: \(near.joined(separator: ", ")). ")
                + "Get-Command PATTERN finds names, such as Get-Command *Mailbox*.",
            details: ["cmdlet": .string(name), "near": .array(near.map { .string($0) })])
    }
}
