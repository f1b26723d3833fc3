internal import MMCore
internal import MMHTTP

extension EntraClient {
    /// Asks the sign-in service for the id of a tenant that the authority names by its domain (OpenID Connect Discovery
    /// 1.0, section 4).
    /// - Returns: `nil` when the service names no single tenant, as for `organizations`.
    func tenantID(of authority: Authority, deadline: Deadline) async throws(MMError) -> String? {
        let request = HTTPRequest(
            url: authority.cloud.openIDConfiguration(of: authority.tenant),
            headers: ClientHeaders.all, timeout: min(.seconds(15), max(deadline.remaining, .milliseconds(1))),
            maxResponseBytes: 1 << 20, allowsPlainHTTP: authority.cloud.login.hasPrefix("http:"))
        let response: HTTPResponse
        do {
            response = try await transport.send(request)
        } catch {
            throw error.mmError(for: "Asking for the id of the tenant \(authority.tenant)")
        }
        guard response.status == 200,
            let issuer = (try? JSONParser.parse(response.body, limits: JSONLimits(bytes: 1 << 20, depth: 32)))?[
                "issuer"]?
                .string,
            let id = WebAddress(issuer)?.pathAndQuery.split(separator: "/").first.map({ $0.lowercased() }),
            GUID.isValid(id), authority.issues(issuer, tenantID: id)
        else { return nil }
        return id
    }
}
