package import MMCore
import MMGuard
package import MMPowerShell
package import MMSessions

/// A connection's session of one module, as the pool lends it: a PowerShell, or for Exchange and the compliance service
/// the native engine with a PowerShell beside it.
package struct ModuleSession: PooledSession {
    /// What runs its commands.
    package enum Runner: Sendable {
        /// A PowerShell alone.
        case powerShell(PowerShellSession)
        /// Both engines.
        case exchange(ExchangeSession)
    }

    /// What runs its commands.
    package let runner: Runner
    /// What its sign-in rests on.
    let ground: SignInBasis
    /// For whom it gets tokens.
    let bearer: SessionBearer
    /// What its scripts have left behind.
    package let scriptMemory = ScriptMemory()
    /// What keeps its PowerShell.
    let walls: SessionWalls
    /// Judges what it sends; nil where it reaches the network by itself.
    let requests: GrantedRequests?
    /// What it has sent.
    let sent: SentRequests
    /// What its first answer says besides.
    private let notices = SessionNotices()
    private static let signInLimit = Duration.seconds(900)

    /// Signs in, from the connection's own tokens where they serve, else with the module's device code. Whoever signs in to
    /// a module first is who the connection is pinned to.
    package func connect(prompt: @escaping @Sendable (JSONObject) -> Void) async throws(MMError) -> String {
        let account: String
        let identity: SessionIdentity?
        switch runner {
        case .exchange(let session):
            account = try await session.connect(prompt: prompt)
            identity = await session.powerShellIdentity
        case .powerShell(let session):
            let told = try await session.connect(deadline: .after(Self.signInLimit)) { error in
                var details = error.details
                if details["message"] == nil { details["message"] = .string(error.message) }
                prompt(details)
            }
            account = told.name
            identity = told
        }
        guard let identity else { return account }
        do throws(MMError) { try await ground.pin(identity) } catch {
            await signOut()
            throw error
        }
        return account
    }

    /// Runs a call's work: what it sends meanwhile is judged by what the call was let through for.
    func sending(
        _ turn: CallTurn, of connection: Connection, _ work: () async throws(MMError) -> SessionAnswer
    ) async throws(MMError) -> SessionAnswer {
        if requests == nil, turn.isDryRun { throw DryRun.withoutWire(connection) }
        try bearer.check()
        requests?.begin(turn)
        let ran = await Result { () async throws(MMError) in try await work() }
        var traffic = requests?.end()
        if let question = traffic?.report.question { traffic?.pending = await turn.pending(question) }
        if requests != nil { await sent.flush() }
        var answer = try ran.get()
        guard answer.engine == .pwsh else { return answer }
        answer.traffic = traffic
        answer.notices = notices.take(walls)
        return answer
    }

    /// Whether it was signed in with a token of the connection's own sign-in.
    private var isFed: Bool {
        get async {
            switch runner {
            case .exchange(let session): await session.isFed
            case .powerShell(let session): await session.identity?.usesSuppliedToken ?? false
            }
        }
    }

    /// Asks the service whether the sign-in still works. Where the person's token has ended there is nothing to ask with: their
    /// next call brings another, and the session goes on.
    package func checkHealth() async throws(MMError) {
        if bearer.isCaller, (try? bearer.check()) == nil { return }
        switch runner {
        case .exchange(let session): try await session.checkHealth()
        case .powerShell(let session): try await session.checkHealth(deadline: .after(.seconds(30)))
        }
    }

    /// Its PowerShell's callers wait in the pool's queue alone.
    package func lend(through turns: TurnQueue) async {
        switch runner {
        case .exchange(let session): await session.lend(through: turns)
        case .powerShell(let session): await session.lend(through: turns)
        }
    }

    /// Whether it can take a command: it lives, and what its sign-in rests on still stands.
    package var isUsable: Bool {
        get async {
            guard await ground.isValid(isFed: isFed) else { return false }
            return switch runner {
            case .exchange(let session): await session.isUsable
            case .powerShell(let session): await session.isUsable
            }
        }
    }

    /// Whether it was started and waits for its first sign-in.
    package var isSpare: Bool {
        get async {
            guard await ground.isValid(isFed: false) else { return false }
            return switch runner {
            case .exchange(let session): await session.isSpare
            case .powerShell(let session): await session.isSpare
            }
        }
    }

    /// Signs the module out of this session.
    package func signOut() async {
        switch runner {
        case .exchange(let session): await session.signOut()
        case .powerShell(let session): await session.signOut(deadline: .after(.seconds(20)))
        }
    }

    /// Memory of PowerShell in bytes.
    package var memory: Int? {
        get async {
            switch runner {
            case .exchange(let session): await session.memory
            case .powerShell(let session): await session.memory
            }
        }
    }

    /// The engines it has.
    package var engine: String? {
        get async {
            switch runner {
            case .exchange(let session): await session.engine
            case .powerShell: Engine.pwsh.rawValue
            }
        }
    }

    /// Ends PowerShell and all it started.
    package func close() async {
        switch runner {
        case .exchange(let session): await session.close()
        case .powerShell(let session): await session.close()
        }
    }
}
