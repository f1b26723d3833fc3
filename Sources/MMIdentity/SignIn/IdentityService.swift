public import MMCore
package import MMHTTP
internal import MMSystem

/// Signs connections in and provides their tokens.
///
/// Tokens are stored in MSAL's cache format, one file per connection, and shared between processes and with other
/// programs. A sign-in that awaits a person is stored in a file too: the process that showed its code may end, and any
/// other can continue.
///
/// ```swift
/// let identity = IdentityService(environment: environment)
/// let token = try await identity.token(for: connection)      // or MMError .signInNeeded with code and address
/// ```
public actor IdentityService {
    package nonisolated let paths: StatePaths
    nonisolated let environment: [String: String]
    nonisolated let transport: any HTTPTransport
    nonisolated let clock: WallClock
    nonisolated let configuration: IdentityConfiguration
    /// The log of sign-ins and requests: sizes, states and ids, never content.
    package nonisolated let log: Log
    nonisolated let pause: @Sendable (Duration) async throws -> Void
    nonisolated let direct: any HTTPTransport
    private nonisolated let methods: [String: SignInMethod]
    /// Customers' tenants that are reached with a partner's sign-in, by the names of their connections.
    nonisolated let customers = Mutex<[String: Customer]>([:])
    let memory: TokenCacheMemory
    /// The requests under way, each shared by all calls for the same token.
    var pendingRequests: [FlightKey: SharedRequest<TokenAcquirer.Outcome>] = [:]
    /// What other machines know of the waits that services ask for, in a cluster.
    nonisolated let sharedPaces = Mutex<(any PaceStore)?>(nil)
    /// The tokens with which servers act for their callers.
    nonisolated let assertionTokens = AssertionTokens()
    /// The newest token of each of a server's people, for what acts for them beyond a call.
    package nonisolated let callers: CallerAssertions
    /// The ids of tenants that are named by their domains, as far as the sign-in service was asked for them.
    var tenantIDs: [String: String] = [:]
    /// The renewals under way, beside calls that use tokens which are still good.
    var renewals: [FlightKey: Task<Void, Never>] = [:]

    /// A customer's tenant, and how tokens of it are obtained; without tokens where the partner's app signs in there by itself.
    struct Customer: Sendable {
        let tenant: String?
        let partner: Connection
        let tokens: CustomerTokens?
    }

    struct FlightKey: Hashable {
        let identity: [String]
        let resource: ServiceResource
        let options: String
    }

    /// Creates a service for the files and addresses that an environment names.
    /// - Parameters:
    ///   - environment: the process's environment: `HOME`, `MM_TOKEN_DIR`, `MM_STATE_DIR`, `MM_SANDBOX_URL`, proxies.
    ///   - configuration: the service's configuration.
    ///   - methods: sign-in methods by connection name, where they differ from those of the entries.
    ///   - log: where it logs.
    public init(
        environment: [String: String], configuration: IdentityConfiguration = IdentityConfiguration(),
        methods: [String: SignInMethod] = [:], log: Log = .off
    ) {
        self.init(environment: environment, configuration: configuration, methods: methods, log: log) { $0 }
    }

    /// Creates a service whose requests, and those of the clients that share its transport, are watched.
    /// - Parameter watch: returns the transport that sends by way of the given one.
    package init(
        environment: [String: String], configuration: IdentityConfiguration = IdentityConfiguration(),
        methods: [String: SignInMethod] = [:], log: Log, watch: (any HTTPTransport) -> any HTTPTransport
    ) {
        let network = HTTPClientConfiguration(environment: environment)
        var own = network
        (own.proxy, own.connectTimeout, own.threadName) = (nil, .seconds(2), "mm-http-direct")
        self.init(
            paths: StatePaths(environment: environment), environment: environment,
            transport: watch(HTTPClient(configuration: network)), direct: HTTPClient(configuration: own),
            configuration: configuration, methods: methods, log: log)
    }

    /// Creates a service from the given parts.
    /// - Parameters:
    ///   - paths: the locations of its files.
    ///   - environment: the process's environment, for `MM_SANDBOX_URL`.
    ///   - transport: sends its requests.
    ///   - direct: sends requests to this machine's own services, bypassing proxies; `transport` by default.
    ///   - clock: supplies the time of day.
    ///   - configuration: the service's configuration.
    ///   - methods: sign-in methods by connection name, where they differ from those of the entries.
    ///   - log: where it logs.
    ///   - pause: how it waits; tests replace it.
    package init(
        paths: StatePaths, environment: [String: String] = [:], transport: any HTTPTransport,
        direct: (any HTTPTransport)? = nil, clock: WallClock = .system,
        configuration: IdentityConfiguration = IdentityConfiguration(), methods: [String: SignInMethod] = [:],
        log: Log = .off,
        pause: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.paths = paths
        self.environment = environment
        self.transport = transport
        self.direct = direct ?? transport
        self.methods = methods
        self.clock = clock
        callers = CallerAssertions(clock: clock)
        self.configuration = configuration
        self.log = log
        memory = TokenCacheMemory(
            log: log.from("identity"), seal: TokenSeal(paths: paths, environment: environment))
        self.pause = pause
    }

    /// The transport, shared with the clients of services so that network connections are reused.
    package nonisolated var httpTransport: any HTTPTransport { transport }

    /// The form in which files with secrets are stored.
    package nonisolated var seal: TokenSeal { memory.seal }

    /// Returns the cloud of a connection.
    /// - Throws: `.invalidInput` for an unknown cloud; `.unavailable` when its sandbox isn't running.
    public nonisolated func cloud(of connection: Connection) throws(MMError) -> Cloud {
        try Cloud.named(connection.cloud, paths: paths, environment: environment)
    }

    /// Returns the token cache of another program that a connection shares; `nil` where it has its own.
    package nonisolated func sharedTokenCache(of connection: Connection) -> String? {
        paths.sharedTokenCache(of: connection, environment: environment)
    }

    /// Returns the pace at which requests to a service may be sent for a connection.
    package nonisolated func pace(
        of connection: Connection, service: String, clock: WallClock, log: Log
    ) -> ServicePace {
        ServicePace(
            of: connection, service: service, paths: paths, clock: clock, log: log, shared: sharedPaces.withLock { $0 })
    }

    /// Has the waits that services ask for shared with other machines from now on.
    package nonisolated func share(_ paces: any PaceStore) { sharedPaces.withLock { $0 = paces } }

    // MARK: Tokens

    /// Returns a valid token for a resource: from the cache, by a refresh, or from a sign-in that has been approved
    /// meanwhile.
    ///
    /// Never waits for a person. If one is needed, it starts a sign-in, or polls the pending one once as soon as the
    /// service allows, and returns. Calls for the same token share one request, even across processes.
    /// - Parameters:
    ///   - connection: the connection.
    ///   - resource: the service that the token is for.
    ///   - deadline: when to give up waiting for the service and for other processes.
    /// - Throws: `.signInNeeded`, for a device code with code, URL, account and expiry in its details; `.forbidden` for
    ///   a wrong account, a declined sign-in, or a policy; `.unsupported` for a service that the cloud lacks, or a
    ///   managed identity of Service Fabric.
    public func token(
        for connection: Connection, resource: ServiceResource = .graph, deadline: Deadline = .after(.seconds(90))
    ) async throws(MMError) -> AccessToken {
        try await token(for: connection, resource: resource, options: TokenOptions(), deadline: deadline)
    }

    /// Returns a replacement for a token that a service has refused.
    /// - Parameters:
    ///   - refused: the refused token; a token obtained since then is accepted.
    ///   - claims: the claims that the service demanded, as JSON (`claims` of its challenge, decoded).
    /// - Throws: as `token(for:)`.
    public func token(
        insteadOf refused: AccessToken, for connection: Connection, claims: String? = nil,
        deadline: Deadline = .after(.seconds(90))
    ) async throws(MMError) -> AccessToken {
        try await token(
            insteadOf: refused.secret, at: clock.now, for: connection, resource: refused.resource, claims: claims,
            deadline: deadline)
    }

    /// Returns a replacement for a token that a service has refused. One token costs one renewal, however many requests it
    /// was refused in.
    /// - Parameters:
    ///   - sent: when the request with it was sent; a token that was obtained since then is accepted.
    ///   - interaction: whether a person may be asked to sign in.
    package func token(
        insteadOf refused: Secret, at sent: Timestamp, for connection: Connection, resource: ServiceResource,
        claims: String? = nil, interaction: TokenOptions.Interaction = .allowed, deadline: Deadline
    ) async throws(MMError) -> AccessToken {
        var options = TokenOptions(
            interaction: interaction, refusedToken: refused, refusedAt: sent.seconds, claims: claims)
        options.dropsRefused = true
        return try await token(for: connection, resource: resource, options: options, deadline: deadline)
    }

    package func token(
        for connection: Connection, resource: ServiceResource, options: TokenOptions, deadline: Deadline
    ) async throws(MMError) -> AccessToken {
        switch try await acquireSoon(connection, resource, options, deadline) {
        case .token(let token): return token
        case .approval(let prompt, _, _): throw prompt.error(now: clock.now)
        case .browser: throw browserNeeded(connection, resource)
        case .window: throw BrokerTokenAcquirer.signInNeeded(connection.name, resource)
        }
    }

    /// Returns a connection's sign-in state, from the files alone; no request is made.
    public func state(of connection: Connection, resource: ServiceResource = .graph) async -> SignInState {
        do throws(MMError) {
            let method = try method(of: connection)
            let target = try target(connection, resource, method)
            guard method.isInteractive else { return try await stateWithoutPerson(method, target, resource) }
            let files = files(target)
            let snapshot = try await files.snapshot(target)
            if let account = try snapshot.account() {
                if let end = await self.end(of: target) {
                    if let prompt = try openSignIn(target, resource) { return .pending(prompt) }
                    return .unusable(end.error(of: target.connection))
                }
                let entry = snapshot.view.accessToken(of: account, for: resource)
                let live = entry.flatMap { $0.expiresOn > clock.now.seconds ? Timestamp(seconds: $0.expiresOn) : nil }
                if live != nil || snapshot.view.refreshToken(of: account) != nil {
                    return .signedIn(account.account, expiresAt: live)
                }
            }
            if let pending = try files.pending(target, resource).read(), pending.outcome == nil,
                pending.expiresAt > clock.now.seconds
            {
                return .pending(pending.prompt(for: target, resource: resource))
            }
            return .signedOut
        } catch {
            return .unusable(error)
        }
    }

    /// The code that waits for its person, of whichever service asked for it.
    private func openSignIn(_ target: SignInTarget, _ resource: ServiceResource) throws(MMError) -> SignInPrompt? {
        for one in [resource] + ServiceResource.plain.filter({ $0 != resource }) {
            if let pending = try files(target).pending(target, one).read(), pending.outcome == nil,
                pending.expiresAt > clock.now.seconds
            {
                return pending.prompt(for: target, resource: one)
            }
        }
        return nil
    }

    /// Returns whether a connection's cache holds its account, whose sign-in isn't over; also true when that can't be
    /// determined.
    package func holdsAccount(of connection: Connection) async -> Bool {
        do throws(MMError) {
            let method = try method(of: connection)
            // An app gets its tokens without a person.
            guard method.isInteractive else { return true }
            let target = try target(connection, .graph, method)
            guard try await files(target).snapshot(target).account() != nil else { return false }
            return await self.end(of: target)?.isOverEverywhere != true
        } catch {
            return true
        }
    }

    // MARK: Parts

    nonisolated func method(
        of connection: Connection, unless given: SignInMethod? = nil
    ) throws(MMError) -> SignInMethod {
        if let method = given ?? methods[connection.name] { return method }
        if let tokens = tokens(ofCustomer: connection) { return .token(tokens) }
        return try SignInMethod(connection.auth, environment: environment)
    }

    nonisolated func target(
        _ connection: Connection, _ resource: ServiceResource, _ method: SignInMethod? = nil
    ) throws(MMError) -> SignInTarget {
        try SignInTarget(
            connection, by: try self.method(of: connection, unless: method), resource: resource, paths: paths,
            environment: environment)
    }
}
