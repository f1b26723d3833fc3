import MMCore
import MMIdentity

/// For whom a session gets tokens: for its connection, or, where that acts on behalf of its callers, for the one person whom
/// the session belongs to, whoever's call starts it or runs beside it.
struct SessionBearer: Sendable {
    /// Whose sign-in serves.
    let connection: Connection
    private let identity: IdentityService
    /// The person; `nil` for the connection's own sign-in.
    private let person: String?

    /// The bearer of a session.
    /// - Parameter principal: whose session it is, where a server serves several people.
    init(of connection: Connection, _ identity: IdentityService, principal: String?) {
        self.connection = connection
        self.identity = identity
        person = connection.auth.method == .onBehalfOf ? principal : nil
    }

    /// Whether tokens are got for a caller.
    var isCaller: Bool { person != nil }

    /// The account that alone may be signed in; `nil` where the connection says so.
    var account: AccountPin? { person.flatMap { identity.callers.account(of: $0) } }

    /// Refuses where there is no token of the person.
    /// - Throws: `.signInNeeded`, with what to do.
    func check() throws(MMError) { _ = try assertion() }

    /// A token that is good now, got without asking a person.
    func token(
        for resource: ServiceResource, insteadOf refused: AccessToken? = nil, until deadline: Deadline
    ) async throws(MMError) -> AccessToken {
        let options = TokenOptions(
            interaction: .never, refusedToken: refused?.secret,
            refusedAt: refused == nil ? 0 : Timestamp.now.seconds)
        return try await CallerAssertion.with(try assertion()) { () async throws(MMError) in
            try await identity.token(for: connection, resource: resource, options: options, deadline: deadline)
        }
    }

    private func assertion() throws(MMError) -> Secret? {
        guard let person else { return nil }
        return try identity.callers.token(of: person, for: connection.name)
    }
}
