internal import MMCore
internal import MMHTTP

/// The data services of the subscription's vaults and storage accounts, which have hosts of their own.
///
/// All of these hosts lead to the one address of the sandbox. The proxy in between names the original host in
/// `X-Forwarded-Host`, as proxies do.
struct AzureDataServices {
    let bearer: BearerCheck
    let content: AzureContent
    let access: AzureAccess
    let vaults: VaultService
    let blobs: BlobService

    init(context: TenantContext, bearer: BearerCheck, content: AzureContent, access: AzureAccess) {
        (self.bearer, self.content, self.access) = (bearer, content, access)
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
        let found = content.resources(ofType: type, inGroup: nil).first { $0["name"]?.string == host.name }
        guard let id = found?["id"]?.string else {
            return .failure(404, "NotFound", "The sandbox has no \(type) named '\(host.name)'.")
        }
        let principal: SignedInPrincipal
        do throws(TokenMint.Refusal) {
            principal = try bearer.principal(request, for: audience)
            if bearer.isRevoked(principal) { return refusal(audience, "The access token has been revoked.") }
        } catch {
            return refusal(audience, error.message)
        }
        let action = AzureAction.toData(Self.action(of: request, isVault: host.kind == "vault"), of: id)
        guard access.permits(principal, action) else { return denied(principal, action, at: host) }
        switch host.kind {
        case "vault": return vaults.answer(request, at: host)
        case "blob": return blobs.answer(request, at: host)
        default:
            return .failure(
                501, "NotImplemented",
                "The sandbox doesn't know the \(host.kind) service of storage accounts; the real service does.")
        }
    }

    /// Returns the name of what a request does to the data.
    private static func action(of request: HTTPServerRequest, isVault: Bool) -> String {
        let isRead = ["GET", "HEAD"].contains(request.method)
        guard isVault else {
            let verb = isRead ? "read" : request.method == "DELETE" ? "delete" : "write"
            return "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/\(verb)"
        }
        let parts = request.segments.map { $0.lowercased() }
        let kind = ["keys", "certificates"].first { parts.first?.hasSuffix($0) == true } ?? "secrets"
        // Only a secret's own address tells its value.
        let isValue = parts.first == "secrets" && parts.count > 1 && parts.last != "versions"
        let verb =
            switch (request.method, parts.first) {
            case _ where isRead: isValue ? "getSecret" : "readMetadata"
            case ("DELETE", "deletedsecrets"): "purge"
            case ("DELETE", _): "delete"
            case ("PATCH", _): "update"
            case ("POST", "deletedsecrets"): "recover"
            default: "setSecret"
            }
        return "Microsoft.KeyVault/vaults/\(kind)/\(verb)/action"
    }

    /// Returns the refusal of what no role of a principal permits.
    private func denied(_ principal: SignedInPrincipal, _ action: AzureAction, at host: Host) -> HTTPServerResponse {
        guard host.kind == "vault" else {
            return BlobService.failure(
                403, "AuthorizationPermissionMismatch",
                "This request is not authorized to perform this operation using this permission.")
        }
        let message =
            "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role "
            + "definitions were changed recently, please observe propagation time.\r\nCaller: appid=\(principal.appID);"
            + "oid=\(principal.objectID)\r\nAction: '\(action.name)'\r\nResource: '\(action.scope)'\r\nAssignment: "
            + "(not found)\r\nVault: \(host.name)\r\n"
        return HTTPServerResponse(
            status: 403,
            json: [
                "error": [
                    "code": "Forbidden", "message": .string(message), "innererror": ["code": "ForbiddenByRbac"],
                ]
            ])
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
