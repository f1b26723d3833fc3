internal import MMCore
internal import MMHTTP

/// The data services of the subscription's vaults and storage accounts, which have hosts of their own.
///
/// All of these hosts lead to the one address of the sandbox. The proxy in between names the original host in
/// `X-Forwarded-Host`, as proxies do.
struct AzureDataServices {
    let bearer: BearerCheck
    let content: AzureContent
    let vaults: VaultService
    let blobs: BlobService

    init(context: TenantContext, bearer: BearerCheck, content: AzureContent) {
        (self.bearer, self.content) = (bearer, content)
        vaults = VaultService(context: context)
        blobs = BlobService(context: context)
    }

    /// The host of a vault or an account, in lower case.
    struct Host {
        /// The kind of service: `vault`, `blob`, `file` …
        let kind: String
        /// The name of the vault or account.
        let name: String
        /// The whole host name.
        let text: String

        /// Parses a host from a request; `nil` for one that belongs to no such service.
        init?(_ text: String) {
            let host = text.lowercased()
            let name = String(host.prefix { $0 != "." })
            let kinds: [(suffix: String, kind: String)] =
                [(".vault.azure.net", "vault")]
                + ["blob", "file", "queue", "table", "dfs"].map { (".\($0).core.windows.net", $0) }
            guard let found = kinds.first(where: { host == name + $0.suffix }) else { return nil }
            (kind, self.name, self.text) = (found.kind, name, host)
        }
    }

    /// Returns the step for the tenant's chain.
    static func step(_ services: TenantServices) -> Step { Step(services: services) }

    /// Handles requests for hosts of this kind, and passes on all others.
    struct Step: HTTPMiddleware {
        let services: TenantServices

        func respond(
            to request: HTTPServerRequest, from peer: Void, next: HTTPResponder<Void>
        ) async -> HTTPServerResponse {
            guard let host = request.headers["x-forwarded-host"].flatMap({ Host($0) }) else {
                return await next(request, peer)
            }
            return await services.use { $0.azureData.answer(request, at: host) }
        }
    }

    private func answer(_ request: HTTPServerRequest, at host: Host) -> HTTPServerResponse {
        let (type, audience) =
            host.kind == "vault"
            ? ("Microsoft.KeyVault/vaults", ServedResource.keyVault)
            : ("Microsoft.Storage/storageAccounts", ServedResource.storage)
        guard content.resources(ofType: type, inGroup: nil).contains(where: { $0["name"]?.string == host.name }) else {
            return .failure(404, "NotFound", "The sandbox has no \(type) named '\(host.name)'.")
        }
        do throws(TokenMint.Refusal) {
            let principal = try bearer.principal(request, for: audience)
            if bearer.isRevoked(principal) { return refusal(audience, "The access token has been revoked.") }
        } catch {
            return refusal(audience, error.message)
        }
        switch host.kind {
        case "vault": return vaults.answer(request, at: host)
        case "blob": return blobs.answer(request, at: host)
        default:
            return .failure(
                501, "NotImplemented",
                "The sandbox doesn't know the \(host.kind) service of storage accounts; the real service does.")
        }
    }

    /// Returns the refusal with a challenge, which tells clients which issuer's tokens are accepted.
    private func refusal(_ audience: ServedResource, _ message: String) -> HTTPServerResponse {
        let authority = "https://login.microsoftonline.com/\(TenantIdentity.id)"
        guard audience == .keyVault else {
            var answer = BlobService.failure(401, "NoAuthenticationInformation", message)
            answer.headers.set(
                "WWW-Authenticate",
                "Bearer authorization_uri=\(authority)/oauth2/authorize resource_id=https://storage.azure.com")
            return answer
        }
        return .failure(
            401, "Unauthorized", message,
            headers: [
                "WWW-Authenticate": "Bearer authorization=\"\(authority)\", resource=\"https://vault.azure.net\""
            ])
    }
}
