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
    ///   - service: the service asked.
    ///   - signIn: how it signs in; as the entry says unless given.
    ///   - environment: `HOME`, `MM_CONNECTIONS`, `MM_TOKEN_DIR`, proxies; the process's own unless given.
    /// - Throws: `.invalidInput` for a registry or an entry that can't be used, `.notFound` with the known names.
    public init(
        connection name: String, service: RequestService = .graph, signIn: GraphSignIn = .none,
        environment: [String: String] = ProcessEnvironment.read()
    ) throws(MMError) {
        let registry = ConnectionRegistry(path: StatePaths(environment: environment).registry)
        try self.init(
            identity: IdentityService(environment: environment, methods: signIn.methods(of: name)),
            connection: try registry.snapshot().connection(named: name), service: service)
        approval = signIn
    }

    /// Creates a client for a tenant that isn't in any registry.
    ///
    /// ```swift
    /// let graph = try GraphClient(tenant: "contoso.com", clientID: id, signIn: .deviceCode { print($0.message) })
    /// ```
    /// - Parameters:
    ///   - tenant: its domain or id.
    ///   - clientID: the id of an app registration; for people to sign in with, one that allows public client flows.
    ///   - cloud: the national cloud, as in the registry.
    ///   - service: the service asked.
    ///   - signIn: how it signs in. The sign-in is kept in the token folder for the next time.
    ///   - environment: `HOME`, `MM_TOKEN_DIR`, proxies; the process's own unless given.
    /// - Throws: `.invalidInput` for a tenant, an id or a cloud that is none.
    public init(
        tenant: String, clientID: String, cloud: String = "public", service: RequestService = .graph,
        signIn: GraphSignIn = .none, environment: [String: String] = ProcessEnvironment.read()
    ) throws(MMError) {
        let name = "\(clientID)@\(tenant)"
        try self.init(
            identity: IdentityService(environment: environment, methods: signIn.methods(of: name)),
            connection: try Connection(name: name, tenant: tenant, appId: clientID, cloud: cloud), service: service)
        approval = signIn
    }

    /// Performs work, signing in first if needed and if the client was created with a way to do so.
    func signedIn<Answer: Sendable>(
        _ work: () async throws(MMError) -> Answer
    ) async throws(MMError) -> Answer {
        guard let show = approval.show else { return try await work() }
        return try await identity.waitingForSignIn(to: connection, resource: resource, show: show, work)
    }
}

extension GraphSignIn {
    /// How a connection of a name signs in, where that is not what its entry says.
    func methods(of connection: String) -> [String: SignInMethod] { method.map { [connection: $0] } ?? [:] }
}
