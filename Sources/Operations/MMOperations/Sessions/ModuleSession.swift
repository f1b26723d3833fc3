package import MMCore
package import MMDesk
import MMGuard
import MMIdentity
import MMPowerShell
package import MMSessions

/// A connection's session of one module, as the pool lends it: a PowerShell, or for Exchange and the compliance service
/// the native engine with a PowerShell if needed.
package final class ModuleSession: LentSession {
    /// The engine or engines that run its commands.
    package enum Runner: Sendable {
        /// Only a PowerShell.
        case powerShell(GuardedPowerShell)
        /// Both engines.
        case exchange(ExchangeSession)
    }

    /// The engine or engines that run its commands.
    package let runner: Runner
    /// The basis of its sign-in.
    let basis: SignInBasis
    /// The account whose tokens it uses.
    let bearer: SessionBearer
    /// The state that its scripts have left.
    package let scriptMemory = ScriptMemory()
    /// The variables that its scripts have left.
    let variables: HeldVariables
    /// The confinement of its PowerShell.
    let walls: SessionWalls
    /// The judge of its requests; `nil` if it reaches the network directly.
    let requests: GrantedRequests?
    /// The record of its requests.
    let sent: SentRequests
    /// The watch for the end of its sign-in.
    let watch: SignInWatch
    /// The service through which the connection's person signs in again.
    let identity: IdentityService
    /// The notes in its first answer.
    private let notices = SessionNotices()
    /// Whether it signs in while the connection has no sign-in whose tokens its module could get.
    private let lackedSignIn = Mutex(false)
    private static let signInLimit = Duration.seconds(900)
    /// The time limit of a health check. It is shorter than the pool's, so that a check without an answer is stopped
    /// and the session continues.
    static let healthLimit = Duration.seconds(20)

    init(
        runner: Runner, basis: SignInBasis, bearer: SessionBearer, variables: HeldVariables, walls: SessionWalls,
        requests: GrantedRequests?, sent: SentRequests, watch: SignInWatch, identity: IdentityService
    ) {
        (self.runner, self.basis, self.bearer, self.variables) = (runner, basis, bearer, variables)
        (self.walls, self.requests, self.sent, self.watch, self.identity) = (walls, requests, sent, watch, identity)
    }

    /// Signs in with the connection's own tokens if they are suitable, otherwise with the module's device code. The
    /// first account that signs in to a module is the one that the connection is pinned to.
    package func connect(report: @escaping @Sendable (SignInStep) -> Void) async throws(MMError) -> String {
        await noteLack()
        try await mendSignIn(report: report)
        lackedSignIn.withLock { $0 = false }
        await noteLack()
        // That a service wants another step may show only when the module's tokens are asked for.
        let noting: @Sendable (SignInStep) -> Void = { [self] step in
            if case .personNeeded = step { Task { await noteLack() } }
            report(step)
        }
        let account: String
        let identity: SessionIdentity?
        switch runner {
        case .exchange(let session):
            account = try await session.connect(report: noting)
            identity = await session.powerShellIdentity
        case .powerShell(let session):
            let told = try await session.connect(deadline: .after(Self.signInLimit), report: noting)
            account = told.name
            identity = told
        }
        guard let identity else { return account }
        do throws(MMError) { try await basis.pin(identity) } catch {
            await signOut()
            throw error
        }
        return account
    }

    /// Asks the connection's person to sign in again if the sign-in has ended, with one device code for all modules
    /// that it served.
    private func mendSignIn(report: @escaping @Sendable (SignInStep) -> Void) async throws(MMError) {
        guard let end = await bearer.end(for: services) else { return }
        let connection = bearer.connection
        guard connection.auth.method == .device, !Attendance.isUnattended else {
            throw end.error(of: connection.name)
        }
        let show: @Sendable (SignInPrompt) async -> Void = { report(.personNeeded($0.details)) }
        _ = try await identity.signIn(
            to: connection, resource: services.first ?? .graph, deadline: .after(Self.signInLimit), telling: show)
        report(.approved)
    }

    private func noteLack() async {
        if await lacksSignIn { lackedSignIn.withLock { $0 = true } }
    }

    /// Whether the connection has no sign-in of its own that counts for its module.
    private var lacksSignIn: Bool {
        get async {
            guard await bearer.holdsOwnAccount() else { return true }
            return await bearer.end(for: services) != nil
        }
    }

    /// The services whose tokens its module gets.
    private var services: [ServiceResource] {
        switch runner {
        case .exchange(let session): [session.resource]
        case .powerShell(let session): session.fedResources.compactMap(ConnectionTokens.service)
        }
    }

    /// Admits a script if its variables are available.
    /// - Throws: `sessionLost` if it reads a variable that was lost with an earlier session.
    func admit(_ needs: VariableNeeds) async throws(MMError) {
        switch runner {
        case .exchange(let session):
            try await variables.admit(needs, process: nil, dropped: await session.droppedVariables)
        case .powerShell(let session): try await variables.admit(needs, process: await session.processID)
        }
    }

    /// Runs a call's work. Its requests are judged by the call's permission, including those of jobs that it leaves
    /// running, for which this waits.
    /// - Parameters:
    ///   - deadline: the call's deadline.
    ///   - report: receives what is being waited for.
    func sending(
        _ turn: CallTurn, of connection: Connection, deadline: Deadline, report: @escaping @Sendable (String) -> Void,
        _ work: () async throws(MMError) -> SessionAnswer
    ) async throws(MMError) -> SessionAnswer {
        if requests == nil, turn.isDryRun { throw DryRun.withoutWire(connection) }
        try bearer.check()
        requests?.begin(turn)
        let ran = await Result { () async throws(MMError) -> SessionAnswer in
            guard requests != nil, turn.grant.coversChanges else { return try await work() }
            var jobs = try await StartedJobs(before: await powerShell, deadline: deadline)
            var answer = try await work()
            guard case .powerShell(let left) = answer.output, let powerShell = await powerShell else { return answer }
            do throws(MMError) { try await jobs.wait(in: powerShell, deadline: deadline, report: report) } catch {
                throw error.withOutput(left.values)
            }
            answer.jobs = jobs
            return answer
        }
        await requests?.settle()
        var traffic = requests?.end()
        if let question = traffic?.report.question { traffic?.pending = await turn.pending(question) }
        if requests != nil { await sent.flush() }
        if let end = watch.end {
            // Otherwise the same sign-in may go on once somebody has changed what is in its way.
            if watch.isModulesOwn, end.code == .signInNeeded { await bearer.forgetModule() }
            // The script may have done less than its output says.
            var told = end
            told.details["changed"] = .bool(traffic.map { !$0.report.sent.isEmpty } ?? true)
            throw told
        }
        var answer = try ran.get()
        guard answer.engine == .pwsh else { return answer }
        answer.traffic = traffic
        answer.notices = notices.take(walls, bearer) + [await powerShell?.takeSignInNote()].compactMap(\.self)
        answer.notices += turn.journal?.told ?? []
        return answer
    }

    /// The PowerShell that it currently has.
    private var powerShell: GuardedPowerShell? {
        get async {
            switch runner {
            case .exchange(let session): await session.currentPowerShell
            case .powerShell(let session): session
            }
        }
    }

    /// Whether it is signed in with a token of the connection's own sign-in.
    private var isFed: Bool {
        get async {
            switch runner {
            case .exchange(let session): await session.isFed
            case .powerShell(let session): await session.identity?.usesSuppliedToken ?? false
            }
        }
    }

    /// Asks the service whether the sign-in still works. If a caller's token has expired, the check is skipped: the
    /// person's next call brings another token, and the session is kept.
    package func checkHealth() async throws(MMError) {
        if bearer.isCaller, (try? bearer.check()) == nil { return }
        do throws(MMError) {
            switch runner {
            case .exchange(let session): try await session.checkHealth()
            case .powerShell(let session): try await session.checkHealth(deadline: .after(Self.healthLimit))
            }
        } catch {
            if error.code == .signInNeeded { watch.noteEnd(error) }
            throw error
        }
    }

    /// Makes the callers of its PowerShell wait only in the pool's queue.
    package func lend(through turns: TurnQueue) async {
        switch runner {
        case .exchange(let session): await session.lend(through: turns)
        case .powerShell(let session): await session.lend(through: turns)
        }
    }

    /// Whether it can run a command: its process lives, and the basis of its sign-in is still valid.
    package var isUsable: Bool {
        get async {
            guard watch.end == nil, await basis.isValid(fedBy: isFed ? bearer : nil) else { return false }
            return switch runner {
            case .exchange(let session): await session.isUsable
            case .powerShell(let session): await session.isUsable
            }
        }
    }

    /// The reason why a person has to sign in before it can run a command.
    package var missingSignIn: MMError? {
        get async {
            if let end = watch.end { return end }
            guard await isFed, let end = await bearer.end(for: services) else { return nil }
            return end.error(of: bearer.connection.name)
        }
    }

    /// Whether the code that its module showed serves no more: the connection has been signed in meanwhile, so that it
    /// gets tokens without one, or was edited so that it would sign in differently.
    package var isPromptObsolete: Bool {
        get async {
            guard await basis.isValid(fedBy: nil) else { return true }
            guard lackedSignIn.withLock({ $0 }), !services.isEmpty else { return false }
            return await !lacksSignIn
        }
    }

    /// Whether it was started and is waiting for its first sign-in.
    package var isSpare: Bool {
        get async {
            guard await basis.isValid(fedBy: nil) else { return false }
            return switch runner {
            case .exchange(let session): await session.isSpare
            case .powerShell(let session): await session.isSpare
            }
        }
    }

    /// Starts what else a session that is kept ready needs.
    package func warmUp() async throws(MMError) {
        if case .exchange(let session) = runner { try await session.warmUp() }
    }

    /// Signs the module out of this session.
    package func signOut() async {
        switch runner {
        case .exchange(let session): await session.signOut()
        case .powerShell(let session): await session.signOut(deadline: .after(.seconds(20)))
        }
    }

    /// The memory of PowerShell in bytes.
    package var memory: Int? {
        get async {
            switch runner {
            case .exchange(let session): await session.memory
            case .powerShell(let session): await session.memory
            }
        }
    }

    /// The engines that it has.
    package var engine: String? {
        get async {
            switch runner {
            case .exchange(let session): await session.engine
            case .powerShell: Engine.pwsh.rawValue
            }
        }
    }

    /// Ends PowerShell and all processes that it started.
    package func close() async {
        switch runner {
        case .exchange(let session): await session.close()
        case .powerShell(let session): await session.close()
        }
    }
}

/// The notes in the first answer of a session's PowerShell: limits that its caller would otherwise not expect.
final class SessionNotices: Sendable {
    private let isTold = Mutex(false)

    /// Returns the notes about the session's confinement and sign-in; none after the first time.
    func take(_ walls: SessionWalls, _ bearer: SessionBearer) -> [String] {
        let isFirst = isTold.withLock { isTold in
            defer { isTold = true }
            return !isTold
        }
        guard isFirst else { return [] }
        let consents = bearer.consentMissing.sorted { $0.key.name < $1.key.name }.map { resource, error in
            "Signed in with the module's own app: \(ConsentAdvice.text(error, resource, of: bearer.connection.name))"
        }
        return [walls.notice].compactMap(\.self) + consents
    }
}

/// The confinement of a connection's PowerShell sessions, whose only network access is the proxy. The guard's verdict,
/// the start of a session and notes to callers depend on it.
struct SessionWalls: Sendable {
    /// The state of the confinement.
    enum Standing: Sendable {
        /// The sessions are confined behind the proxy.
        case up
        /// The owner wants no confinement, or sessions with direct network access, which can't be confined.
        case unwanted
        /// The kernel doesn't support it.
        case missing(MMError)
    }

    /// The state of the confinement.
    let standing: Standing
    /// The reason why confined sessions can also reach other hosts at the port of their proxy; `nil` if they can't.
    private let leak: MMError?
    private let connection: Connection

    /// Determines the confinement of a connection's sessions on this machine.
    init(of connection: Connection) {
        self.connection = connection
        leak = HostWalls.networkProblem()
        standing =
            if connection.confinement == .off || connection.egress == .off {
                .unwanted
            } else if let problem = HostWalls.problem() {
                .missing(problem)
            } else {
                .up
            }
    }

    /// Whether everything in a session is confined, and all its requests are judged.
    var isUp: Bool {
        if case .up = standing { true } else { false }
    }

    /// Refuses a session if it would be less confined than its connection requires.
    func check() throws(MMError) {
        guard connection.confinement == .required else { return }
        let (why, hint): (String, String?) =
            switch standing {
            case .up: leak.map { ($0.message, $0.hint) } ?? ("", nil)
            case .unwanted:
                (
                    "its sessions reach the network directly (`egress`)",
                    "Remove the key egress: mm connections edit \(ShellWord.quoted(connection.name)) egress="
                )
            case .missing(let problem): (problem.message, problem.hint)
            }
        guard let hint else { return }
        throw MMError(
            .unsupported, "The connection \(connection.name) requires confined sessions (`confinement`), but \(why)",
            hint: "\(hint); or allow sessions without full confinement: mm connections edit "
                + "\(ShellWord.quoted(connection.name)) confinement=preferred")
    }

    /// The note in a session's first answer, if it is less confined than its caller would expect.
    var notice: String? {
        switch standing {
        case .up: leak.map { "This session is not fully confined. \($0.message)" }
        case .unwanted where connection.egress == .off:
            "This session connects to the network directly (\"egress\": \"off\"): its requests are not judged, it "
                + "holds its tokens, and it is not confined."
        case .unwanted:
            "This session is not confined (\"confinement\": \"off\"): its scripts can use all files and programs of this "
                + "user."
        case .missing(let problem):
            "This session is not confined: its scripts can use all files and programs of this user. \(problem.message)"
        }
    }

    /// Confines a session that is about to be started.
    func raise(
        around settings: inout PowerShellSessionSettings, paths: StatePaths, environment: [String: String]
    ) {
        guard isUp else { return }
        let shared = connection.shared.map { $0.hasPrefix("~/") ? paths.home + $0.dropFirst() : $0 }
        let hidden = paths.ownFiles + [ShellsConfiguration.path(environment, home: paths.home)]
        settings.host.confine(behind: HostWalls(in: settings.host.folder, shared: shared, hidden: hidden))
    }
}
