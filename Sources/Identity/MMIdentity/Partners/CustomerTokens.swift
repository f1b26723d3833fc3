package import MMCore
internal import MMHTTP

/// Obtains tokens of a customer's tenant with the sign-in of a person at the partner: the refresh token of the
/// partner's connection is redeemed at the customer's authority (granular delegated admin privileges). The tokens are
/// kept in memory only.
actor CustomerTokens: AccessTokenProvider {
    private let identity: IdentityService
    private let partner: Connection
    private let customer: Connection
    private var tokens: [ServiceResource: ProvidedAccessToken] = [:]
    /// The account that signed in at the partner, in the partner's tenant.
    private(set) var home: SignedInAccount?

    init(_ identity: IdentityService, partner: Connection, customer: Connection) {
        self.identity = identity
        self.partner = partner
        self.customer = customer
    }

    func accessToken(for request: AccessTokenRequest) async throws -> ProvidedAccessToken {
        if !request.isAfterRefusal, request.claims == nil, let known = tokens[request.resource],
            let ends = known.expiresAt, ends > identity.clock.now + .seconds(120)
        {
            return known
        }
        // If the partner is signed out or its sign-in has ended, this throws an error that names the partner's
        // connection.
        _ = try await identity.token(for: partner)
        let answer = try await identity.redeem(
            at: customer, signInOf: partner, resource: request.resource, claims: request.claims)
        home = answer.account
        let ends = identity.clock.now + .seconds(Int64(answer.token.expiresIn))
        let token = ProvidedAccessToken(answer.token.accessToken, expiresAt: ends)
        tokens[request.resource] = token
        return token
    }

    /// Returns the state of the partner's sign-in, whose person acts in the customer's tenant. Only a token of that
    /// tenant tells the person's id there.
    func state(in tenant: String) async -> SignInState {
        let state = await identity.state(of: partner)
        guard case .signedIn(let person, _) = state else { return state }
        return .signedIn(
            SignedInAccount(
                username: person.username, objectID: "", tenantID: tenant, homeAccountID: person.homeAccountID),
            expiresAt: nil)
    }
}

extension IdentityService {
    /// Makes a customer's tenant reachable with the sign-in of a partner, for the lifetime of this process.
    /// - Parameters:
    ///   - customer: the connection to the customer's tenant.
    ///   - partner: the connection that signs in. An app signs in at the customer's authority by itself.
    package nonisolated func imply(customer: Connection, of partner: Connection) throws(MMError) {
        let tokens =
            try method(of: partner).isAppOnly
            ? nil : CustomerTokens(self, partner: partner, customer: customer)
        customers.withLock { known in
            if let one = known[customer.name], one.tenant == customer.tenantId, one.partner == partner { return }
            known[customer.name] = Customer(tenant: customer.tenantId, partner: partner, tokens: tokens)
        }
    }

    /// Returns the partner whose customer a connection leads to; `nil` for every other connection.
    package nonisolated func partner(ofCustomer connection: Connection) -> Connection? {
        customer(connection)?.partner
    }

    private nonisolated func customer(_ connection: Connection) -> Customer? {
        customers.withLock { known in
            known[connection.name].flatMap { $0.tenant == connection.tenantId ? $0 : nil }
        }
    }

    /// Returns the tokens of a customer's tenant; `nil` for every other connection.
    nonisolated func tokens(ofCustomer connection: Connection) -> CustomerTokens? {
        customer(connection)?.tokens
    }

    /// Redeems the refresh token of a partner's connection at a customer's authority.
    /// - Throws: `.signInNeeded` where the partner is not signed in; `.forbidden` for what the customer's tenant
    ///   refuses.
    fileprivate func redeem(
        at customer: Connection, signInOf partner: Connection, resource: ServiceResource, claims: String?
    ) async throws(MMError) -> (token: TokenAnswer, account: SignedInAccount) {
        let own = try await completed(try target(partner, resource), until: .after(.seconds(30)))
        let there = try target(customer, resource, .deviceCode)
        let snapshot = try await files(own).snapshot(own)
        guard let account = try snapshot.account(), let refresh = snapshot.view.refreshToken(of: account) else {
            throw MMError(
                .signInNeeded, "\(partner.name) has no sign-in for its customers' tenants.",
                hint: "To sign in: mm login \(ShellWord.quoted(partner.name)).",
                details: ["connection": .string(partner.name), "resource": .string(resource.name)])
        }
        HeldSecrets.shared.hold(refresh.secret)
        do {
            let answer = try await entra(there).refresh(
                there, token: refresh.secret, account: account.account.homeAccountID,
                scopes: SignInScopes.asking(there.authority.cloud, resource), claims: claims,
                deadline: .after(.seconds(60)))
            HeldSecrets.shared.hold(answer.accessToken)
            return (answer, account.account)
        } catch {
            let what = "Getting a token for \(customer.name)"
            switch error {
            case .refused(let refusal):
                throw refusal.mmError(for: what, connection: partner.name, by: .deviceCode)
            case .unreachable(let failure): throw failure.mmError(for: what)
            case .unexpected(let failure): throw failure
            }
        }
    }
}
