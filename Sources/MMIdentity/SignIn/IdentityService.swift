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
    nonisolated let customers = Mutex<[String: (tenant: String?, tokens: CustomerTokens)]>([:])
    let memory: TokenCacheMemory
    private var pendingRequests: [FlightKey: SharedRequest<TokenAcquirer.Outcome>] = [:]
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
        let options = TokenOptions(refusedToken: refused.secret, refusedAt: clock.now.seconds, claims: claims)
        return try await token(for: connection, resource: refused.resource, options: options, deadline: deadline)
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

    // MARK: Signing in

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
    /// - Throws: `.signInNeeded` if the connection signs in with a browser; `.forbidden` for a wrong account, a declined
    ///   sign-in, or a policy; `.unsupported` for a service that the cloud lacks; network errors.
    public func beginSignIn(
        _ connection: Connection, resource: ServiceResource = .graph, renewing: Bool = false,
        deadline: Deadline = .after(.seconds(60))
    ) async throws(MMError) -> SignInProgress {
        let target = try target(connection, resource)
        if !renewing { try clearClosedSignIn(target, resource) }
        let options = TokenOptions(renewal: renewing ? .start : .no)
        switch try await acquireSoon(connection, resource, options, deadline) {
        case .token(let token): return .signedIn(token.account)
        case .approval(let prompt, _, _): return .waiting(prompt)
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
        let method = try self.method(of: connection, unless: method)
        let target = try target(connection, resource, method)
        if !renewing { try clearClosedSignIn(target, resource) }
        var shown: String?
        var options = TokenOptions(renewal: renewing ? .start : .no)
        while true {
            let step = min(deadline, .after(.seconds(60)))
            switch try await acquire(connection, resource, options, step, by: method) {
            case .token(let token): return token.account
            case .browser(let claims):
                let signIn = BrowserSignIn(
                    work: acquirer(target, resource, options, deadline, usesBrowser: true), claims: claims,
                    asksForAccount: renewing && target.expectedEmail == nil,
                    opener: BrowserOpener(environment: environment))
                return try await signIn.run(show: show).account
            case .window(let claims):
                let acquirer = brokerAcquirer(target, resource, options, min(deadline, .after(BrowserSignIn.patience)))
                return try await acquirer.signIn(
                    claims: claims, choosesAccount: renewing && target.expectedEmail == nil
                ).account
            case .approval(let prompt, let wait, _):
                if prompt.userCode != shown {
                    shown = prompt.userCode
                    await show(prompt)
                }
                guard wait < deadline.remaining else { throw prompt.error(now: clock.now) }
                do { try await pause(wait) } catch {
                    throw MMError(
                        .cancelled, "The sign-in of \(connection.name) was cancelled.",
                        hint:
                            "Its code stays good until it runs out: mm login \(ShellWord.quoted(connection.name)) goes on with it."
                    )
                }
            }
            if renewing { options = TokenOptions(renewal: .resume) }
        }
    }

    /// Signs out: removes the connection's tokens from its cache, its pending sign-ins, and the private links that services
    /// gave it.
    /// - Parameters:
    ///   - connection: the connection that signs out.
    ///   - forgettingAccount: whether to remove the pin as well, so that another account may sign in next.
    /// - Returns: the accounts that were signed in.
    /// - Throws: `.conflict` while another process holds the tokens; file errors.
    @discardableResult
    public func signOut(
        _ connection: Connection, forgettingAccount: Bool = false, deadline: Deadline = .after(.seconds(15))
    ) async throws(MMError) -> SignOutResult {
        try await signOut(named: connection.name, forgettingAccount: forgettingAccount, deadline: deadline)
    }

    /// Signs out the present or former connection of a name. It needs nothing else, so it works even when the entry is
    /// malformed or now points elsewhere, or when the sandbox is gone.
    @discardableResult
    package func signOut(
        named name: String, forgettingAccount: Bool = false, deadline: Deadline = .after(.seconds(15))
    ) async throws(MMError) -> SignOutResult {
        let files = TokenFiles(paths: paths, connection: name, memory: memory)
        try ProtectedFile.makeDirectory(paths.tokenDirectory)
        let lock = try await FileLock(awaiting: files.cache.path, until: deadline)
        // Remove codes first: approving one now would bring tokens back.
        for path in try files.pendingPaths() { try ProtectedFile.erase(path) }
        try ConnectionLinks.erase(of: name, paths: paths)
        let accounts = try await files.cache.clear(until: deadline)
        // An empty cache hides that of an earlier program, whose file name isn't unique to this connection.
        if FileSignature(files.cache.path) == nil, let earlier = files.earlierCachePath, FileSignature(earlier) != nil {
            try ProtectedFile.replace(files.cache.path, with: TokenCacheDocument().bytes)
        }
        assertionTokens.forget(name)
        if forgettingAccount {
            let pins = files.pins
            try await BlockingWork.run { () throws(MMError) in try pins.unpin(name) }
        }
        _ = consume lock
        return SignOutResult(accounts: accounts)
    }

    /// Moves the pin of a connection that is renamed, replacing that of an earlier connection with the new name.
    package func movePin(from name: String, to newName: String) async throws(MMError) {
        let pins = PinStore(path: paths.pinFile)
        try await BlockingWork.run { () throws(MMError) in try pins.move(from: name, to: newName) }
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

    /// Returns whether a connection's cache holds its account; also true when that can't be determined.
    package func holdsAccount(of connection: Connection) async -> Bool {
        do throws(MMError) {
            let method = try method(of: connection)
            // An app gets its tokens without a person.
            guard method.isInteractive else { return true }
            let target = try target(connection, .graph, method)
            return try await files(target).snapshot(target).account() != nil
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

    private nonisolated func browserNeeded(_ connection: Connection, _ resource: ServiceResource) -> MMError {
        MMError(
            .signInNeeded, "Sign-in needed for \(connection.name), in a browser of this machine.",
            hint:
                "In a terminal: mm login \(ShellWord.quoted(connection.name)). It opens the browser; then repeat the call.",
            details: ["connection": .string(connection.name), "resource": .string(resource.name)])
    }

    private nonisolated func assertionMissing(_ connection: Connection) -> MMError {
        MMError(
            .invalidInput, "\(connection.name) acts for the people who call it, and this call brings nobody's token.",
            hint:
                "Callers of mm-mcp bring it with --oauth-issuer; Swift programs pass it on: token(onBehalfOf:for:). "
                + "Otherwise name a file that holds it: mm connections edit "
                + "\(ShellWord.quoted(connection.name)) auth.assertionFile=/path.",
            details: ["connection": .string(connection.name), "field": "auth.assertionFile"])
    }

    /// Removes a declined or expired sign-in, because someone is explicitly asking for a new one.
    private func clearClosedSignIn(_ target: SignInTarget, _ resource: ServiceResource) throws(MMError) {
        let file = TokenFiles(paths: paths, connection: target.connection, memory: memory).pending(target, resource)
        if try file.read()?.outcome != nil { try file.remove() }
    }

    /// The longest wait for permission to poll again.
    private static let shortWait = Duration.seconds(15)

    /// Like `acquire`, but if it is too early to poll for a code that was shown before, waits briefly and tries again,
    /// so that a sign-in that is already approved isn't answered with its own code.
    private func acquireSoon(
        _ connection: Connection, _ resource: ServiceResource, _ options: TokenOptions, _ deadline: Deadline
    ) async throws(MMError) -> TokenAcquirer.Outcome {
        let outcome = try await acquire(connection, resource, options, deadline)
        guard case .approval(_, let wait, isTooEarly: true) = outcome, wait <= Self.shortWait, wait < deadline.remaining
        else { return outcome }
        do { try await pause(wait) } catch {
            throw MMError(.cancelled, "The call was cancelled while the sign-in of \(connection.name) waited.")
        }
        return try await acquire(connection, resource, options, deadline)
    }

    private func acquire(
        _ connection: Connection, _ resource: ServiceResource, _ options: TokenOptions, _ deadline: Deadline,
        by given: SignInMethod? = nil
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
            // Whoever signed in acts for themselves, whatever token the connection has besides.
            let assertion: Secret
            if let own = CallerAssertion.current {
                assertion = own
            } else if let source {
                assertion = try source.read(
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

    /// Runs a request that is shared by all calls for the same token.
    func shared(
        _ key: FlightKey, of connection: String, until deadline: Deadline,
        _ run: @escaping @Sendable () async throws(MMError) -> TokenAcquirer.Outcome
    ) async throws(MMError) -> TokenAcquirer.Outcome {
        let what = "getting a token for \(connection)"
        if let flight = pendingRequests[key] { return try await flight.value(of: what, until: deadline) }
        let flight = SharedRequest<TokenAcquirer.Outcome> { [weak self] in
            let result = await Result { () async throws(MMError) in try await run() }
            await self?.finish(key)
            return result
        }
        pendingRequests[key] = flight
        return try await flight.value(of: what, until: deadline)
    }

    private func finish(_ key: FlightKey) { pendingRequests[key] = nil }
}
