import MMCore
import MMGuard
import MMIdentity

extension ConsentPlace {
    /// Where a connection's app gets permissions; to Microsoft's own client none can be added.
    init(_ connection: Connection, cloud: Cloud) {
        self.init(
            connection: connection.name, login: cloud.login,
            graph: cloud.audience(of: .graph) ?? "https://graph.microsoft.com",
            tenant: connection.tenantId ?? connection.tenant ?? "organizations",
            appID: connection.appId?.lowercased() == SharedClient.appID ? nil : connection.appId)
    }
}

extension IdentityService {
    /// What the token holds that a connection has for a service, without asking anybody; `nil` where there is no sign-in.
    func rights(
        of connection: Connection, on resource: ServiceResource = .graph, deadline: Deadline = .after(.seconds(20))
    ) async -> TokenRights? {
        let options = TokenOptions(interaction: .never)
        guard let token = try? await token(for: connection, resource: resource, options: options, deadline: deadline)
        else { return nil }
        return token.claims.map { TokenRights(claims: $0) }
    }
}
