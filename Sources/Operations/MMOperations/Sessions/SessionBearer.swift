import MMCore
import MMIdentity

/// For whom a session gets tokens: for its connection, or, where that acts on behalf of its callers, for the one person whom
/// the session belongs to, whoever's call starts it or runs beside it.
struct SessionBearer: Sendable {
    /// What the session has learnt of its tokens, shared by all that holds its bearer.
    private final class Memory: Sendable {
        /// Services for which nobody has consented to the connection's own app, with what the sign-in service said.
        let refusals = Mutex<[ServiceResource: MMError]>([:])
    }

    /// Whose sign-in serves.
    let connection: Connection
    private let identity: IdentityService
    /// The person; `nil` for the connection's own sign-in.
    private let person: String?
    /// The session's module, whose own sign-in serves where the connection's doesn't.
    private let module: String?
    private let memory = Memory()

    /// The bearer of a session.
    /// - Parameters:
    ///   - signedIn: whose session it is, where a server serves several people.
    ///   - module: the session's module.
    init(of connection: Connection, _ identity: IdentityService, signedIn: String?, module: String? = nil) {
        self.connection = connection
        self.identity = identity
        self.module = module
        person = connection.auth.method == .onBehalfOf ? signedIn : nil
    }

    /// Whether tokens are got for a caller.
    var isCaller: Bool { person != nil }

    /// The account that alone may be signed in; `nil` where the connection says so.
    var account: AccountPin? { person.flatMap { identity.callers.account(of: $0) } }

    /// What the sign-in service said of services to which nobody has consented for the connection's own app.
    var consentMissing: [ServiceResource: MMError] { memory.refusals.withLock { $0 } }

    /// Refuses where there is no token of the person.
    /// - Throws: `.signInNeeded`, with what to do.
    func check() throws(MMError) { _ = try assertion() }

    /// A token that is good now, got without asking a person.
    func token(for resource: ServiceResource, until deadline: Deadline) async throws(MMError) -> AccessToken {
        try await serving(resource) { (connection) async throws(MMError) in
            try await identity.token(
                for: connection, resource: resource, options: TokenOptions(interaction: .never), deadline: deadline)
        }
    }

    /// A token of the connection's own sign-in, whatever its module has.
    func ownToken(for resource: ServiceResource, until deadline: Deadline) async throws(MMError) -> AccessToken {
        let own = SessionBearer(of: connection, identity, signedIn: person)
        return try await own.token(for: resource, until: deadline)
    }

    /// Whether the module has signed in by itself before, which serves without asking anybody.
    func isServedByModule() async -> Bool {
        guard let module else { return false }
        return await identity.connection(connection, as: module) != nil
    }

    /// A token that lasts longer than one that is good still.
    func token(longerThan held: AccessToken, until deadline: Deadline) async throws(MMError) -> AccessToken {
        let options = TokenOptions(
            interaction: .never, refusedToken: held.secret, refusedAt: Timestamp.now.seconds)
        return try await serving(held.resource) { (connection) async throws(MMError) in
            try await identity.token(for: connection, resource: held.resource, options: options, deadline: deadline)
        }
    }

    /// Another token in the place of one that a service has refused.
    func token(
        for resource: ServiceResource, insteadOf refused: Secret, at sent: Timestamp, claims: String?,
        until deadline: Deadline
    ) async throws(MMError) -> AccessToken {
        try await serving(resource) { (connection) async throws(MMError) in
            try await identity.token(
                insteadOf: refused, at: sent, for: connection, resource: resource, claims: claims,
                interaction: .never, deadline: deadline)
        }
    }

    /// Whether what its tokens rest on is there: the connection's own sign-in, or the one that its module made.
    func holdsAccount() async -> Bool {
        if await identity.holdsAccount(of: connection) { return true }
        guard let module, let own = await identity.connection(connection, as: module) else { return false }
        return await identity.holdsAccount(of: own)
    }

    /// How the connection's own sign-in ended that its person made; `nil` while it is good, or where another one serves.
    /// - Parameter resources: the services that matter.
    func end(for resources: [ServiceResource]) async -> SignInEnd? {
        guard !isCaller, let end = await identity.end(of: connection), end.counts(for: resources) else { return nil }
        guard let module, let own = await identity.connection(connection, as: module) else { return end }
        return await identity.holdsAccount(of: own) ? nil : end
    }

    /// Keeps what brings a sign-in back that the session's module made by itself.
    func keep(_ refreshToken: Secret, app: String, scope: String?, _ account: IdentityService.ModuleAccount?)
        async
        throws(MMError)
    {
        guard let module, !isCaller else { return }
        try await identity.keep(
            signInOf: module, connection, app: app, refreshToken: refreshToken, scope: scope, account: account)
    }

    /// Forgets the sign-in that the module made by itself: its service has ended it.
    func forgetModule() async {
        if let module { try? await identity.forget(signInOf: module, connection) }
    }

    /// Gets a token by the connection's own sign-in, else by the one that the module made.
    private func serving(
        _ resource: ServiceResource,
        _ ask: (Connection) async throws(MMError) -> AccessToken
    ) async throws(MMError) -> AccessToken {
        let fault: MMError
        do throws(MMError) {
            if let known = memory.refusals.withLock({ $0[resource] }) { throw known }
            return try await CallerAssertion.with(try assertion()) { () async throws(MMError) in
                try await ask(connection)
            }
        } catch {
            if error.lacksConsent { memory.refusals.withLock { $0[resource] = error } }
            guard !isCaller, error.isMendedByModule else { throw error }
            fault = error
        }
        guard let module, let own = await identity.connection(connection, as: module), own != connection else {
            throw fault
        }
        return try await ask(own)
    }

    /// Signs the person in for a resource and waits for them. Only with a code: a browser or a broker's window opens where the
    /// person is, which is for `login`.
    /// - Throws: why nobody signed in; at once, with what to do, where the connection signs in otherwise.
    func signIn(
        for resource: ServiceResource, show: @escaping @Sendable (SignInPrompt) async -> Void
    ) async throws(MMError) {
        guard connection.auth.method == .device else {
            _ = try await token(for: resource, until: .after(.seconds(60)))
            return
        }
        _ = try await identity.signIn(connection, resource: resource, by: .deviceCode, show: show, again: show)
    }

    private func assertion() throws(MMError) -> Secret? {
        guard let person else { return nil }
        return try identity.callers.token(of: person, for: connection.name)
    }
}

extension MMError {
    /// Whether the sign-in service said that nobody has consented to what the app asks for, or that it never gives that app a
    /// token for the service.
    var lacksConsent: Bool {
        if let action = details["action"]?.string, ["user_consent", "admin_consent"].contains(action) { return true }
        return details["aadsts"]?.int == 65_002
    }

    /// Whether a module may still sign in by itself, with its own app: nobody signed in yet, there is no app of the
    /// connection's own, or that one may not.
    var isMendedByModule: Bool {
        [.signInNeeded, .invalidInput, .unsupported].contains(code) || lacksConsent
    }
}
