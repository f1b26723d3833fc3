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
    /// Why the module signed in by itself although there was a token; told once.
    private var refusal: String?
    /// When the device code was shown; determines its expiry.
    var signInStarted: Timestamp?
    /// How often the service was asked whether the person has approved.
    private var polls = 0
    /// The queue of its callers.
    var turns: TurnQueue
    /// Whether the session is lent by a pool: the caller then holds the turn already.
    var isLent = false
    /// When the session was recently restarted automatically.
    private var restarts: [ContinuousClock.Instant] = []

    /// Creates a session that isn't started yet.
    public init(_ settings: PowerShellSessionSettings) {
        self.settings = settings
        turns = TurnQueue(limit: settings.queueLimit)
    }

    /// From now on its callers wait only in this queue, which belongs to the pool that lends the session.
    package func lend(through turns: TurnQueue) {
        self.turns = turns
        isLent = true
    }

    /// What its module is fed tokens for.
    package nonisolated var fedResources: [TokenResource] {
        guard let profile = settings.profile, let target = settings.target, profile.methods.contains(.tokens),
            settings.tokens != nil
        else { return [] }
        return (try? profile.resources(for: target)) ?? []
    }

    // MARK: Commands

    /// Sends a command when its turn comes, and returns its output.
    ///
    /// Starts the session if needed. If a person must sign in first, the call fails at once and the sign-in continues:
    /// the same call repeated later runs.
    /// - Parameters:
    ///   - command: the command to run.
    ///   - deadline: when to stop waiting or running. A running command is stopped then.
    /// - Throws: `invalidInput`; `signInNeeded` with code and URL; `forbidden` for a wrong account; `sessionLost`;
    ///   `deadlineExceeded`; `cancelled`; `unavailable` for something that isn't installed.
    public func run(_ command: PowerShellCommand, deadline: Deadline) async throws(MMError) -> PowerShellRun {
        try command.check()
        var command = command
        if settings.isConstrained { command.needs = ScriptNeeds(of: command.script) }
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
    ///   - limit: the maximum number of records to keep.
    /// - Throws: as `run` and reading the answer do.
    public func answer(
        _ command: PowerShellCommand, deadline: Deadline, limit: Int = 100_000
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
    public func prepare(deadline: Deadline) async throws(MMError) {
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
        var awaited: Int?
        var shown: DevicePrompt?
        var told = polls
        while true {
            if let host, host.isLost { hostLost("PowerShell was lost", host) }
            switch life.advise(awaited: awaited) {
            case .run(let identity): return identity
            case .open:
                beginOpening()
                awaited = life.generation
            case .signIn(let device):
                awaited = life.generation
                // Told again after each question to the service: who has come meanwhile learns that it still waits.
                if shown != device || told != polls {
                    (shown, told) = (device, polls)
                    prompt(signInNeeded(device))
                }
                try await waitForStateChange(deadline)
            case .fail(let error): throw error
            case .wait:
                awaited = life.generation
                try await waitForStateChange(deadline)
            }
        }
    }

    func beginOpening() {
        guard let number = life.beginOpening() else { return }
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
                if attempt == 1, error.code == .sessionLost, life.isOpening(number), case .wait = life.advise() {
                    continue
                }
                if error.code != .cancelled { settings.host.log?.warning("The session didn't open: \(error.message)") }
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
            wait: { [weak self] in await self?.stillWaits() })
        let result = try await procedure.run()
        isSilent = result.isSilent
        refusal = result.refusal
        renewAt = result.expires.map { $0 - settings.renewBefore }
        settings.host.log?.info("Signed in to \(profile.title) by \(result.identity.method).")
        return result.identity
    }

    /// Puts functions in front of the cmdlets that sign in: from here on a script's own sign-in is the session's. The sign-in that
    /// was just made, and those to come, name the module's own.
    private func standInFront(_ host: PowerShellHost) async throws(MMError) {
        guard let signIn = settings.ownSignIn, let profile = settings.profile else { return }
        let command = OwnSignInScript.command(signIn, module: profile.name)
        let answer = try await host.answer(command, deadline: .after(settings.connectTimeout))
        guard answer.end?.state != .completed else { return }
        throw SignInProcedure.failed("The session can't be prepared for a script's own sign-in", answer)
    }

    /// The person has not approved yet, as the service said just now.
    private func stillWaits() {
        polls += 1
        notifyStateChange()
    }

    /// What is to be said of the last sign-in beside the first answer after it.
    package func takeSignInNote() -> String? {
        defer { refusal = nil }
        return refusal.map { "\($0) Its own sign-in serves in its place." }
    }

    private func show(_ prompt: DevicePrompt, in number: Int) {
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

    /// A session that dies repeatedly is only restarted when it is needed.
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
