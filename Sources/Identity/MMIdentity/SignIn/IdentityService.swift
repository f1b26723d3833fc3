public import MMCore
package import MMHTTP
import MMSystem

/// Signs connections in and provides their tokens.
///
/// Tokens are stored in MSAL's cache format, one file per connection, and shared between processes and with other
/// programs. A sign-in that awaits a person is stored in a file too: the process that showed its code may end, and any
/// other can continue.
///
/// ```swift
/// let identity = IdentityService()
/// let token = try await identity.token(for: connection)      // or MMError .signInNeeded with code and address
/// ```
public actor IdentityService {
    package nonisolated let paths: StatePaths
    nonisolated let environment: [String: String]
    /// The transport, shared with the clients of services so that network connections are reused.
    package nonisolated let transport: any HTTPTransport
    /// The clock for the time of day, shared with the clients of services.
    package nonisolated let clock: WallClock
    nonisolated let configuration: IdentityConfiguration
    /// The log of sign-ins and requests: sizes, states and ids, never content.
    package nonisolated let log: Log
    /// The function that waits, shared with the clients of services.
    package nonisolated let pause: @Sendable (Duration) async throws -> Void
    nonisolated let direct: any HTTPTransport
    nonisolated let methods: [String: SignInMethod]
    /// Customers' tenants that are reached with a partner's sign-in, by the names of their connections.
    nonisolated let customers = Mutex<[String: Customer]>([:])
    let memory: TokenCacheMemory
    /// The requests under way, each shared by all calls for the same token.
    var pendingRequests: [FlightKey: Flight] = [:]
    /// The store that shares the waits that services ask for between the machines of a cluster.
    nonisolated let sharedPaces = Mutex<(any PaceStore)?>(nil)
    /// Explains errors of missing consent; it knows the permissions that the uses of a connection need.
    nonisolated let consentAdvice = Mutex<ConsentExplanation?>(nil)
    /// The tokens with which a server acts for its callers.
    nonisolated let assertionTokens = AssertionTokens()
    /// The newest token of each of a server's users, for work that acts for them after their call.
    package nonisolated let callers: CallerAssertions
    /// The ids of tenants that are named by their domains, as answered by the sign-in service.
    var tenantIDs: [String: String] = [:]
    /// The renewals in the background of tokens that are still usable.
    var renewals: [FlightKey: Task<Void, Never>] = [:]

    /// A customer's tenant and the source of its tokens, which is `nil` where the partner's app signs in there by
    /// itself.
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
    public init(
        environment: [String: String] = ProcessEnvironment.read(),
        configuration: IdentityConfiguration = IdentityConfiguration(), methods: [String: SignInMethod] = [:]
    ) {
        self.init(environment: environment, configuration: configuration, methods: methods, log: .off) { $0 }
    }

    /// Creates a service that sends its requests, and those of clients that share its transport, through a wrapper.
    /// - Parameters:
    ///   - pause: the function that waits; tests replace it.
    ///   - watch: returns a transport that sends through the given one.
    package init(
        environment: [String: String], configuration: IdentityConfiguration = IdentityConfiguration(),
        methods: [String: SignInMethod] = [:], log: Log,
        pause: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
        watch: (any HTTPTransport) -> any HTTPTransport
    ) {
        let network = HTTPClientConfiguration(environment: environment)
        var own = network
        (own.proxy, own.connectTimeout, own.threadName) = (nil, .seconds(2), "mm-http-direct")
        self.init(
            paths: StatePaths(environment: environment), environment: environment,
            transport: watch(HTTPClient(configuration: network)), direct: HTTPClient(configuration: own),
            configuration: configuration, methods: methods, log: log, pause: pause)
    }

    /// Creates a service from the given parts.
    /// - Parameters:
    ///   - paths: the locations of its files.
    ///   - environment: the process's environment, for `MM_SANDBOX_URL`.
    ///   - transport: sends its requests.
    ///   - direct: the transport for this machine's own services, which bypasses proxies; `transport` by default.
    ///   - clock: the clock for the time of day.
    ///   - configuration: the service's configuration.
    ///   - methods: sign-in methods by connection name, where they differ from those of the entries.
    ///   - log: the log to write to.
    ///   - isAlone: whether the service neither reads nor writes token files; see `standingAlone`.
    ///   - pause: the function that waits; tests replace it.
    package init(
        paths: StatePaths, environment: [String: String] = [:], transport: any HTTPTransport,
        direct: (any HTTPTransport)? = nil, clock: WallClock = .system,
        configuration: IdentityConfiguration = IdentityConfiguration(), methods: [String: SignInMethod] = [:],
        log: Log = .off, isAlone: Bool = false,
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
            log: log.from("identity"), seal: TokenSeal(paths: paths, environment: environment), isAlone: isAlone)
        self.pause = pause
    }

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
    package nonisolated func pace(of connection: Connection, service: String, log: Log) -> ServicePace {
        ServicePace(
            of: connection, service: service, paths: paths, clock: clock, log: log, shared: sharedPaces.withLock { $0 })
    }

    /// Shares the waits that services ask for with other machines from now on.
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
    ///   - connection: the connection that it belongs to.
    ///   - claims: the claims that the service demanded, as JSON (`claims` of its challenge, decoded).
    ///   - deadline: when to give up waiting for the service and for other processes.
    /// - Throws: as `token(for:)`.
    public func token(
        insteadOf refused: AccessToken, for connection: Connection, claims: String? = nil,
        deadline: Deadline = .after(.seconds(90))
    ) async throws(MMError) -> AccessToken {
        try await token(
            insteadOf: refused.secret, at: clock.now, for: connection, resource: refused.resource, claims: claims,
            deadline: deadline)
    }

    /// Returns a replacement for a token that a service has refused. One token costs one renewal, however many requests
    /// it was refused in.
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
        switch try await acquire(connection, resource, options, deadline) {
        case .token(let token): return token
        case .approval(let prompt, _): throw prompt.error(now: clock.now)
        case .browser: throw browserNeeded(connection, resource)
        case .window: throw BrokerTokenAcquirer.signInNeeded(connection.name, resource)
        }
    }

    /// Returns a connection's sign-in state, from the files alone; no request is made.
    /// - Parameters:
    ///   - connection: the connection.
    ///   - resource: the service whose token counts.
    public func state(of connection: Connection, resource: ServiceResource = .graph) async -> SignInState {
        do throws(MMError) {
            let method = try method(of: connection)
            return try await state(by: method, of: try target(connection, resource, method), resource)
        } catch {
            return .unusable(error)
        }
    }

    private func state(
        by method: SignInMethod, of target: SignInTarget, _ resource: ServiceResource
    ) async throws(MMError) -> SignInState {
        guard method.isInteractive else { return try await stateWithoutPerson(method, target, resource) }
        let files = files(target)
        let snapshot = try await files.snapshot(target)
        if let account = try snapshot.account() {
            // A step that one service demands doesn't end the sign-in for the others.
            let ends = try files.ends(of: snapshot.view.refreshToken(of: account)?.secret)
            if let end = ends.first(where: { $0.isFinal && $0.counts(for: [resource]) }) {
                if let prompt = try openSignIn(target, resource) { return .pending(prompt) }
                return .unusable(end.error(of: target.connection))
            }
            let entry = snapshot.view.accessToken(of: account, for: resource)
            let live = entry.flatMap { $0.expiresOn > clock.now.seconds ? Timestamp(seconds: $0.expiresOn) : nil }
            if live != nil || snapshot.view.refreshToken(of: account) != nil {
                return .signedIn(account.account, expiresAt: live)
            }
        }
        return try openSignIn(target, resource).map { .pending($0) } ?? .signedOut
    }

    /// Returns the pending sign-in that waits for its person, no matter which service requested it: once it is
    /// approved, it serves all.
    private func openSignIn(_ target: SignInTarget, _ resource: ServiceResource) throws(MMError) -> SignInPrompt? {
        let open = try files(target).signIns(of: target).filter {
            $0.pending.outcome == nil && $0.pending.expiresAt > clock.now.seconds
        }
        let first = open.first { $0.resource.name == resource.name } ?? open.first
        return first.map { $0.pending.prompt(for: target, resource: $0.resource) }
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

    /// Why a connection has no sign-in of its own that could be checked.
    package enum SignInLack: Sendable {
        /// It acts for its callers, and this call has none whose token it could use.
        case caller
        /// It has no app: only its PowerShell modules sign in, each with its publisher's.
        case app
    }

    /// Returns why a connection has no sign-in of its own; `nil` if it has one, or should have.
    package nonisolated func lackOfSignIn(of connection: Connection) -> SignInLack? {
        guard let method = try? method(of: connection) else { return nil }
        if method.isInteractive, (connection.appId ?? "").isEmpty { return .app }
        guard CallerAssertion.current == nil, case .onBehalfOf(_, nil) = method else { return nil }
        return .caller
    }

    // MARK: Parts

    nonisolated func method(
        of connection: Connection, unless given: SignInMethod? = nil
    ) throws(MMError) -> SignInMethod {
        if let method = given ?? methods[connection.name] { return method }
        if let tokens = tokens(ofCustomer: connection) { return .token(tokens) }
        return try SignInMethod(connection.auth.inHome(paths.home), environment: environment)
    }

    nonisolated func target(
        _ connection: Connection, _ resource: ServiceResource, _ method: SignInMethod? = nil
    ) throws(MMError) -> SignInTarget {
        try SignInTarget(
            connection, by: try self.method(of: connection, unless: method), resource: resource, paths: paths,
            environment: environment)
    }
}

extension IdentityService {
    /// Obtains a token by the connection's own way to sign in.
    func acquired(
        _ connection: Connection, _ resource: ServiceResource, _ options: TokenOptions, _ deadline: Deadline,
        by given: SignInMethod?
    ) async throws(MMError) -> TokenAcquirer.Outcome {
        let method = try method(of: connection, unless: given)
        let target = try await completed(try target(connection, resource, method), until: deadline)
        let run: @Sendable () async throws(MMError) -> TokenAcquirer.Outcome
        var kind = "device"
        switch method {
        case .deviceCode, .browser:
            if case .browser = method { kind = "browser" }
            let acquirer = acquirer(target, resource, options, deadline, usesBrowser: kind == "browser")
            if let token = try await usable(target, resource, options, acquirer) { return .token(token) }
            run = { () async throws(MMError) in try await acquirer.run() }
        case .broker:
            kind = "broker"
            let acquirer = brokerAcquirer(target, resource, options, deadline)
            run = { () async throws(MMError) in try await acquirer.run() }
        case .app(let credential):
            let grant = ClientCredentialGrant(
                credential: credential, entra: entra(target), surroundings: surroundings(target))
            let acquirer = acquirer(of: grant, target, resource, options, deadline)
            if let token = try await usable(target, resource, options, acquirer) { return .token(token) }
            run = { () async throws(MMError) in
                let token = try await acquirer.run()
                return .token(token)
            }
        case .onBehalfOf(let credential, let source):
            // A caller who signed in acts as themselves, even if the connection has a token source of its own.
            let assertion: Secret
            if let own = CallerAssertion.current {
                assertion = own
            } else if let source {
                assertion = try await source.read(
                    "the token of the person for whom it acts,", of: connection.name, environment: environment)
            } else {
                throw assertionMissing(connection)
            }
            return .token(
                try await token(
                    by: grant(credential, for: assertion, target, resource, options, deadline), until: deadline))
        case .managedIdentity(let identity):
            let grant = ManagedIdentityGrant(identity: identity, surroundings: surroundings(target))
            let acquirer = acquirer(of: grant, target, resource, options, deadline)
            if let token = try await usable(target, resource, options, acquirer) { return .token(token) }
            run = { () async throws(MMError) in
                let token = try await acquirer.run()
                return .token(token)
            }
        case .token(let provider):
            let acquirer = ProvidedTokenAcquirer(
                files: files(target), provider: provider, clock: clock, target: target, resource: resource,
                options: options)
            run = { () async throws(MMError) in
                let token = try await acquirer.run()
                return .token(token)
            }
        }
        return try await shared(
            FlightKey(identity: target.identity + [kind], resource: resource, options: options.key),
            of: connection.name, until: deadline, run)
    }

    nonisolated func browserNeeded(_ connection: Connection, _ resource: ServiceResource) -> MMError {
        MMError(
            .signInNeeded, "Sign-in needed for \(connection.name), in a browser on this machine.",
            hint:
                "Run mm login \(ShellWord.quoted(connection.name)) --browser, which opens one; then repeat the call.",
            details: ["connection": .string(connection.name), "resource": .string(resource.name)])
    }

    private nonisolated func assertionMissing(_ connection: Connection) -> MMError {
        MMError(
            .invalidInput, "\(connection.name) acts on behalf of its callers, and this call has no caller's token.",
            hint:
                "Callers of mm-mcp send it with --oauth-issuer; Swift programs pass it with token(onBehalfOf:for:). "
                + "Otherwise set a file with it: mm connections edit "
                + "\(ShellWord.quoted(connection.name)) auth.assertionFile=/path.",
            details: ["connection": .string(connection.name), "field": "auth.assertionFile"])
    }
}

extension IdentityService {
    func files(_ target: SignInTarget) -> TokenFiles {
        TokenFiles(paths: paths, target: target, memory: memory)
    }

    func entra(_ target: SignInTarget) -> EntraClient {
        EntraClient(
            transport: transport, clock: clock, capabilities: configuration.clientCapabilities,
            pace: ServicePace(
                signInOf: target, paths: paths, clock: clock, log: log.from("identity"),
                shared: sharedPaces.withLock { $0 }),
            log: log.from("identity").scoped(target.connection), pause: pause)
    }

    func surroundings(_ target: SignInTarget) -> CredentialContext {
        CredentialContext(
            paths: paths, environment: environment, transport: transport, direct: direct, clock: clock,
            log: log.from("identity").scoped(target.connection), pause: pause)
    }

    /// Returns what obtains the tokens of a person's sign-in.
    func acquirer(
        _ target: SignInTarget, _ resource: ServiceResource, _ options: TokenOptions, _ deadline: Deadline,
        usesBrowser: Bool
    ) -> TokenAcquirer {
        TokenAcquirer(
            files: files(target), entra: entra(target), clock: clock, target: target, resource: resource,
            options: options, deadline: deadline, usesBrowser: usesBrowser)
    }

    /// Returns what obtains the tokens of an app that signs in by itself.
    func acquirer(
        of source: any AppTokenSource, _ target: SignInTarget, _ resource: ServiceResource, _ options: TokenOptions,
        _ deadline: Deadline
    ) -> AppTokenAcquirer {
        AppTokenAcquirer(
            files: files(target), source: source, clock: clock, target: target, resource: resource, options: options,
            deadline: deadline)
    }

    /// Returns what obtains the tokens of a person whom the machine's broker signs in.
    func brokerAcquirer(
        _ target: SignInTarget, _ resource: ServiceResource, _ options: TokenOptions, _ deadline: Deadline
    ) -> BrokerTokenAcquirer {
        BrokerTokenAcquirer(
            files: files(target), environment: environment, clock: clock, target: target, resource: resource,
            options: options, deadline: deadline)
    }

    /// Returns the state of a connection whose tokens aren't a person's in the cache: signed in if its credential is
    /// available.
    func stateWithoutPerson(
        _ method: SignInMethod, _ target: SignInTarget, _ resource: ServiceResource
    ) async throws(MMError) -> SignInState {
        let options = TokenOptions(interaction: .never)
        switch method {
        case .token(let provider):
            if let customer = provider as? CustomerTokens { return await customer.state(in: target.authority.tenant) }
            // A token in a file can simply be read; a program isn't asked for its state.
            guard provider is KeptToken else { break }
            let token = try await ProvidedTokenAcquirer(
                files: files(target), provider: provider, clock: clock, target: target, resource: resource,
                options: options
            ).run()
            return .signedIn(token.account, expiresAt: token.expiresAt)
        case .app(let credential):
            let surroundings = surroundings(target)
            if let token = try await cachedToken(target, resource, options) { return token }
            try await credential.check(of: target.connection, in: surroundings)
        case .onBehalfOf(let credential, _):
            try await credential.check(of: target.connection, in: surroundings(target))
        case .managedIdentity:
            if let token = try await cachedToken(target, resource, options) { return token }
        case .broker:
            let account = try await brokerAcquirer(target, resource, options, .after(.seconds(10))).account()
            return account.map { .signedIn($0, expiresAt: nil) } ?? .signedOut
        case .deviceCode, .browser: break
        }
        let app = target.clientID.isEmpty ? "of this machine" : target.clientID
        return .signedIn(
            SignedInAccount(
                username: "", objectID: "", tenantID: target.authority.tenant, homeAccountID: "", appID: app),
            expiresAt: nil)
    }

    private func cachedToken(
        _ target: SignInTarget, _ resource: ServiceResource, _ options: TokenOptions
    ) async throws(MMError) -> SignInState? {
        let acquirer = acquirer(of: NoSource(), target, resource, options, .after(.seconds(10)))
        return try await acquirer.cached().map { .signedIn($0.token.account, expiresAt: $0.token.expiresAt) }
    }

    /// A source that is never asked, for looking only at the cache.
    private struct NoSource: AppTokenSource {
        func token(
            _ target: SignInTarget, _ resource: ServiceResource, claims: String?, deadline: Deadline
        ) async throws(MMError) -> TokenAnswer {
            throw MMError(.internalError, "No token source may be used here.")
        }
    }
}

extension IdentityService {
    /// Exchanges the token that came with a request for one with which this app acts for the same person at another
    /// service ("OAuth 2.0 On-Behalf-Of flow").
    ///
    /// For servers: the connection names the app's own credential (`auth`: `on-behalf-of`, `secret`, `certificate` or
    /// `federated`). Tokens are kept in memory alone, one for each caller's token.
    /// - Parameters:
    ///   - assertion: the access token of the request's `Authorization` header, which was issued for this app.
    ///   - connection: the connection of this app.
    ///   - resource: the service to act at.
    ///   - claims: the claims that the service demanded when it refused the last token (`claims` of its challenge,
    ///     decoded).
    ///   - deadline: when to give up.
    /// - Throws: `.signInNeeded` when the person has to sign in again; its details hold `challenge`, the value of the
    ///   `WWW-Authenticate` header to answer the caller with, and `claims`. `.forbidden` for a missing consent, a
    ///   policy, or another account; `.invalidInput` for a token that isn't one of a person, and for a connection that
    ///   has no credential of its own.
    public func token(
        onBehalfOf assertion: Secret, for connection: Connection, resource: ServiceResource = .graph,
        claims: String? = nil, deadline: Deadline = .after(.seconds(90))
    ) async throws(MMError) -> AccessToken {
        let method = try method(of: connection)
        let credential: ClientCredential
        switch method {
        case .app(let given), .onBehalfOf(let given, _): credential = given
        case .deviceCode, .browser, .broker, .managedIdentity, .token:
            throw MMError(
                .invalidInput, "\(connection.name) has no app credential, so it can't act on behalf of others.",
                hint: "Set it: mm connections edit \(ShellWord.quoted(connection.name)) auth=on-behalf-of "
                    + "auth.secretFile=/path (or auth.certificatePath=/path).",
                details: ["connection": .string(connection.name), "field": "auth"])
        }
        let target = try target(connection, resource, .onBehalfOf(credential, assertion: nil))
        let grant = grant(
            credential, for: assertion, target, resource, TokenOptions(interaction: .never, claims: claims), deadline)
        return try await token(by: grant, until: deadline)
    }

    /// Returns the exchange of a caller's token.
    func grant(
        _ credential: ClientCredential, for assertion: Secret, _ target: SignInTarget, _ resource: ServiceResource,
        _ options: TokenOptions, _ deadline: Deadline
    ) -> OnBehalfOfGrant {
        OnBehalfOfGrant(
            credential: credential, assertion: assertion, entra: entra(target), surroundings: surroundings(target),
            tokens: assertionTokens, target: target, resource: resource, options: options, deadline: deadline)
    }

    /// Returns the token of an exchange; calls with the same caller's token share one request.
    func token(by grant: OnBehalfOfGrant, until deadline: Deadline) async throws(MMError) -> AccessToken {
        if let kept = grant.cached() { return kept }
        let key = FlightKey(
            identity: grant.target.identity, resource: grant.resource,
            options: "\(Hex.text(grant.key.assertion))\u{0}\(grant.options.key)")
        let outcome = try await shared(key, of: grant.target.connection, until: deadline) { () async throws(MMError) in
            let token = try await grant.run()
            return .token(token)
        }
        guard case .token(let token) = outcome else {
            throw MMError(.internalError, "A token exchange required a person.")
        }
        return token
    }
}

extension IdentityService {
    /// Returns the account and tenant that send the next request of a connection, without asking anyone to sign in.
    /// - Returns: `nil` if that isn't known.
    package func acting(on connection: Connection, resource: ServiceResource, deadline: Deadline) async
        -> SignedInAccount?
    {
        if case .signedIn(let account, _) = await state(of: connection, resource: resource), !account.objectID.isEmpty {
            return account
        }
        // Without a person, a token tells the account; the request itself needs that token too.
        guard let method = try? method(of: connection), !method.isInteractive else { return nil }
        return try? await token(for: connection, resource: resource, deadline: deadline).account
    }

    /// Returns the id of the tenant that a connection leads to: from its entry, the signed-in account, or the sign-in
    /// service.
    /// - Returns: the tenant as the entry names it, if its id can't be determined now.
    package func tenantID(of connection: Connection, until deadline: Deadline) async -> String? {
        if let id = connection.tenantId { return id.lowercased() }
        if let known = await known(of: connection) { return known.tenantID.lowercased() }
        guard let target = try? target(connection, .graph) else { return connection.tenant }
        let key = "\(target.authority.cloud.login)/\(target.authority.tenant)"
        if tenantIDs[key] == nil {
            let limit = min(deadline, .after(.seconds(10)))
            tenantIDs[key] = try? await entra(target).tenantID(of: target.authority, deadline: limit)
        }
        return tenantIDs[key]?.lowercased() ?? connection.tenant
    }

    /// Returns the account that is, was or would be signed in, from the files of this machine alone. Unknown parts are
    /// empty.
    package func known(of connection: Connection) async -> SignedInAccount? {
        guard let method = try? method(of: connection), let target = try? target(connection, .graph, method) else {
            return nil
        }
        if case .signedIn(let account, _) = try? await state(by: method, of: target, .graph),
            GUID.isValid(account.tenantID)
        {
            return account
        }
        guard let pin = try? files(target).pin(of: target) else { return nil }
        return SignedInAccount(
            username: pin.username ?? "", objectID: pin.objectId ?? "", tenantID: pin.tenantId, homeAccountID: "")
    }

    /// Returns the name of the account that a connection is pinned to, if its entry expects another name by now: the
    /// account was renamed, or another one is meant, which the pin would refuse.
    package nonisolated func pinnedName(unlikeThatOf connection: Connection) async -> String? {
        guard let expected = connection.expectedEmail else { return nil }
        let pins = PinStore(path: paths.pinFile)
        let pin = try? await BlockingWork.run { () throws(MMError) in try pins.pin(of: connection.name) }
        guard let name = (connection.pin ?? pin ?? nil)?.username, !SignedInAccount.sameName(name, expected) else {
            return nil
        }
        return name
    }
}

extension IdentityService {
    /// The maximum time of a renewal in the background. The calls don't wait for it.
    private static let renewalTime = Duration.seconds(60)
    /// The pause after a failed renewal in the background.
    private static let restAfterFailure = Duration.seconds(30)

    /// Returns a cached token that can still be sent, and renews it in the background when it is due, so that calls
    /// don't fail or wait because of the sign-in service while there is a valid token.
    func usable(
        _ target: SignInTarget, _ resource: ServiceResource, _ options: TokenOptions, _ acquirer: some RenewingAcquirer
    ) async throws(MMError) -> AccessToken? {
        guard options.renewal == .no, let usable = try await acquirer.cached() else { return nil }
        if usable.isDue { renew(target, resource, acquirer) }
        return usable.token
    }

    private func renew(_ target: SignInTarget, _ resource: ServiceResource, _ acquirer: some RenewingAcquirer) {
        let key = FlightKey(identity: target.identity, resource: resource, options: "renewal")
        guard renewals[key] == nil else { return }
        let log = log.from("identity").scoped(target.connection)
        let pace = ServicePace(renewalOf: target, resource, paths: paths, clock: clock, log: log)
        var acquirer = acquirer
        // The caller's deadline must not interrupt a request that renews the refresh token.
        acquirer.deadline = .after(Self.renewalTime)
        let (clock, work) = (clock, acquirer)
        renewals[key] = Task { [weak self] in
            if await pace.take() == nil {
                do throws(MMError) {
                    try await work.renew()
                } catch {
                    log.debug("the token is about to expire and can't be renewed yet (\(error.message))")
                    await pace.slowDown(for: Self.restAfterFailure, sent: clock.now)
                }
            }
            await self?.renewalEnded(key)
        }
    }

    private func renewalEnded(_ key: FlightKey) { renewals[key] = nil }

    /// Waits for the renewals in progress. A process calls this before it ends; otherwise a refresh token that the
    /// service has already renewed would be lost.
    package func finishRenewals(within limit: Duration = .seconds(5)) async {
        let tasks = Array(renewals.values)
        guard !tasks.isEmpty else { return }
        let flight = SharedRequest<Void> {
            for task in tasks { await task.value }
            return .success(())
        }
        try? await flight.value(of: "renewing sign-ins", until: .after(limit))
    }
}

extension IdentityService {
    /// The progress of a sign-in.
    public enum SignInProgress: Sendable {
        /// This account is signed in.
        case signedIn(SignedInAccount)
        /// A person has to approve this prompt.
        case waiting(SignInPrompt)
    }

    /// Starts a sign-in, or polls the pending one once as soon as the service allows.
    /// - Parameters:
    ///   - connection: the connection that signs in.
    ///   - resource: the service that the first token is for.
    ///   - renewing: whether to sign in again even if there are valid tokens; further calls continue with the same
    ///     code.
    ///   - deadline: when to give up waiting for the service and for other processes.
    /// - Throws: `.signInNeeded` if the connection signs in with a browser; `.forbidden` for a wrong account, a
    ///   declined sign-in, or a policy; `.unsupported` for a service that the cloud lacks; network errors.
    public func beginSignIn(
        _ connection: Connection, resource: ServiceResource = .graph, renewing: Bool = false,
        deadline: Deadline = .after(.seconds(60))
    ) async throws(MMError) -> SignInProgress {
        let resource = await resourceToMend(connection, asked: resource)
        let target = try target(connection, resource)
        if !renewing { try clearClosedSignIns(target) }
        switch try await acquire(connection, resource, .asking(renewing: renewing), deadline) {
        case .token(let token): return .signedIn(token.account)
        case .approval(let prompt, _): return .waiting(prompt)
        case .browser: throw browserNeeded(connection, resource)
        case .window: throw BrokerTokenAcquirer.signInNeeded(connection.name, resource)
        }
    }

    /// Signs in and waits until a person has approved; for terminals.
    /// - Parameters:
    ///   - connection: the connection that signs in.
    ///   - resource: the service that the first token is for.
    ///   - renewing: whether to sign in again even if there are valid tokens.
    ///   - method: how the person signs in, if it differs from the connection's entry: `.deviceCode` or `.browser`.
    ///   - deadline: when to give up; codes expire on their own.
    ///   - show: called once with each code, including one that replaces an expired code, and with the URL of a browser
    ///     sign-in.
    /// - Returns: the account that signed in.
    /// - Throws: as `token`; `cancelled` when the task is cancelled.
    public func signIn(
        _ connection: Connection, resource: ServiceResource = .graph, renewing: Bool = false,
        by method: SignInMethod? = nil, deadline: Deadline = .never,
        show: @Sendable (SignInPrompt) async -> Void
    ) async throws(MMError) -> SignedInAccount {
        let shown = Mutex("")
        return try await signIn(
            to: connection, resource: resource, renewing: renewing, by: method, deadline: deadline,
            telling: { prompt in
                let isNew = shown.withLock { code in
                    defer { code = prompt.userCode }
                    return code != prompt.userCode || prompt.opensBrowserHere
                }
                if isNew { await show(prompt) }
            })
    }

    /// Signs in and waits until a person has approved, as above.
    /// - Parameter tell: called with each code and URL, and again with a code when polling for it starts to fail and
    ///   when it works again.
    package func signIn(
        to connection: Connection, resource: ServiceResource = .graph, renewing: Bool = false,
        by method: SignInMethod? = nil, deadline: Deadline = .never,
        telling tell: @Sendable (SignInPrompt) async -> Void
    ) async throws(MMError) -> SignedInAccount {
        let method = try self.method(of: connection, unless: method)
        let resource = await resourceToMend(connection, asked: resource)
        let target = try target(connection, resource, method)
        if !renewing { try clearClosedSignIns(target) }
        var shown: SignInPrompt?
        var options = TokenOptions.asking(renewing: renewing)
        while true {
            let step = min(deadline, .after(.seconds(60)))
            switch try await acquire(connection, resource, options, step, by: method) {
            case .token(let token): return token.account
            case .browser(let claims):
                let signIn = BrowserSignIn(
                    work: acquirer(target, resource, options, deadline, usesBrowser: true), claims: claims,
                    asksForAccount: renewing && target.expectedEmail == nil,
                    opener: BrowserOpener(environment: environment))
                return try await signIn.run(show: tell).account
            case .window(let claims):
                let acquirer = brokerAcquirer(target, resource, options, min(deadline, .after(BrowserSignIn.patience)))
                return try await acquirer.signIn(
                    claims: claims, choosesAccount: renewing && target.expectedEmail == nil
                ).account
            case .approval(let prompt, let wait):
                if prompt.userCode != shown?.userCode || prompt.lastError != shown?.lastError { await tell(prompt) }
                shown = prompt
                guard wait < deadline.remaining else { throw prompt.error(now: clock.now) }
                do { try await pause(wait) } catch {
                    throw MMError(
                        .cancelled, "The sign-in of \(connection.name) was cancelled.",
                        hint:
                            "Its code stays valid until it expires. To continue: mm login \(ShellWord.quoted(connection.name))."
                    )
                }
            }
            options = TokenOptions(renewal: renewing ? .resume : .no)
        }
    }

    /// Returns the service that a sign-in is for first: the one that demands another sign-in, if only that one does.
    private func resourceToMend(_ connection: Connection, asked: ServiceResource) async -> ServiceResource {
        guard let name = await end(of: connection)?.resource else { return asked }
        return ServiceResource(name: name) ?? asked
    }

    /// Removes declined and expired sign-ins, because someone is explicitly asking for a new one.
    private func clearClosedSignIns(_ target: SignInTarget) throws(MMError) {
        try files(target).removeSignIns(of: target) { $0.outcome == .declined || $0.outcome == .expired }
    }
}

extension IdentityService {
    /// Checks the variables that a browser sign-in reads, before a person is asked anything.
    /// - Throws: `.invalidInput` for a malformed `MM_REDIRECT_ADDRESS`.
    package nonisolated func checkSurroundings() throws(MMError) {
        try Self.checkSurroundings(environment)
    }

    /// Checks the variables of an environment that a browser sign-in reads.
    /// - Throws: `.invalidInput` for a malformed `MM_REDIRECT_ADDRESS`.
    package static func checkSurroundings(_ environment: [String: String]) throws(MMError) {
        _ = try RedirectAddress(environment: environment)
    }
}
