public import MMCore
import MMSessions
import MMSystem

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
    public var isSpare: Bool {
        guard case .off = life.state, let host else { return false }
        return isPrepared && !host.isLost
    }

    /// Signs out of the service after the running command, and accepts no further one before a new sign-in.
    /// - Parameter deadline: when to give up.
    public func signOut(deadline: Deadline) async {
        guard let turn = isLent ? turns.share() : try? await turns.take(deadline) else { return }
        defer { turn.release() }
        guard life.identity != nil, let host, let profile = settings.profile else { return }
        _ = try? await host.answer(profile.disconnect, deadline: deadline)
        life.signedOut(in: life.generation)
        notifyStateChange()
    }

    /// The resident memory of PowerShell in bytes.
    public var memory: Int? { host?.memory }

    /// Returns the other processes of the session: background jobs and what they started.
    public func jobs() async -> [String] {
        await host?.others().map { "\($0.name) (\($0.id))" } ?? []
    }

    /// Asks the service whether the sign-in still works, if nobody uses the session. A command that arrives meanwhile
    /// takes precedence.
    ///
    /// Only a sign-in that is over ends the session. After any other fault it goes on as it is: the service may be away for
    /// a minute, and a person can't be asked to sign in again for that.
    /// - Parameter deadline: when the check is cancelled; if it can't be cancelled, the process is ended.
    /// - Throws: `signInNeeded` if the sign-in has ended, `sessionLost`; `unavailable` and `deadlineExceeded` for what says
    ///   nothing of the sign-in.
    public func checkHealth(deadline: Deadline) async throws(MMError) {
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
            settings.host.log?.warning("The keep-alive failed, and is tried again later: \(why)")
            throw MMError(.unavailable, "The service could not be asked how the session is.", cause: why)
        }
        settings.host.log?.warning("The keep-alive failed: \(answer.problem ?? "the sign-in is over")")
        life.signedOut(in: number)
        notifyStateChange()
        throw MMError(
            .signInNeeded, "The sign-in of \(identity.name) is over.", hint: "Run the command again to sign in again.",
            cause: answer.problem)
    }

    /// Signs in anew in time before a fed token ends, as soon as nobody uses the session.
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
        // Whoever comes next renews it before their command, so that nothing may be left to do when the turn comes.
        guard let turn = try? await turns.take(.never) else { return }
        if let renewAt, renewAt <= .now { _ = await renew() }
        turn.release()
    }

    /// Replaces the sign-in with one that uses a fresh token. Only the caller may use the session meanwhile.
    /// - Returns: what is missing for it, where the session stays as it is until the next command.
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
            let method: SignInMethod
            do throws(MMError) { method = try await procedure.choose() } catch {
                // Nobody can be asked: who brings the next token, with their next call to a server say, finds their
                // variables then.
                if error.code == .signInNeeded, !settings.mayAskPerson {
                    renewAt = .now
                    return error
                }
                guard ModuleFault(error) == .passing else { throw error }
                // The token that the module has may last a little longer.
                settings.host.log?.warning("The sign-in is renewed a little later: \(error.message)")
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
                // The module is signed out, but nothing else is lost: whoever comes next tries again.
                renewAt = .now
                scheduleRenewal(at: .now + Self.renewalPause)
                return error
            }
            life.signedOut(in: number)
            await dropHost()
        }
        return nil
    }

    /// How long after a failed renewal the next one is tried.
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
