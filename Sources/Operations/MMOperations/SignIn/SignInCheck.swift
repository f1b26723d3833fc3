import MMCore
import MMDesk
import MMIdentity

/// Determines the state of connections' sign-ins, as far as that is possible without a person.
struct SignInCheck: Sendable {
    let identity: IdentityService
    /// Whether the service is asked even if this machine has a token that hasn't expired.
    let asks: Bool
    let deadline: Deadline
    /// Returns the service whose token is checked.
    var resource: @Sendable (Connection) throws(MMError) -> ServiceResource = { (_) throws(MMError) in .graph }

    /// The state of one connection's sign-in.
    enum Standing: Sendable {
        case signedIn(SignedInAccount, until: Timestamp)
        case failed(MMError)
        /// It has no sign-in of its own: nothing can be checked.
        case lacking(IdentityService.SignInLack)
    }

    /// The number of connections whose sign-in service is asked at a time.
    static let width = 16

    /// Checks several connections concurrently.
    func standings(of connections: [Connection]) async -> [Standing] {
        await connections.concurrentMap(atOnce: Self.width) { await standing(of: $0) }
    }

    /// Returns the states of connections' sign-ins according to the sign-in service, by name.
    func states(of connections: [Connection]) async -> [String: SignInState] {
        var states: [String: SignInState] = [:]
        for (connection, standing) in zip(connections, await standings(of: connections)) {
            switch standing {
            case .signedIn(let account, let until): states[connection.name] = .signedIn(account, expiresAt: until)
            case .failed(let error): states[connection.name] = .unusable(error)
            case .lacking: break
            }
        }
        return states
    }

    /// Returns the state of a connection's sign-in according to the sign-in service: its answer if it was asked now, or
    /// else its last refusal, if that may pass; `nil` if there is neither.
    static func serviceState(
        _ answer: SignInState?, of connection: Connection, by identity: IdentityService
    ) async -> SignInState? {
        if let answer { return answer }
        return await identity.refusal(of: connection).map { .unusable($0) }
    }

    /// Checks one connection.
    func standing(of connection: Connection) async -> Standing {
        if let lack = identity.lackOfSignIn(of: connection) { return .lacking(lack) }
        do throws(MMError) {
            var token = try await token(of: connection)
            if asks {
                switch connection.auth.method {
                case .device, .browser, .broker, .secret, .certificate, .federated:
                    token = try await self.token(of: connection, insteadOf: token)
                case .managedIdentity, .onBehalfOf, .token:
                    // These tokens aren't issued by the sign-in service; only the resource service shows whether they
                    // are valid.
                    try await call(connection)
                }
            }
            return .signedIn(token.account, until: token.expiresAt)
        } catch {
            return .failed(error)
        }
    }

    private func token(
        of connection: Connection, insteadOf held: AccessToken? = nil
    ) async throws(MMError) -> AccessToken {
        let options = TokenOptions(
            interaction: .never, refusedToken: held?.secret, refusedAt: held == nil ? 0 : Timestamp.now.seconds)
        return try await identity.token(
            for: connection, resource: try resource(connection), options: options, deadline: deadline)
    }

    private func call(_ connection: Connection) async throws(MMError) {
        let client = try GuardedClient(identity: identity, connection: connection)
        let target = try client.target("/organization", query: [("$select", "id")])
        do throws(MMError) {
            _ = try await client.read(GraphRequest(target: target), deadline: deadline)
        } catch {
            // A missing permission doesn't mean that the sign-in is invalid.
            guard error.code != .forbidden else { return }
            throw error
        }
    }
}

extension IdentityService.SignInLack {
    /// The word for it as the state of a connection.
    var word: String {
        switch self {
        case .caller: "acts for its callers"
        case .app: "its modules sign in"
        }
    }
}

extension SignInState {
    /// Returns the state according to the sign-in service, where it was asked. A code that waits for a person remains
    /// the state, whatever the service says.
    func corrected(by service: SignInState?) -> SignInState {
        if case .pending = self { self } else { service ?? self }
    }
}
