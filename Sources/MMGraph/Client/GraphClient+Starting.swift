public import MMCore
import MMIdentity

extension GraphClient {
    /// A client for a connection of the registry, with the sign-in that the programs have.
    ///
    /// ```swift
    /// let graph = try GraphClient(connection: "Contoso")
    /// let me = try await graph.get("/me")
    /// ```
    /// - Parameters:
    ///   - name: the connection's name, as `mm connections` lists it.
    ///   - service: the service asked.
    ///   - signIn: how somebody signs in where nobody is.
    ///   - environment: `HOME`, `MM_CONNECTIONS`, `MM_TOKEN_DIR`, proxies; the process's own unless given.
    /// - Throws: `.invalidInput` for a registry or an entry that can't be used, `.notFound` with the known names.
    public init(
        connection name: String, service: RequestService = .graph, signIn: GraphSignIn = .none,
        environment: [String: String] = ProcessEnvironment.read()
    ) throws(MMError) {
        let registry = ConnectionRegistry(path: StatePaths(environment: environment).registry)
        try self.init(
            identity: IdentityService(environment: environment),
            connection: try registry.snapshot().connection(named: name), service: service)
        approval = signIn
    }

    /// A client for a tenant that is in no registry.
    ///
    /// ```swift
    /// let graph = try GraphClient(tenant: "contoso.com", clientID: id, signIn: .deviceCode { print($0.message) })
    /// ```
    /// - Parameters:
    ///   - tenant: its domain or id.
    ///   - clientID: the id of an app registration that may sign in with a device code.
    ///   - cloud: the national cloud, as in the registry.
    ///   - service: the service asked.
    ///   - signIn: how somebody signs in where nobody is. The sign-in is kept in the token folder for the next time.
    ///   - environment: `HOME`, `MM_TOKEN_DIR`, proxies; the process's own unless given.
    /// - Throws: `.invalidInput` for a tenant, an id or a cloud that is none.
    public init(
        tenant: String, clientID: String, cloud: String = "public", service: RequestService = .graph,
        signIn: GraphSignIn = .none, environment: [String: String] = ProcessEnvironment.read()
    ) throws(MMError) {
        try self.init(
            identity: IdentityService(environment: environment),
            connection: try Connection(
                name: "\(clientID)@\(tenant)", tenant: tenant, appId: clientID, cloud: cloud), service: service)
        approval = signIn
    }

    /// Sends with a sign-in of the person that the client's owner named.
    func signedIn<Answer: Sendable>(
        _ work: () async throws(MMError) -> Answer
    ) async throws(MMError) -> Answer {
        guard let show = approval.show else { return try await work() }
        return try await identity.waitingForSignIn(to: connection, resource: resource, show: show, work)
    }
}
