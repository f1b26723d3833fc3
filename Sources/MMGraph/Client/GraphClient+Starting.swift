public import MMCore
import MMIdentity

extension GraphClient {
    /// Creates a client for a connection of the registry, using the same sign-in as the programs.
    ///
    /// ```swift
    /// let graph = try GraphClient(connection: "Contoso")
    /// let me = try await graph.get("/me")
    /// ```
    /// - Parameters:
    ///   - name: the connection's name, as `mm connections` lists it.
    ///   - service: the service to send requests to.
    ///   - signIn: how to sign in; by default as the entry says.
    ///   - environment: `HOME`, `MM_CONNECTIONS`, `MM_TOKEN_DIR`, proxies; the process's own by default.
    /// - Throws: `.invalidInput` for a registry or an entry that can't be used; `.notFound` with the known names.
    public init(
        connection name: String, service: RequestService = .graph, signIn: GraphSignIn = .none,
        environment: [String: String] = ProcessEnvironment.read()
    ) throws(MMError) {
        let registry = ConnectionRegistry(path: StatePaths(environment: environment).registry)
        try self.init(
            identity: IdentityService(environment: environment, methods: signIn.methods(of: name)),
            connection: try registry.snapshot().connection(named: name), service: service)
        self.signIn = signIn
    }

    /// Creates a client for a tenant that isn't in any registry.
    ///
    /// ```swift
    /// let graph = try GraphClient(tenant: "contoso.com", clientID: id, signIn: .deviceCode { print($0.message) })
    /// ```
    /// - Parameters:
    ///   - tenant: the tenant's domain or id.
    ///   - clientID: the id of an app registration; for people to sign in, one that allows public client flows.
    ///   - cloud: the national cloud, as in the registry.
    ///   - service: the service to send requests to.
    ///   - signIn: how to sign in. The sign-in is kept in the token folder for later runs.
    ///   - environment: `HOME`, `MM_TOKEN_DIR`, proxies; the process's own by default.
    /// - Throws: `.invalidInput` for an invalid tenant, id or cloud.
    public init(
        tenant: String, clientID: String, cloud: String = "public", service: RequestService = .graph,
        signIn: GraphSignIn = .none, environment: [String: String] = ProcessEnvironment.read()
    ) throws(MMError) {
        let name = "\(clientID)@\(tenant)"
        try self.init(
            identity: IdentityService(environment: environment, methods: signIn.methods(of: name)),
            connection: try Connection(name: name, tenant: tenant, appId: clientID, cloud: cloud), service: service)
        self.signIn = signIn
    }

    /// Performs work, signing in first if needed and if the client was created with a way to do so.
    func signedIn<Answer: Sendable>(
        _ work: () async throws(MMError) -> Answer
    ) async throws(MMError) -> Answer {
        guard let show = signIn.show else { return try await work() }
        return try await identity.waitingForSignIn(to: connection, resource: resource, show: show, work)
    }
}

extension GraphSignIn {
    /// Returns the sign-in method of a connection by its name, if it differs from that of the entry.
    func methods(of connection: String) -> [String: SignInMethod] { method.map { [connection: $0] } ?? [:] }
}
