import MMCore
import MMIdentity

/// The account whose tokens a session uses: its connection's, or, if the connection acts on behalf of its callers, that
/// of the one person to whom the session belongs, whichever call starts or uses it.
struct SessionBearer: Sendable {
    /// The session's knowledge about its tokens, shared by all copies of the bearer.
    private final class Memory: Sendable {
        /// The services for which the connection's own app lacks consent, with the sign-in service's error.
        let refusals = Mutex<[ServiceResource: MMError]>([:])
    }

    /// The connection whose sign-in is used.
    let connection: Connection
    private let identity: IdentityService
    /// The person; `nil` for the connection's own sign-in.
    private let person: String?
    /// The session's module, whose own sign-in is used if the connection's isn't suitable.
    private let module: String?
    private let memory = Memory()

    /// Creates the bearer of a session.
    /// - Parameters:
    ///   - signedIn: the person to whom the session belongs, if a server serves several people.
    ///   - module: the session's module.
    init(of connection: Connection, _ identity: IdentityService, signedIn: String?, module: String? = nil) {
        self.connection = connection
        self.identity = identity
        self.module = module
        person = connection.auth.method == .onBehalfOf ? signedIn : nil
    }

    /// Whether tokens are got on behalf of a caller.
    var isCaller: Bool { person != nil }

    /// The only account that may be signed in; `nil` if the connection determines it.
    var account: AccountPin? { person.flatMap { identity.callers.account(of: $0) } }

    /// The sign-in service's errors for services for which the connection's own app lacks consent.
    var consentMissing: [ServiceResource: MMError] { memory.refusals.withLock { $0 } }

    /// Checks that there is a token of the person.
    /// - Throws: `.signInNeeded`, with what to do.
    func check() throws(MMError) { _ = try assertion() }

    /// Returns a valid token, without asking a person.
    func token(for resource: ServiceResource, until deadline: Deadline) async throws(MMError) -> AccessToken {
        try await serving(resource) { (connection) async throws(MMError) in
            try await identity.token(
                for: connection, resource: resource, options: TokenOptions(interaction: .never), deadline: deadline)
        }
    }

    /// Returns a token of the connection's own sign-in, even if its module has one.
    func ownToken(for resource: ServiceResource, until deadline: Deadline) async throws(MMError) -> AccessToken {
        let own = SessionBearer(of: connection, identity, signedIn: person)
        return try await own.token(for: resource, until: deadline)
    }

    /// Returns whether the module has signed in by itself before, so that no person needs to be asked.
    func isServedByModule() async -> Bool {
        guard let module else { return false }
        return await identity.connection(connection, as: module) != nil
    }

    /// Returns a token that is valid for longer than a given one.
    func token(longerThan held: AccessToken, until deadline: Deadline) async throws(MMError) -> AccessToken {
        let options = TokenOptions(
            interaction: .never, refusedToken: held.secret, refusedAt: Timestamp.now.seconds)
        return try await serving(held.resource) { (connection) async throws(MMError) in
            try await identity.token(for: connection, resource: held.resource, options: options, deadline: deadline)
        }
    }

    /// Returns another token after a service has refused one.
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

    /// Returns whether the basis of its tokens exists: the connection's own sign-in, or the one that its module made.
    func holdsAccount() async -> Bool {
        if await holdsOwnAccount() { return true }
        guard let module, let own = await identity.connection(connection, as: module) else { return false }
        return await identity.holdsAccount(of: own)
    }

    /// Returns whether the connection's own sign-in exists, whatever its module has done.
    func holdsOwnAccount() async -> Bool { await identity.holdsAccount(of: connection) }

    /// Returns how the person's sign-in of the connection ended; `nil` if it is valid, or if another one is used.
    /// - Parameter resources: the relevant services.
    func end(for resources: [ServiceResource]) async -> SignInEnd? {
        guard !isCaller, let end = await identity.end(of: connection), end.counts(for: resources) else { return nil }
        guard let module, let own = await identity.connection(connection, as: module) else { return end }
        return await identity.holdsAccount(of: own) ? nil : end
    }

    /// Stores the refresh token of a sign-in that the session's module made by itself.
    func keep(_ refreshToken: Secret, app: String, scope: String?, _ account: IdentityService.ModuleAccount?)
        async
        throws(MMError)
    {
        guard let module, !isCaller else { return }
        try await identity.keep(
            signInOf: module, connection, app: app, refreshToken: refreshToken, scope: scope, account: account)
    }

    /// Removes the sign-in that the module made by itself, after its service has ended it.
    func forgetModule() async {
        if let module { try? await identity.forget(signInOf: module, connection) }
    }

    /// Gets a token with the connection's own sign-in, otherwise with the one that the module made.
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
        do throws(MMError) {
            return try await ask(own)
        } catch {
            throw error.ofModule(on: connection)
        }
    }

    /// Signs the person in for a resource, with a device code, and waits for them. A browser or a broker's window can
    /// only open where the person is, which `login` is for.
    /// - Throws: the reason why the sign-in failed; at once, with what to do, if the connection signs in without a
    ///   device code.
    func signIn(
        for resource: ServiceResource, show: @escaping @Sendable (SignInPrompt) async -> Void
    ) async throws(MMError) {
        guard connection.auth.method == .device else {
            _ = try await token(for: resource, until: .after(.seconds(60)))
            return
        }
        _ = try await identity.signIn(to: connection, resource: resource, by: .deviceCode, telling: show)
    }

    private func assertion() throws(MMError) -> Secret? {
        guard let person else { return nil }
        return try identity.callers.token(of: person, for: connection.name)
    }
}

extension MMError {
    /// Whether the sign-in service reported that the app lacks consent for its request, or that it never issues that
    /// app a token for the service.
    var lacksConsent: Bool {
        if let action = details["action"]?.string, ["user_consent", "admin_consent"].contains(action) { return true }
        return details["aadsts"]?.int == 65_002
    }

    /// Returns the error of a sign-in that a module made by itself, with what helps there: `mm login` signs in the
    /// connection's own app.
    fileprivate func ofModule(on connection: Connection) -> MMError {
        guard code == .forbidden, let number = details["aadsts"]?.int else { return self }
        var error = self
        error.details["nextWay"] = nil
        error.hint =
            (EntraAdvice.about(number).map { $0.advice + " " } ?? "")
            + "To sign in anew: mm logout \(ShellWord.quoted(connection.name)); the next call shows a code."
        return error
    }

    /// Whether a module may still sign in by itself, with its own app: if no person has signed in yet, or if the
    /// connection has no app or its app isn't allowed to.
    var isMendedByModule: Bool {
        [.signInNeeded, .invalidInput, .unsupported].contains(code) || lacksConsent
    }
}
