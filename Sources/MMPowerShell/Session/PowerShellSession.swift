public import MMCore
package import MMSessions
import MMSystem

/// A PowerShell that lasts: started once, signed in once, and used for many commands, one after the other.
///
/// Commands run in the order they came. A command is sent only when the session's account has been checked. When the
/// process is lost, the one caller whose command ran is told; the session starts and signs in anew, and commands that had
/// not been sent are sent then.
public actor PowerShellSession {
    let settings: PowerShellSessionSettings
    var life = SessionLife<DevicePrompt, SessionIdentity>()
    var host: PowerShellHost?
    /// Whether the host has the module loaded.
    var isPrepared = false
    /// Whether the last sign-in could be made again without a person.
    var isSilent = false
    /// When a fed token must be replaced.
    var renewAt: ContinuousClock.Instant?
    var renewal: Task<Void, Never>?
    var opening: Task<Void, Never>?
    var stateWaiters: [OneShot<Bool>] = []
    /// When the device code was shown, for its expiry.
    var signInStarted: Timestamp?
    /// Where its callers wait.
    var turns: TurnQueue
    /// Whether somebody lends the session: who calls then has the turn.
    var isLent = false
    /// When the session was started again by itself, lately.
    private var restarts: [ContinuousClock.Instant] = []

    /// A session that isn't started yet.
    public init(_ settings: PowerShellSessionSettings) {
        self.settings = settings
        turns = TurnQueue(limit: settings.queueLimit)
    }

    /// From now on its callers wait in the queue of somebody who lends the session, and there alone.
    package func lend(through turns: TurnQueue) {
        self.turns = turns
        isLent = true
    }

    // MARK: Commands

    /// Sends a command when it is its turn, and gives what comes from it.
    ///
    /// Starts the session where it isn't. When a person must sign in first, the answer comes at once and the sign-in goes
    /// on: the same call repeated later runs.
    /// - Parameters:
    ///   - command: what to run.
    ///   - deadline: when waiting or running ends. A command that runs is stopped then.
    /// - Throws: `invalidInput`; `signInNeeded` with code and address; `forbidden` for a wrong account; `sessionLost`;
    ///   `deadlineExceeded`; `cancelled`; `unavailable` for what isn't installed.
    public func run(_ command: PowerShellCommand, deadline: Deadline) async throws(MMError) -> PowerShellRun {
        try command.check()
        let turn = isLent ? turns.share() : try await turns.take(deadline)
        var isSecond = false
        while true {
            let host = try await readyHost(deadline)
            try deadline.check("waiting for the session; the command was not sent")
            do throws(HostLoss) {
                return try await host.run(command, deadline: deadline) { turn.giveBack() }
            } catch {
                hostLost(error.reason, host)
                // It never reached PowerShell: nothing can have been done twice.
                guard !error.wasSent, !isSecond, !deadline.hasPassed, !Task.isCancelled else { throw error.error }
                isSecond = true
            }
        }
    }

    /// Runs a command and reads all of its answer.
    /// - Parameters:
    ///   - command: what to run.
    ///   - deadline: when waiting or running ends.
    ///   - limit: most records that are kept.
    /// - Throws: as `run` and reading its answer do.
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
                if let renewAt, renewAt <= .now { await renew() }
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

    /// Starts PowerShell and loads the module, without a sign-in: a spare that is ready for one.
    /// - Throws: why it can't be started, with what to install or mend.
    public func prepare(deadline: Deadline) async throws(MMError) {
        guard host == nil, case .off = life.state else { return }
        let started = try await PowerShellHost.start(settings.host, deadline: deadline) { [weak self] reason in
            Task { await self?.noteLoss(reason) }
        }
        do throws(MMError) { try await SignInProcedure.prepare(started, settings) } catch {
            await started.close()
            throw error
        }
        // Somebody may have opened the session meanwhile.
        guard host == nil, case .off = life.state else {
            await started.close()
            return
        }
        host = started
        isPrepared = true
    }

    /// Starts and signs in, and waits for it, also for a person.
    /// - Parameters:
    ///   - deadline: how long to wait; the sign-in itself goes on.
    ///   - prompt: called when a person is needed, with what `run` would throw then.
    /// - Returns: who is signed in.
    /// - Throws: why it failed; `forbidden` for a wrong account.
    @discardableResult
    public func connect(
        deadline: Deadline = .never, prompt: @Sendable (MMError) -> Void = { _ in }
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
                if settings.isConstrained { try await host.constrain(deadline: .after(.seconds(30))) }
                if life.opened(identity, in: number) { scheduleRenewal() }
                break
            } catch {
                await dropHost()
                // Nobody's command was sent yet, and no code was shown: a process that just died is no reason to give up.
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
        // Closed while it started.
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
            settings: settings, profile: profile, target: target, host: host,
            show: { [weak self] prompt in await self?.show(prompt, in: number) })
        let result = try await procedure.run()
        isSilent = result.isSilent
        renewAt = result.expires.map { $0 - settings.renewBefore }
        settings.host.log?.info("Signed in to \(profile.title) by \(result.identity.method).")
        return result.identity
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
        // During an opening, the opening itself finds out.
        guard lost === host, life.lost(reason, in: life.generation) else { return }
        settings.host.log?.warning("The session's process was lost: \(reason).")
        host = nil
        isPrepared = false
        renewAt = nil
        renewal?.cancel()
        if isSilent, mayRestart() { beginOpening() }
        notifyStateChange()
    }

    /// A session that dies again and again is started again only when somebody wants it.
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
