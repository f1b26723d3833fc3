public import MMCore
package import MMSessions
import MMSystem

/// A persistent PowerShell: started once, signed in once, and used for many commands, one after the other.
///
/// Commands run in the order in which they arrive. A command is only sent once the session's account has been checked.
/// If the process is lost, the caller whose command was running is told; the session restarts and signs in again, and
/// commands that had not been sent are sent then.
public actor PowerShellSession {
    let settings: PowerShellSessionSettings
    var life = SessionLife<DevicePrompt, SessionIdentity>()
    var host: PowerShellHost?
    /// Whether the host has loaded the module.
    var isPrepared = false
    /// Whether the last sign-in could be repeated without a person.
    var isSilent = false
    /// When a supplied token must be replaced.
    var renewAt: ContinuousClock.Instant?
    var renewal: Task<Void, Never>?
    var opening: Task<Void, Never>?
    var stateWaiters: [OneShot<Bool>] = []
    /// The reason why the module signed in by itself although there was a token; reported once.
    private var refusal: String?
    /// When the device code was shown; determines its expiry.
    var signInStarted: Timestamp?
    /// Whether a code was shown for the current opening.
    private var wasShown = false
    /// The queue of its callers.
    var turns: TurnQueue
    /// Whether the session is lent by a pool, in which case the caller already holds the turn.
    var isLent = false
    /// When the session was recently restarted automatically.
    private var restarts: [ContinuousClock.Instant] = []

    /// Creates a session that isn't started yet.
    package init(_ settings: PowerShellSessionSettings) {
        self.settings = settings
        turns = TurnQueue(limit: settings.queueLimit)
    }

    /// Makes its callers wait only in this queue, which belongs to the pool that lends the session.
    package func lend(through turns: TurnQueue) {
        self.turns = turns
        isLent = true
    }

    /// The resources for which its module is supplied with tokens.
    package nonisolated var fedResources: [TokenResource] {
        guard let profile = settings.profile, let target = settings.target, profile.methods.contains(.tokens),
            settings.tokens != nil
        else { return [] }
        return (try? profile.resources(for: target)) ?? []
    }

    /// The folder in which its scripts start, and in which they leave files.
    package nonisolated var work: ProgramFolder { settings.host.work }

    // MARK: Commands

    /// Sends a command when its turn comes, and returns its output.
    ///
    /// Starts the session if needed. If a person must sign in first, the call fails at once and the sign-in continues:
    /// the same call repeated later runs.
    /// - Parameters:
    ///   - command: the command to run.
    ///   - deadline: when to stop waiting or running. A running command is stopped then.
    /// - Throws: `invalidInput`; `limitExceeded` for a script or a queue that is too long; `signInNeeded` with code and
    ///   URL; `forbidden` for a wrong account; `sessionLost`; `deadlineExceeded`; `cancelled`; `unavailable` for
    ///   something that isn't installed.
    public func run(
        _ command: PowerShellCommand, deadline: Deadline = .after(.seconds(300))
    ) async throws(MMError) -> PowerShellRun {
        try command.check()
        var command = command
        if settings.isConstrained { command.needs.names = ScriptNeeds(of: command.script).names }
        let turn = isLent ? turns.share() : try await turns.take(deadline)
        var isSecond = false
        while true {
            let host = try await readyHost(deadline)
            try deadline.check("waiting for the session; the command was not sent")
            do throws(HostLoss) {
                return try await host.run(command, deadline: deadline) { turn.release() }
            } catch {
                hostLost(error.reason, host)
                // The command never reached PowerShell, so it can't be carried out twice.
                guard !error.wasSent, !isSecond, !deadline.hasPassed, !Task.isCancelled else { throw error.error }
                isSecond = true
            }
        }
    }

    /// Runs a command and reads its whole answer.
    /// - Parameters:
    ///   - command: the command to run.
    ///   - deadline: when to stop waiting or running.
    ///   - limit: the maximum number of records to keep; the answer's `dropped` counts the others.
    /// - Throws: as `run` and reading the answer do. A command that fails is an answer with a `problem`.
    public func answer(
        _ command: PowerShellCommand, deadline: Deadline = .after(.seconds(300)), limit: Int = 100_000
    ) async throws(MMError) -> PowerShellAnswer {
        try await run(command, deadline: deadline).collect(limit: limit)
    }

    private func readyHost(_ deadline: Deadline) async throws(MMError) -> PowerShellHost {
        var awaited: Int?
        while true {
            if let host, host.isLost { hostLost("PowerShell was lost", host) }
            switch life.advise(awaited: awaited) {
            case .run:
                if let renewAt, renewAt <= .now, let missing = await renew() { throw missing }
                guard let host, !host.isLost, life.identity != nil else { continue }
                return host
            case .open:
                beginOpening()
                awaited = life.generation
            case .signIn(let prompt): throw signInNeeded(prompt)
            case .fail(let error): throw error
            case .wait:
                awaited = life.generation
                try await waitForStateChange(deadline)
            }
        }
    }

    // MARK: Opening

    /// Starts PowerShell and loads the module, without a sign-in, as a spare.
    /// - Throws: why it can't be started, with what to install or repair.
    package func prepare(deadline: Deadline) async throws(MMError) {
        guard host == nil, case .off = life.state else { return }
        let started = try await PowerShellHost.start(settings.host, deadline: deadline) { [weak self] reason in
            Task { await self?.noteLoss(reason) }
        }
        do throws(MMError) { try await SignInProcedure.prepare(started, settings) } catch {
            await started.close()
            throw error
        }
        // The session may have been opened meanwhile.
        guard host == nil, case .off = life.state else {
            await started.close()
            return
        }
        host = started
        isPrepared = true
    }

    /// Starts and signs in the session and waits for it, including for a person.
    /// - Parameters:
    ///   - deadline: how long to wait; the sign-in itself continues.
    ///   - prompt: called when a person is needed, with the error that `run` would throw then.
    /// - Returns: the signed-in identity.
    /// - Throws: why it failed; `forbidden` for a wrong account.
    @discardableResult
    public func connect(
        deadline: Deadline = .never, prompt: @Sendable (MMError) -> Void = { _ in }
    ) async throws(MMError) -> SessionIdentity {
        try await connect(deadline: deadline, asked: prompt) {}
    }

    /// Starts and signs in the session like `connect(deadline:prompt:)`.
    /// - Parameter report: called with each step of the sign-in.
    @discardableResult
    package func connect(
        deadline: Deadline, report: @Sendable (SignInStep) -> Void
    ) async throws(MMError) -> SessionIdentity {
        try await connect(deadline: deadline) { error in
            var details = error.details
            if details["message"] == nil { details["message"] = .string(error.message) }
            report(.personNeeded(details))
        } approved: {
            report(.approved)
        }
    }

    private func connect(
        deadline: Deadline, asked: @Sendable (MMError) -> Void, approved: @Sendable () -> Void
    ) async throws(MMError) -> SessionIdentity {
        var awaited: Int?
        var shown: DevicePrompt?
        while true {
            if let host, host.isLost { hostLost("PowerShell was lost", host) }
            switch life.advise(awaited: awaited) {
            case .run(let identity): return identity
            case .open:
                beginOpening()
                awaited = life.generation
            case .signIn(let device):
                awaited = life.generation
                if shown != device {
                    shown = device
                    asked(signInNeeded(device))
                }
                try await waitForStateChange(deadline, "waiting for a person to approve the code")
            case .fail(let error): throw error
            case .wait:
                if shown != nil { approved() }
                shown = nil
                awaited = life.generation
                try await waitForStateChange(deadline)
            }
        }
    }

    func beginOpening() {
        guard let number = life.beginOpening() else { return }
        wasShown = false
        opening = Task { await self.open(number) }
        notifyStateChange()
    }

    private func open(_ number: Int) async {
        for attempt in 1...2 {
            do throws(MMError) {
                let host = try await startedHost(number)
                if !isPrepared {
                    try await SignInProcedure.prepare(host, settings)
                    isPrepared = true
                }
                let identity = try await signIn(host, number)
                try await standInFront(host)
                if settings.isConstrained { try await host.constrain(deadline: .after(.seconds(30))) }
                if life.opened(identity, in: number) { scheduleRenewal() }
                break
            } catch {
                await dropHost()
                // No command was sent yet and no code was shown: a process that just died is no reason to give up.
                if attempt == 1, error.code == .sessionLost, life.isOpening(number), !wasShown {
                    continue
                }
                if error.code != .cancelled {
                    settings.host.log?.warning("The session could not be opened: \(error.message)")
                }
                life.failed(error, in: number)
                break
            }
        }
        notifyStateChange()
    }

    private func startedHost(_ number: Int) async throws(MMError) -> PowerShellHost {
        if let host, !host.isLost { return host }
        await dropHost()
        let started = try await PowerShellHost.start(settings.host, deadline: .never) { [weak self] reason in
            Task { await self?.noteLoss(reason) }
        }
        // The session was closed while it was starting.
        guard life.isOpening(number) else {
            await started.close()
            throw MMError(.cancelled, "The session was closed while it started.")
        }
        settings.host.log?.info(
            "Started PowerShell \(started.version) as process \(started.processID): \(settings.host.location)")
        host = started
        return started
    }

    private func signIn(_ host: PowerShellHost, _ number: Int) async throws(MMError) -> SessionIdentity {
        guard let profile = settings.profile else {
            isSilent = true
            return .none
        }
        guard let target = settings.target else {
            throw MMError(.invalidInput, "A session of \(profile.title) needs a connection to sign in to.")
        }
        let procedure = SignInProcedure(
            settings: settings, profile: profile, target: target, host: host, asksPerson: !Attendance.isUnattended,
            show: { [weak self] prompt in await self?.show(prompt, in: number) },
            approved: { [weak self] in await self?.approved(in: number) })
        let result = try await procedure.run()
        isSilent = result.isSilent
        refusal = result.refusal
        renewAt = result.expires.map { $0 - settings.renewBefore }
        settings.host.log?.info("Signed in to \(profile.title) by \(result.identity.method).")
        return result.identity
    }

    /// Defines functions in place of the cmdlets that sign in, so that a script's own sign-in uses that of the session.
    /// The session's own sign-ins call the module's cmdlets by their qualified names.
    private func standInFront(_ host: PowerShellHost) async throws(MMError) {
        guard let signIn = settings.ownSignIn, let profile = settings.profile else { return }
        let command = OwnSignInScript.command(signIn, module: profile.name)
        let answer = try await host.answer(command, deadline: .after(settings.connectTimeout))
        guard answer.end?.state != .completed else { return }
        throw SignInProcedure.failed("The session can't be prepared for sign-ins by scripts", answer)
    }

    /// Records that the person has approved; the rest of the sign-in needs no person.
    private func approved(in number: Int) {
        life.signIn(nil, in: number)
        notifyStateChange()
    }

    /// Returns the note about the last sign-in for the first answer after it, once.
    package func takeSignInNote() -> String? {
        defer { refusal = nil }
        return refusal.map { "\($0) The module's own sign-in is used instead." }
    }

    private func show(_ prompt: DevicePrompt, in number: Int) {
        wasShown = true
        life.signIn(prompt, in: number)
        notifyStateChange()
    }

    // MARK: Loss

    private func noteLoss(_ reason: String) {
        if let host, host.isLost { hostLost(reason, host) }
    }

    private func hostLost(_ reason: String, _ lost: PowerShellHost) {
        // During an opening, the opening itself detects the loss.
        guard lost === host, life.lost(reason, in: life.generation) else { return }
        settings.host.log?.warning("The session's process was lost: \(reason).")
        host = nil
        isPrepared = false
        renewAt = nil
        renewal?.cancel()
        if isSilent, mayRestart() { beginOpening() }
        notifyStateChange()
    }

    /// Returns whether to restart automatically. A session that dies repeatedly is only restarted when it is needed.
    private func mayRestart() -> Bool {
        let now = ContinuousClock.now
        restarts.removeAll { now - $0 > .seconds(60) }
        restarts.append(now)
        return restarts.count <= 3
    }

    func dropHost() async {
        let dropped = host
        host = nil
        isPrepared = false
        await dropped?.close()
    }
}

extension PowerShellSession {
    /// Creates a session of a connection in the registry. It starts, and signs in with the module's own code, when it
    /// is first used.
    ///
    /// ```swift
    /// let session = try PowerShellSession(module: .exchangeOnline, connection: "Contoso")
    /// try await session.connect { print($0.message) }
    /// for try await record in try await session.run("Get-Mailbox", ["ResultSize": 5]) {
    ///     print(record.stream, record.value)
    /// }
    /// ```
    /// - Parameters:
    ///   - module: the module that the session signs in to.
    ///   - connection: the connection's name, as `mm connections` lists it.
    ///   - environment: `HOME`, `PATH`, `MM_PWSH`, `MM_CONNECTIONS`; by default that of this process.
    /// - Throws: `.unavailable` without a PowerShell, with what to install; `.notFound` with the known connections;
    ///   `.invalidInput` for an entry that can't be used.
    public init(
        module: PowerShellModule, connection: String, environment: [String: String] = ProcessEnvironment.read()
    ) throws(MMError) {
        try self.init(module: module, connection: connection, tokens: nil, environment: environment)
    }

    /// Creates a session of a connection in the registry with a source of tokens, so that no code has to be entered.
    package init(
        module: PowerShellModule, connection: String, tokens: (any TokenFeeding)?,
        environment: [String: String]
    ) throws(MMError) {
        let paths = StatePaths(environment: environment)
        let registry = try ConnectionRegistry(path: paths.registry).snapshot()
        var settings = try PowerShellSessionSettings(
            connection: try registry.connection(named: connection), module: module.rawValue,
            knownApps: registry.knownModuleApps,
            location: try PowerShellLocator(environment: environment).locate(), paths: paths,
            environment: environment, tokens: tokens)
        settings.host.passNetwork(of: environment)
        self.init(settings)
    }

    /// Creates a persistent PowerShell session without any sign-in.
    /// - Parameters:
    ///   - folder: the folder of the session's home; only this user may read it.
    ///   - environment: `PATH`, `MM_PWSH` and the variables for the session; by default those of this process.
    /// - Throws: `.unavailable` without a PowerShell, with what to install.
    public init(
        folder: String, environment: [String: String] = ProcessEnvironment.read()
    ) throws(MMError) {
        var host = HostSettings(
            location: try PowerShellLocator(environment: environment).locate(), folder: folder,
            environment: environment)
        host.passNetwork(of: environment)
        self.init(PowerShellSessionSettings(host: host))
    }

    /// Runs a cmdlet with its arguments, which are passed as data: nothing in them is ever executed.
    /// - Parameters:
    ///   - cmdlet: its name, such as `Get-Mailbox`.
    ///   - arguments: the values of its parameters, by name without the dash; `true` for a switch.
    ///   - deadline: when to stop waiting or running.
    /// - Returns: its records as they arrive, errors and warnings among them.
    /// - Throws: as `run` of a command; `.invalidInput` for an invalid name.
    public func run(
        _ cmdlet: String, _ arguments: [String: PowerShellValue] = [:], deadline: Deadline = .after(.seconds(300))
    ) async throws(MMError) -> PowerShellRecords {
        let names = arguments.keys.sorted()
        for name in [cmdlet] + names where !Self.isName(name) {
            throw MMError(
                .invalidInput, "'\(name.prefix(60))' isn't the name of a cmdlet or parameter.",
                hint:
                    "Use only the name, and pass values as arguments; run a script with `run` of a PowerShellCommand.")
        }
        // The values get generated names: `$Host` or `$Error` could not be declared.
        let variables = names.indices.map { "value\($0)" }
        let declared = variables.map { "$\($0)" }.joined(separator: ", ")
        let passed = zip(names, variables).map { " -\($0):$\($1)" }.joined()
        var values: [String: PowerShellValue] = [:]
        for (name, variable) in zip(names, variables) { values[variable] = arguments[name] }
        let command = PowerShellCommand(
            "param(\(declared))\n\(cmdlet)\(passed)", parameters: values, isLocal: true)
        return PowerShellRecords(run: try await run(command, deadline: deadline))
    }

    /// Returns whether a text is a plain name: letters, digits and `_`, with hyphens in between.
    private static func isName(_ text: String) -> Bool {
        let units = Array(text.utf8)
        guard let first = units.first, let last = units.last, units.count <= 200, first != UInt8(ascii: "-"),
            last != UInt8(ascii: "-")
        else { return false }
        return units.allSatisfy { unit in
            switch unit {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }
}

extension PowerShellSession {
    /// Returns the error that tells a person what to do.
    func signInNeeded(_ prompt: DevicePrompt) -> MMError {
        let target = settings.target
        let connection = target?.connection ?? ""
        let person = target?.account.map { " as \($0)" } ?? ""
        var details: JSONObject = [
            "connection": .string(connection), "userCode": .string(prompt.userCode),
            "verificationUri": .string(prompt.verificationURI),
            "message": .string([prompt.message, prompt.trouble].compactMap(\.self).joined(separator: " ")),
        ]
        if let module = settings.profile?.name { details["module"] = .string(module) }
        if let account = target?.account { details["account"] = .string(account) }
        if let end = prompt.expiresAt ?? signInStarted.map({ $0 + settings.signInTimeout }) {
            details["expiresAt"] = .string(end.iso8601)
        }
        details["reason"] = prompt.reason.map { .string($0) }
        details["trouble"] = prompt.trouble.map { .string($0) }
        let reason = prompt.reason.map { $0 + " " } ?? ""
        return MMError(
            .signInNeeded,
            "Sign-in needed for \(connection): open \(prompt.verificationURI), enter the code \(prompt.userCode) "
                + "and sign in\(person).",
            hint: reason + "Approve it in a browser, then repeat the same call: it continues with this sign-in.",
            retry: .after(.seconds(5)), details: details)
    }

    /// Waits until the session's state changes.
    /// - Parameter what: what this waits for, for the error at the deadline.
    func waitForStateChange(
        _ deadline: Deadline, _ what: String = "waiting for the session to start; the command was not sent"
    ) async throws(MMError) {
        let place = OneShot<Bool>()
        stateWaiters.append(place)
        if await place.wait(until: deadline, late: false, cancelled: false) { return }
        stateWaiters.removeAll { $0 === place }
        if Task.isCancelled { throw MMError(.cancelled, "The command was cancelled before it was sent.") }
        throw deadline.exceeded(what)
    }

    func notifyStateChange() {
        if case .signingIn(_?) = life.state {
            if signInStarted == nil { signInStarted = settings.clock.now }
        } else {
            signInStarted = nil
        }
        let waiting = stateWaiters
        stateWaiters = []
        for place in waiting { place.resolve(true) }
    }
}

extension PowerShellSession {
    /// A report on the session's state.
    public var report: PowerShellSessionReport {
        let phase: PowerShellSessionReport.Phase
        var prompt: DevicePrompt?
        var identity: SessionIdentity?
        var error: MMError?
        switch life.state {
        case .off, .lost: phase = .off
        case .starting, .signingIn(nil): phase = .opening
        case .signingIn(let device?):
            phase = .signingIn
            prompt = device
        case .ready(let who):
            phase = turns.isTaken ? .busy : .ready
            identity = who
        case .failed(let why):
            phase = .failed
            error = why
        case .closed: phase = .closed
        }
        return PowerShellSessionReport(
            phase: phase, prompt: prompt, identity: identity, error: error, lossReason: life.lossReason,
            losses: life.losses, waiting: turns.waiting, processID: host?.processID, version: host?.version,
            memory: host?.memory, isStandIn: host?.isStandIn ?? false)
    }

    /// The signed-in identity.
    package var identity: SessionIdentity? { life.identity }

    /// The id of its current process.
    package var processID: Int32? { host?.processID }

    /// Whether it runs on the stand-in instead of a real PowerShell.
    package var isStandIn: Bool { host?.isStandIn ?? false }

    /// Whether it can take a command now, or will be able to without a person.
    public var isUsable: Bool {
        switch life.state {
        case .ready: host?.isLost == false || isSilent
        case .starting, .signingIn(nil): true
        case .lost: isSilent
        case .off, .signingIn(_?), .failed, .closed: false
        }
    }

    /// Whether it was prepared and waits for its first sign-in.
    package var isSpare: Bool {
        guard case .off = life.state, let host else { return false }
        return isPrepared && !host.isLost
    }

    /// Signs out of the service after the running command, and accepts no further one before a new sign-in.
    /// - Parameter deadline: when to give up.
    package func signOut(deadline: Deadline) async {
        guard let turn = isLent ? turns.share() : try? await turns.take(deadline) else { return }
        defer { turn.release() }
        guard life.identity != nil, let host, let profile = settings.profile else { return }
        _ = try? await host.answer(profile.disconnect, deadline: deadline)
        life.signedOut(in: life.generation)
        notifyStateChange()
    }

    /// The resident memory of PowerShell in bytes.
    package var memory: Int? { host?.memory }

    /// Asks the service whether the sign-in still works, if nobody uses the session. A command that arrives meanwhile
    /// takes precedence.
    ///
    /// Only an ended sign-in ends the session. After any other fault the session continues: the service may be
    /// unavailable for a minute, which is no reason to ask a person to sign in again.
    /// - Parameter deadline: when the check is cancelled; if it can't be cancelled, the process is ended.
    /// - Throws: `signInNeeded` if the sign-in has ended, `sessionLost`; `unavailable` and `deadlineExceeded` for what
    ///   says nothing of the sign-in.
    package func checkHealth(deadline: Deadline) async throws(MMError) {
        guard let identity = life.identity, let host else {
            throw MMError(.unavailable, "The session isn't signed in.")
        }
        let number = life.generation
        let madeRoom = FinalFlag()
        let makeRoom: @Sendable () -> Void = {
            madeRoom.set()
            host.stopAny(.asked)
        }
        guard let turn = isLent ? turns.share(makeRoom: makeRoom) : turns.takeIfFree(makeRoom: makeRoom) else { return }
        // The answer or its failure only arrives when PowerShell is free for the next command.
        defer { turn.release() }
        let question = settings.profile?.health(of: identity.claims) ?? PowerShellCommand("$null")
        let answer: PowerShellAnswer
        do throws(MMError) { answer = try await host.answer(question, deadline: deadline) } catch {
            settings.host.log?.warning("The keep-alive failed: \(error.message)")
            throw error
        }
        if madeRoom.isSet { return }
        if answer.end?.state == .completed {
            if settings.profile?.isHealthy(answer.values) ?? true { return }
        } else if ModuleFault(answer) != .signIn {
            let why = answer.problem ?? "no answer"
            settings.host.log?.warning("The keep-alive failed and will be tried again later: \(why)")
            throw MMError(.unavailable, "The state of the session could not be checked.", cause: why)
        }
        settings.host.log?.warning("The keep-alive failed: \(answer.problem ?? "the sign-in has ended")")
        life.signedOut(in: number)
        notifyStateChange()
        throw MMError(
            .signInNeeded, "The sign-in of \(identity.name) has ended.",
            hint: "Run the command again to sign in again.",
            cause: answer.problem)
    }

    /// Schedules a new sign-in before the supplied token expires, at a time when the session is idle.
    func scheduleRenewal() {
        guard let at = renewAt else {
            renewal?.cancel()
            return
        }
        scheduleRenewal(at: at)
    }

    private func scheduleRenewal(at: ContinuousClock.Instant) {
        renewal?.cancel()
        renewal = Task { [weak self] in
            try? await Task.sleep(until: at, clock: .continuous)
            if Task.isCancelled { return }
            await self?.renewWhenIdle()
        }
    }

    private func renewWhenIdle() async {
        // The next caller renews the sign-in before its command, so it may already be done when this turn comes.
        guard let turn = try? await turns.take(.never) else { return }
        if let renewAt, renewAt <= .now { _ = await renew() }
        turn.release()
    }

    /// Replaces the sign-in with one that uses a fresh token. Only the caller may use the session meanwhile.
    /// - Returns: the error that prevents it, if the session keeps its sign-in until the next command.
    func renew() async -> MMError? {
        guard life.identity != nil, let host, let profile = settings.profile, let target = settings.target else {
            return nil
        }
        let number = life.generation
        renewAt = nil
        // A connect script doesn't work in ConstrainedLanguage: only a new process can sign in again.
        guard !settings.isConstrained else {
            life.signedOut(in: number)
            await dropHost()
            return nil
        }
        let procedure = SignInProcedure(
            settings: settings, profile: profile, target: target, host: host, asksPerson: false, show: { _ in })
        do throws(MMError) {
            let method: ModuleSignInMethod
            do throws(MMError) { method = try await procedure.choose() } catch {
                // No person can be asked. The session is kept, so that a caller who supplies the next token, for
                // example with the next call to a server, finds its variables.
                if error.code == .signInNeeded, !settings.mayAskPerson {
                    renewAt = .now
                    return error
                }
                guard ModuleFault(error) == .passing else { throw error }
                // The module's token may be valid a little longer.
                settings.host.log?.warning("The sign-in will be renewed later: \(error.message)")
                renewAt = .now + Self.renewalPause
                scheduleRenewal()
                return nil
            }
            await procedure.signOut()
            let result = try await procedure.run(by: method)
            renewAt = result.expires.map { $0 - settings.renewBefore }
            // A token that is about to expire must not be requested in an endless loop.
            if let at = renewAt, at <= .now { renewAt = .now + .seconds(30) }
            scheduleRenewal()
        } catch {
            settings.host.log?.warning("The sign-in could not be renewed: \(error.message)")
            if ModuleFault(error) == .passing, host.isLost == false {
                // The module is signed out, but the session is otherwise intact: the next caller tries again.
                renewAt = .now
                scheduleRenewal(at: .now + Self.renewalPause)
                return error
            }
            life.signedOut(in: number)
            await dropHost()
        }
        return nil
    }

    /// The pause between a failed renewal and the next attempt.
    private static let renewalPause = Duration.seconds(30)

    /// Ends the session permanently: running commands are stopped, waiting ones dismissed, and the process and
    /// everything it started are ended.
    public func close() async {
        life.close()
        if !isLent { turns.close(MMError(.cancelled, "The session was closed before the command was sent.")) }
        renewal?.cancel()
        opening?.cancel()
        notifyStateChange()
        await dropHost()
        await settings.wire?.close()
        if let walls = settings.host.walls { try? await BlockingWork.run { walls.removeFolder() } }
    }
}
