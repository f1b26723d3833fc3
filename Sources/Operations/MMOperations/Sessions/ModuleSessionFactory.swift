package import MMCore
import MMGuard
package import MMIdentity
import MMPowerShell
package import MMSessions
import PowerShellSyntax

/// Starts PowerShell for a connection and module, with a home of its own.
package struct ModuleSessionFactory: SessionFactory {
    private let environment: [String: String]
    private let paths: StatePaths
    private let registry: ConnectionRegistry
    private let identity: IdentityService
    private let guards: CurrentGuard
    private let sent: SentRequests
    private let variables: SessionVariables
    private let log: Log

    /// A factory over a user's connections.
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

    /// Starts a session that is not signed in yet. A session of the native engine starts nothing: its PowerShell comes
    /// when a script needs it.
    package func start(_ key: SessionKey) async throws(MMError) -> ModuleSession {
        let snapshot = try registry.snapshot()
        let connection = try snapshot.connection(named: key.connection)
        let ground = SignInBasis(of: connection, registry: registry, paths: paths)
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
        if RunModule.isNative(key.module) {
            var makePowerShell: (@Sendable () async throws(MMError) -> PowerShellSession)?
            if RunModule.hasPowerShell(key.module) {
                makePowerShell = { () async throws(MMError) -> PowerShellSession in
                    try await self.powerShell(key, bearer, requests, watch)
                }
            }
            let session = try ExchangeSession(
                module: key.module, connection: connection, identity: identity, bearer: bearer,
                makePowerShell: makePowerShell)
            return ModuleSession(
                runner: .exchange(session), ground: ground, bearer: bearer, variables: held, walls: walls,
                requests: requests, sent: sent, watch: watch, identity: identity)
        }
        let session = try await powerShell(key, bearer, requests, watch)
        return ModuleSession(
            runner: .powerShell(session), ground: ground, bearer: bearer, variables: held, walls: walls,
            requests: requests, sent: sent,
            watch: watch, identity: identity)
    }

    private func powerShell(
        _ key: SessionKey, _ bearer: SessionBearer, _ requests: GrantedRequests?, _ watch: SignInWatch
    ) async throws(MMError) -> PowerShellSession {
        let connection = bearer.connection
        try checkPerson(bearer)
        watch.begin()
        let walls = SessionWalls(of: connection)
        try walls.check()
        let snapshot = try registry.snapshot()
        let login = connection.cloud == "sandbox" ? try identity.cloud(of: connection).login : nil
        // One of several people is who their own token names, whoever was pinned for the connection.
        let pin = bearer.isCaller ? bearer.account : try PinStore(path: paths.pinFile).pin(of: connection.name)
        var settings = try PowerShellSessionSettings(
            connection: connection, module: key.module, knownApps: snapshot.knownModuleApps, pin: pin,
            location: try SessionPowerShell.location(for: connection, sandbox: login, environment), paths: paths,
            environment: environment,
            sandboxLogin: login,
            tokens: ConnectionTokens(of: bearer, cloud: try identity.cloud(of: connection)))
        settings.target?.scopes = ConnectionUse.graphScopes(of: connection)
        // Nobody's session finds what another's left in its home.
        if let signedIn = key.signedIn {
            settings.host.folder += "@" + Hex.text(SHA256.digest(signedIn.utf8).prefix(6))
        }
        settings.host.log = log.scoped(key.connection, key.module)
        // A session may serve any server that the connection is for: what only some may see is named to none.
        settings.ownSignIn = OwnSignIn(
            of: connection, among: snapshot.connections.filter { $0.mcps == nil }, pins: paths.pinFile)
        // What runs in a session can't confirm for a person: this marks everything it starts.
        settings.host.environment["MM_SESSION"] = key.description
        walls.raise(around: &settings, paths: paths, environment: environment)
        if let requests, let hosts = connection.egress.allowed {
            try await ModuleWire(
                key: key, connection: connection, bearer: bearer, identity: identity, environment: environment,
                requests: requests,
                sent: sent, pins: paths.pinFile, log: log.scoped(key.connection, key.module), watch: watch
            ).open(for: &settings, allowing: hosts)
        } else {
            settings.host.passNetwork(of: environment)
        }
        let session = PowerShellSession(settings)
        do throws(MMError) { try await session.prepare(deadline: .after(settings.host.startTimeout)) } catch {
            await session.close()
            throw error
        }
        return session
    }

    /// As whom a module's tokens are got. A module that shows no code of its own is signed in by the pool, as the app that the
    /// connection has for it.
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

    /// A PowerShell acts for one person as long as it lives: there must be one.
    private func checkPerson(_ bearer: SessionBearer) throws(MMError) {
        let auth = bearer.connection.auth
        guard auth.method == .onBehalfOf else { return }
        if bearer.isCaller { return try bearer.check() }
        guard auth.assertionFile == nil, auth.assertionVariable == nil else { return }
        let name = bearer.connection.name
        throw MMError(
            .unsupported, "\(name) acts on behalf of its callers, and nobody signed in to make this call.",
            hint:
                "Callers of mm-mcp sign in with --oauth-issuer (Docs/StartAgents.md); else name a file with the person's token: "
                + "mm connections edit \(ShellWord.quoted(name)) auth.assertionFile=/path.",
            details: ["connection": .string(name)])
    }
}
