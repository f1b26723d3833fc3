internal import MMCore
internal import MMHTTP

/// The check of access tokens at the resource endpoints.
struct BearerCheck {
    let context: TenantContext
    let mint: TokenMint
    let issuer: TokenIssuer

    /// Who a request speaks for.
    /// - Throws: `TokenMint.Refusal` when the token is absent, broken, run out, or meant for another service.
    func principal(_ request: HTTPServerRequest, for wanted: ServedResource) throws(TokenMint.Refusal)
        -> SignedInPrincipal
    {
        guard let header = request.headers["authorization"], header.lowercased().hasPrefix("bearer ") else {
            throw .absent
        }
        let token = header.dropFirst(7).drop { $0 == " " }
        guard !token.isEmpty else { throw .absent }
        let claims = try mint.claims(of: String(token))
        guard let expires = claims["exp"]?.int, context.now < Int64(expires) else { throw .expired }
        let audience = claims["aud"]?.string ?? ""
        guard let resource = ServedResource.named(audience, base: context.base), accepts(resource, at: wanted) else {
            throw .wrongAudience
        }
        let isApp = claims["idtyp"]?.string == "app"
        let names =
            isApp
            ? claims["roles"]?.array?.compactMap(\.string) ?? []
            : (claims["scp"]?.string ?? "").split(separator: " ").map(String.init)
        let brought = claims["wids"]?.array?.compactMap { $0.string.flatMap(DirectoryRoleName.init(rawValue:)) } ?? []
        return SignedInPrincipal(
            objectID: claims["oid"]?.string ?? "", appID: claims["appid"]?.string ?? "", isApp: isApp,
            permissions: Set(names), resource: resource,
            serial: Int(claims["uti"]?.string?.dropFirst() ?? "") ?? 0, answersChallenges: claims["xms_cc"] != nil,
            delegatedRoles: claims["idp"] == nil ? nil : brought)
    }

    /// Whether the tokens of a principal were ended after this one was issued.
    func isRevoked(_ principal: SignedInPrincipal) -> Bool {
        issuer.isRevoked(serial: principal.serial, of: principal.objectID)
    }

    private func accepts(_ resource: ServedResource, at wanted: ServedResource) -> Bool {
        if resource == wanted || resource == .sandbox { return true }
        // Old clients call Power Automate with a token of the resource manager, and the platform with either of its two.
        return switch wanted {
        case .flow: resource == .arm
        case .powerApps: resource == .powerPlatform || resource == .flow
        default: false
        }
    }
}
