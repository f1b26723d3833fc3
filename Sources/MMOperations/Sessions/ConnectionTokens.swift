import MMCore
import MMIdentity
import MMPowerShell

/// Feeds a connection's PowerShell modules from its sign-in, never asking a person: one sign-in serves them all.
struct ConnectionTokens: TokenFeeding {
    private let connection: Connection
    private let identity: IdentityService

    /// The tokens of a connection.
    init(of connection: Connection, from identity: IdentityService) {
        self.connection = connection
        self.identity = identity
    }

    /// The token for a resource; `nil` when only a person could get it.
    func token(for resource: TokenResource) async throws(MMError) -> FedToken? {
        guard let wanted = Self.service(of: resource) else { return nil }
        do throws(MMError) {
            let token = try await identity.token(
                for: connection, resource: wanted, options: TokenOptions(interaction: .never),
                deadline: .after(.seconds(60)))
            return FedToken(
                resource, token: token.secret, expiresAt: token.expiresAt,
                claims: TokenClaims(
                    account: token.account.username, objectID: token.account.objectID, tenantID: token.account.tenantID,
                    appID: connection.appId))
        } catch {
            // Nobody signed in yet, or no app of the connection's own: the module shows a code of its own.
            if [.signInNeeded, .invalidInput, .unsupported].contains(error.code) { return nil }
            throw error
        }
    }

    private static func service(of resource: TokenResource) -> ServiceResource? {
        switch resource.service {
        case .exchange: .exchange
        case .azure: .arm
        case .graph: .graph
        case .teams: .teams
        case .sharePoint:
            resource.address.flatMap { WebAddress($0)?.host.split(separator: ".").first }.map {
                .sharePoint(String($0))
            }
        }
    }
}
