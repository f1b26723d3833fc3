package import MMCore
import MMGuard
package import MMIdentity
import MMPowerShell
package import MMSessions

/// Starts PowerShell for a connection and module, with a home of its own.
package struct ModuleSessionFactory: SessionFactory {
    private let environment: [String: String]
    private let paths: StatePaths
    private let registry: ConnectionRegistry
    private let identity: IdentityService
    private let guards: CurrentGuard
    private let sent: SentRequests
    private let log: Log

    /// A factory over a user's connections.
    package init(
        environment: [String: String], paths: StatePaths, registry: ConnectionRegistry, identity: IdentityService,
        guards: CurrentGuard, sent: SentRequests, log: Log
    ) {
        self.environment = environment
        self.paths = paths
        self.registry = registry
        self.identity = identity
        self.guards = guards
        self.sent = sent
        self.log = log
    }

    /// Starts a session that is not signed in yet. A session of the native engine starts nothing: its PowerShell comes
    /// when a script needs it.
    package func start(_ key: SessionKey) async throws(MMError) -> ModuleSession {
        let snapshot = try registry.snapshot()
        let connection = try snapshot.connection(named: key.connection)
        let ground = SignInBasis(of: connection, registry: registry, identity: identity, paths: paths)
        let walls = SessionWalls(of: connection)
        let requests =
            connection.egress == .off
            ? nil : GrantedRequests(guards: guards, policy: GuardPolicy(of: connection, environment: environment))
        if RunModule.isNative(key.module) {
            var makePowerShell: (@Sendable () async throws(MMError) -> PowerShellSession)?
            if RunModule.hasPowerShell(key.module) {
                makePowerShell = { () async throws(MMError) -> PowerShellSession in
                    try await self.powerShell(key, connection, requests)
                }
            }
            let isNamed = PowerShellLocator.isNamed(in: environment)
            let session = try ExchangeSession(
                module: key.module, connection: connection, identity: identity, prefersPowerShell: isNamed,
                makePowerShell: makePowerShell)
            try await session.prepare()
            return ModuleSession(
                runner: .exchange(session), ground: ground, walls: walls, requests: requests, sent: sent)
        }
        let session = try await powerShell(key, connection, requests)
        return ModuleSession(runner: .powerShell(session), ground: ground, walls: walls, requests: requests, sent: sent)
    }

    private func powerShell(
        _ key: SessionKey, _ connection: Connection, _ requests: GrantedRequests?
    ) async throws(MMError) -> PowerShellSession {
        let auth = connection.auth
        guard auth.method != .onBehalfOf || auth.assertionFile != nil || auth.assertionVariable != nil else {
            throw MMError(
                .unsupported,
                "\(connection.name) acts on behalf of its callers, and a PowerShell process can't change whom it acts for.",
                hint: "Use `graph_request`, or Exchange cmdlets that need no PowerShell (engine native).",
                details: ["connection": .string(connection.name)])
        }
        let walls = SessionWalls(of: connection)
        try walls.check()
        let snapshot = try registry.snapshot()
        let login = connection.cloud == "sandbox" ? try identity.cloud(of: connection).login : nil
        var settings = try PowerShellSessionSettings(
            connection: connection, module: key.module, knownApps: snapshot.knownModuleApps,
            pin: try PinStore(path: paths.pinFile).pin(of: connection.name),
            location: try SessionPowerShell.location(for: connection, sandbox: login, environment), paths: paths,
            environment: environment,
            sandboxLogin: login,
            tokens: ConnectionTokens(of: connection, from: identity, cloud: try identity.cloud(of: connection)))
        settings.host.log = log.scoped(key.connection, key.module)
        // What runs in a session can't confirm for a person: this marks everything it starts.
        settings.host.environment["MM_SESSION"] = key.description
        walls.raise(around: &settings, paths: paths, environment: environment)
        if let requests, let hosts = connection.egress.allowed {
            try await ModuleWire(
                key: key, connection: connection, identity: identity, environment: environment, requests: requests,
                sent: sent, log: log.scoped(key.connection, key.module)
            ).open(for: &settings, allowing: hosts)
        }
        let session = PowerShellSession(settings)
        do throws(MMError) { try await session.prepare(deadline: .after(settings.host.startTimeout)) } catch {
            await session.close()
            throw error
        }
        return session
    }
}
