internal import MMCore
internal import MMHTTP

/// The step that hands a request to the tenant that it is for: the one that its path names, else the one that its token was
/// issued by, else the one that a control request asks for. All others are the sandbox's own.
struct TenantDoor: HTTPMiddleware {
    let customers: [(organization: SandboxOrganization, chain: HTTPChain<Void>)]
    /// Tells refresh tokens of the sandbox's own tenant.
    let partner: TenantServices

    func respond(
        to request: HTTPServerRequest, from peer: Void, next: HTTPResponder<Void>
    ) async -> HTTPServerResponse {
        guard let place = customer(of: request) else { return await next(request, peer) }
        if let answer = await delegated(request, customers[place].organization) { return answer }
        return await customers[place].chain.respond(to: request, from: peer)
    }

    /// The answer to a partner's person who asks for a token of a customer.
    private func delegated(_ request: HTTPServerRequest, _ customer: SandboxOrganization) async -> HTTPServerResponse? {
        guard request.path.lowercased().hasSuffix("/oauth2/v2.0/token"),
            request.form["grant_type"] == "refresh_token"
        else { return nil }
        return await partner.use { $0.signIn.delegated(request, customer, $0.administration) }
    }

    private func customer(of request: HTTPServerRequest) -> Int? {
        guard !customers.isEmpty else { return nil }
        let segments = request.segments
        if segments.first?.lowercased() == "sandbox" {
            return request.queryFields["tenant"].flatMap { named($0) }
        }
        for segment in segments.prefix(3) { if let place = named(segment) { return place } }
        guard let header = request.headers["authorization"], header.lowercased().hasPrefix("bearer ") else {
            return nil
        }
        let parts = header.dropFirst(7).split(separator: ".")
        guard parts.count == 3, let bytes = Base64.bytes(String(parts[1]), alphabet: .url),
            let claims = try? JSONParser.parse(bytes), let tenant = claims["tid"]?.string
        else { return nil }
        return named(tenant)
    }

    private func named(_ segment: String) -> Int? {
        customers.firstIndex { $0.organization.isNamed(by: segment) }
    }
}
