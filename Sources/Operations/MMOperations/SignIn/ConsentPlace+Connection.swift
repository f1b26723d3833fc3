import MMCore
import MMGuard
import MMIdentity

extension ConsentPlace {
    /// Creates the place where a connection's app gets permissions; Microsoft's own client can't get any.
    init(_ connection: Connection, cloud: Cloud, partner: String? = nil) {
        self.init(
            connection: connection.name, login: cloud.login,
            graph: cloud.audience(of: .graph) ?? "https://graph.microsoft.com",
            tenant: connection.tenantId ?? connection.tenant ?? "organizations",
            appID: connection.appId?.lowercased() == SharedClient.appID ? nil : connection.appId,
            partner: partner)
    }
}

extension IdentityService {
    /// Returns the rights in a connection's token for a service, without asking anyone; `nil` where there is no
    /// sign-in.
    func rights(
        of connection: Connection, on resource: ServiceResource = .graph, deadline: Deadline = .after(.seconds(20))
    ) async -> TokenRights? {
        let options = TokenOptions(interaction: .never)
        guard let token = try? await token(for: connection, resource: resource, options: options, deadline: deadline)
        else { return nil }
        return token.claims.map { TokenRights(claims: $0) }
    }
}
