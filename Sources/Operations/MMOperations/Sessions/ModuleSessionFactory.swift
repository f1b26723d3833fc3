package import MMCore
import MMDesk
import MMEgress
import MMGuard
package import MMIdentity
import MMPowerShell
package import MMSessions
import PowerShellSyntax

/// Starts PowerShell for a connection and module, with its own home.
package struct ModuleSessionFactory: SessionFactory {
    private let environment: [String: String]
    private let paths: StatePaths
    private let registry: ConnectionRegistry
    private let identity: IdentityService
    private let guards: CurrentGuard
    private let sent: SentRequests
    private let variables: SessionVariables
    private let log: Log

    /// Creates a factory for a user's connections.
    package init(
        environment: [String: String], paths: StatePaths, registry: ConnectionRegistry, identity: IdentityService,
        guards: CurrentGuard, sent: SentRequests, variables: SessionVariables, log: Log
    ) {
        self.environment = environment
        self.paths = paths
        self.registry = registry
        self.identity = identity
        self.guards = guards
        self.sent = sent
        self.variables = variables
        self.log = log
    }

    /// Starts a session that isn't signed in yet. A session of the native engine starts no process; its PowerShell is
    /// started when a script needs it.
    package func start(_ key: SessionKey) async throws(MMError) -> ModuleSession {
        let snapshot = try registry.snapshot()
        let basis = try SignInBasis(
            of: key.connection, module: key.module, in: snapshot, registry: registry, paths: paths)
        let connection = basis.connection
        let bearer = SessionBearer(
            of: try Self.bearer(of: key.module, connection, known: snapshot.knownModuleApps), identity,
            signedIn: key.signedIn, module: key.module)
        let watch = SignInWatch()
        let walls = SessionWalls(of: connection)
        let held = HeldVariables(of: key, in: variables)
        let requests =
            connection.egress == .off
            ? nil
            : GrantedRequests(
                guards: guards, policy: GuardPolicy(of: connection, environment: environment),
                connection: connection.name,
                groups: SecurityGroups(identity: identity, connection: connection))
        let makePowerShell = { @Sendable () async throws(MMError) -> GuardedPowerShell in
            try await powerShell(key, bearer, requests, watch)
        }
        let runner: ModuleSession.Runner =
            if RunModule.isNative(key.module) {
                .exchange(
                    try ExchangeSession(
                        module: key.module, connection: connection, identity: identity, bearer: bearer,
                        makePowerShell: RunModule.hasPowerShell(key.module) ? makePowerShell : nil))
            } else {
                .powerShell(try await makePowerShell())
            }
        return ModuleSession(
            runner: runner, basis: basis, bearer: bearer, variables: held, walls: walls, requests: requests,
            sent: sent, watch: watch, identity: identity)
    }

    private func powerShell(
        _ key: SessionKey, _ bearer: SessionBearer, _ requests: GrantedRequests?, _ watch: SignInWatch
    ) async throws(MMError) -> GuardedPowerShell {
        let connection = bearer.connection
        try checkPerson(bearer)
        watch.begin()
        let walls = SessionWalls(of: connection)
        try walls.check()
        let snapshot = try registry.snapshot()
        let login = connection.cloud == "sandbox" ? try identity.cloud(of: connection).login : nil
        // One of several people is identified by their own token, not by the account that the connection is pinned to.
        let pin = bearer.isCaller ? bearer.account : try PinStore(path: paths.pinFile).pin(of: connection.name)
        var settings = try PowerShellSessionSettings(
            connection: connection, module: key.module, knownApps: snapshot.knownModuleApps, pin: pin,
            location: try SessionPowerShell.location(sandbox: login, environment), paths: paths,
            environment: environment, sandboxLogin: login,
            tokens: ConnectionTokens(of: bearer, cloud: try identity.cloud(of: connection)))
        settings.target?.scopes = ConnectionUse.graphScopes(of: connection)
        // Each person's sessions have their own home, so that none finds another person's files.
        if let signedIn = key.signedIn {
            settings.host.folder += "@" + Hex.text(SHA256.digest(signedIn.utf8).prefix(6))
        }
        settings.host.log = log.scoped(key.connection, key.module)
        // Callers of any server may use the session, so connections that only some servers may see aren't named.
        settings.ownSignIn = OwnSignIn(
            of: connection, among: snapshot.connections.filter { $0.mcps == nil }, pins: paths.pinFile)
        // This marks all processes that the session starts, because none of them may confirm in a person's place.
        settings.host.environment["MM_SESSION"] = key.description
        walls.raise(around: &settings, paths: paths, environment: environment)
        if let requests, let hosts = connection.egress.allowed {
            try await ModuleWire(
                key: key, connection: connection, bearer: bearer, identity: identity, environment: environment,
                requests: requests, sent: sent, pins: paths.pinFile, log: log.scoped(key.connection, key.module),
                watch: watch
            ).open(for: &settings, allowing: hosts)
        } else {
            settings.host.passNetwork(of: environment)
        }
        let session = GuardedPowerShell(settings)
        do throws(MMError) { try await session.prepare(deadline: .after(settings.host.startTimeout)) } catch {
            await session.close()
            throw error
        }
        return session
    }

    /// Returns the account for which a module's tokens are got. A module that shows no device code itself is signed in
    /// by the pool, with the connection's app for it.
    private static func bearer(
        of module: String, _ connection: Connection, known: [String: String]
    ) throws(MMError) -> Connection {
        guard let profile = try? ModuleProfiles.named(module), !profile.methods.contains(.device) else {
            return connection
        }
        let app = connection.appID(for: profile.name, known: known)
        guard !app.isEmpty, app.lowercased() != connection.appId?.lowercased() else { return connection }
        return try connection.with(["appId": .string(app)])
    }

    /// Checks that there is a person: a PowerShell acts for one person as long as it runs.
    private func checkPerson(_ bearer: SessionBearer) throws(MMError) {
        let auth = bearer.connection.auth
        guard auth.method == .onBehalfOf else { return }
        if bearer.isCaller { return try bearer.check() }
        guard auth.assertionFile == nil, auth.assertionVariable == nil else { return }
        let name = bearer.connection.name
        throw MMError(
            .unsupported, "\(name) acts on behalf of its callers, and this caller is not signed in.",
            hint:
                "Let callers of mm-mcp sign in with --oauth-issuer (Docs/StartAgents.md), or set a file with the person's token: "
                + "mm connections edit \(ShellWord.quoted(name)) auth.assertionFile=/path.",
            details: ["connection": .string(name)])
    }
}

/// The setup of a session's proxy: the proxy is the only network access of its processes, and they get placeholders
/// instead of tokens.
struct ModuleWire: Sendable {
    let key: SessionKey
    let connection: Connection
    let bearer: SessionBearer
    let identity: IdentityService
    let environment: [String: String]
    let requests: GrantedRequests
    let sent: SentRequests
    /// The file with the accounts that connections are pinned to.
    let pins: String
    let log: Log
    /// The watch for the end of the session's sign-in.
    let watch: SignInWatch

    /// Opens the proxy of a session that is about to be started; the session's end closes it.
    /// - Throws: `.unavailable` if it can't be opened; the error says what to install or change.
    func open(for settings: inout PowerShellSessionSettings, allowing hosts: [PlainHostName]) async throws(MMError) {
        let cloud = try identity.cloud(of: connection)
        let (processes, news) = (SessionProcesses(), SignInFeed())
        let cloudPages = settings.target?.cloud
        let wire = ConnectionWire(
            connection: connection, module: key.module, bearer: bearer, identity: identity, requests: requests,
            sent: sent, pins: pins, log: log)
        var configuration = try wire.configuration(
            key.description, allowing: hosts, folder: settings.host.home, environment: environment
        ) { event in
            if let step = wire.record(event) { note(step, telling: news, cloudPages) }
        }
        configuration.cmdlets = { [requests] in await requests.carryOut(cmdlet: $0) }
        configuration.signIns.current = { news.current }
        configuration.processes = { processes.all() }
        configuration.likelyProcesses = { processes.main }
        let expected = settings
        configuration.identityCheck = { identity in
            guard let error = expected.refusal(of: TokenClaims(identity)) else { return nil }
            news.post(.refused(error))
            return RequestRefusal(code: "wrong_account", message: error.message)
        }
        let vault = configuration.vault
        let session: EgressSession
        do throws(MMError) { session = try await EgressSession.start(configuration) } catch {
            var told = error.about("The session's proxy can't be started")
            let way =
                "mm connections edit \(ShellWord.quoted(connection.name)) egress=off lets its sessions connect without the proxy."
            told.hint = [error.hint, way].compactMap(\.self).joined(separator: "; or: ")
            throw told
        }
        settings.host.processes = processes
        settings.host.requests = OpenRequests(cut: { session.cutRequests() }, admit: { session.admitRequests() })
        settings.host.walls?.egressPort = session.port
        settings.host.walls?.takesListener = { session.serve(inside: $0) }
        settings.host.environment.merge(session.environment) { _, wire in wire }
        settings.tokens = ConnectionTokens(of: bearer, cloud: cloud, vault: vault)
        settings.wire = SessionWire(signIns: news) { await session.close() }
    }

    // MARK: What happens

    private func note(_ step: SignInEvent, telling news: SignInFeed, _ pages: ModuleCloud?) {
        switch step {
        case .code(let code): news.post(.code(DevicePrompt(code, pages)))
        case .pending(let trouble): news.post(.pending(trouble: trouble))
        case .failed(let error):
            news.post(.refused(signInError(error)))
        case .refreshToken(let grant, let account):
            // A refresh token from a script's own, additional sign-in isn't stored.
            guard account == nil || news.current != nil else { return }
            let (bearer, log) = (bearer, log)
            let known = account.map {
                IdentityService.ModuleAccount(
                    tenantID: $0.tenantID, objectID: $0.objectID, username: $0.username ?? "")
            }
            Task {
                do throws(MMError) {
                    try await bearer.keep(grant.refreshToken, app: grant.clientID, scope: grant.scope, known)
                } catch {
                    log.warning("the module's sign-in can't be saved: \(error.message)")
                }
            }
        case .over(let error, let isModulesOwn):
            if watch.noteEnd(error, isModulesOwn: isModulesOwn) {
                log.warning("the session's sign-in has ended: \(error.message)")
            }
        case .signedIn: news.post(.approved)
        }
    }

    /// Returns the error for a failed sign-in of a module, with what helps.
    private func signInError(_ error: EntraError) -> MMError {
        var told = error.mmError(for: "Signing in to \(connection.name)", connection: connection.name, by: .module)
        let name = ShellWord.quoted(connection.name)
        guard told.details["nextWay"] != nil else { return told }
        let app =
            connection.appId == nil
            ? "first give the connection its own app: mm connections edit \(name) appId=ID; then " : ""
        told.hint =
            (error.advice.map { $0.advice + " " } ?? "")
            + "A policy refuses device codes, so another code won't help. Try a browser on this machine (\(app)mm login \(name) "
            + "--browser), or sign in as an app: mm connections edit \(name) auth=certificate."
        return told
    }
}

extension TokenClaims {
    /// Creates the identity that the sign-in service reports. Apps have no sign-in name.
    fileprivate init(_ identity: SignedInIdentity) {
        self.init(
            account: identity.username, objectID: identity.objectID, tenantID: identity.tenantID,
            appID: identity.clientID, isApp: identity.username == nil)
    }
}

extension DevicePrompt {
    /// Creates the prompt for a person from the sign-in service's device code.
    fileprivate init(_ code: SignInCode, _ cloud: ModuleCloud?) {
        let page = cloud.map { $0.shows(page: code.address) ? code.address : $0.devicePage } ?? code.address
        self.init(
            userCode: code.userCode, verificationURI: page,
            message: "To sign in, open the page \(page) and enter the code \(code.userCode).",
            expiresAt: code.expiresAt)
    }
}
