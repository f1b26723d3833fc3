package import MMCore

/// Coordinates when requests to one service may be sent, across all calls and processes of the user; in a cluster also across
/// its machines.
package struct ServicePace: Sendable {
    private let key: String
    /// What this machine knows: in a cluster, what it was told while the others could not be.
    private let own: FilePaces
    private let shared: (any PaceStore)?

    /// Creates the pace of a connection's requests to a service.
    package init(paths: StatePaths, connection: String, service: String, clock: WallClock, log: Log) {
        self.init(paths, key: "\(connection)/\(service)", clock, log, nil)
    }

    /// Creates the pace of an app's requests to a service in a tenant. Services count them so, whatever connection they are for;
    /// a connection without either is counted by itself.
    init(
        of connection: Connection, service: String, paths: StatePaths, clock: WallClock, log: Log,
        shared: (any PaceStore)?
    ) {
        var key = connection.name
        if let tenant = connection.authorityTenant, let app = connection.appId {
            key = "\(connection.cloud)/\(tenant.lowercased())/\(app.lowercased())"
        }
        self.init(paths, key: "\(key)/\(service)", clock, log, shared)
    }

    /// Creates the pace of an app's requests to the sign-in service of a tenant, which counts them per app and tenant,
    /// whatever connection they are for.
    init(signInOf target: SignInTarget, paths: StatePaths, clock: WallClock, log: Log, shared: (any PaceStore)?) {
        let authority = target.authority
        self.init(
            paths, key: "\(authority.cloud.login)/\(authority.tenant)/\(target.clientID.lowercased())", clock, log,
            shared)
    }

    /// Creates the pace at which a token that is still good is renewed after a renewal has failed: a matter of this machine's
    /// own way to the sign-in service.
    init(renewalOf target: SignInTarget, _ resource: ServiceResource, paths: StatePaths, clock: WallClock, log: Log) {
        self.init(paths, key: "\(target.connection)/\(resource.name)/renewal", clock, log, nil)
    }

    private init(_ paths: StatePaths, key: String, _ clock: WallClock, _ log: Log, _ shared: (any PaceStore)?) {
        self.key = key
        own = FilePaces(paths, clock, log)
        self.shared = shared
    }

    /// Takes the next slot among those who want to send.
    /// - Returns: how long to wait before trying again; `nil` when the request may be sent now.
    package func take() async -> Duration? {
        if let wait = await own.take(key) { return wait }
        return await shared?.take(key)
    }

    /// Records that the service asked to slow down.
    /// - Parameters:
    ///   - wait: how long to wait.
    ///   - sent: when the request that was refused was sent.
    package func slowDown(for wait: Duration, sent: Timestamp) async {
        if let shared, await shared.slowDown(key, for: wait, sent: sent) { return }
        await own.slowDown(key, for: wait, sent: sent)
    }

    /// Records that a request sent at a given time succeeded.
    package func goOn(sent: Timestamp) async {
        await own.goOn(key, sent: sent)
        await shared?.goOn(key, sent: sent)
    }
}
