internal import MMCore
internal import MMHTTP

/// The sign-in service: the endpoints below `/{tenant}`.
struct SignInService {
    private let context: TenantContext
    private let devices: DeviceCodes
    private let browser: BrowserSignIn
    private let tokens: TokenEndpoint
    private let pages: ApprovalPages

    init(context: TenantContext, issuer: TokenIssuer, devices: DeviceCodes, pages: ApprovalPages) {
        self.context = context
        self.devices = devices
        self.pages = pages
        browser = BrowserSignIn(context: context, issuer: issuer, pages: pages)
        tokens = TokenEndpoint(context: context, issuer: issuer, devices: devices, browser: browser)
    }

    func answer(_ request: SandboxRequest, segments: [String]) -> SandboxResponse {
        let rest = segments.dropFirst().joined(separator: "/").lowercased()
        switch rest {
        case "discovery/instance": return instanceDiscovery(request)
        case "v2.0/.well-known/openid-configuration": return openIDConfiguration(segments[0])
        case "discovery/v2.0/keys": return SandboxResponse(status: 200, json: ["keys": []])
        case "oauth2/v2.0/devicecode", "oauth2/v2.0/token":
            guard request.method == "POST" else {
                return tokenAnswer(
                    request,
                    .failure(
                        TokenFault("invalid_request", 900_561, "The endpoint only accepts POST requests.", status: 405))
                )
            }
            do throws(TokenFault) {
                try checkTenant(segments[0])
                let body =
                    rest.hasSuffix("token")
                    ? try tokens.answer(request, tenant: segments[0])
                    : try devices.start(request.form)
                return tokenAnswer(request, .success(body))
            } catch {
                return tokenAnswer(request, .failure(error))
            }
        case "oauth2/v2.0/authorize": return browser.authorize(request, tenant: segments[0])
        case "oauth2/v2.0/logout":
            let target = request.queryFields["post_logout_redirect_uri"]
            return pages.page(
                title: "Signed out",
                content: ApprovalPages.message(
                    "You signed out of your account", note: target == nil ? "" : "You can close this window."))
        default:
            return SandboxResponse(
                status: 404, contentType: "text/html; charset=utf-8",
                body: Array("<html><body>404 - not found</body></html>\n".utf8))
        }
    }

    private func checkTenant(_ segment: String) throws(TokenFault) {
        guard !TenantIdentity.isNamed(by: segment) else { return }
        let isDomain = segment.contains(".") && segment.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        guard Guid.isGuid(segment) || isDomain || segment.lowercased() == "consumers" else {
            throw TokenFault(
                "invalid_request", 900_023,
                "Specified tenant identifier '\(segment)' is neither a valid DNS name, nor a valid external domain.")
        }
        throw TokenFault(
            "invalid_request", 90_002,
            "Tenant '\(segment)' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. This sandbox serves the tenant \(TenantIdentity.id) (\(TenantIdentity.domain))."
        )
    }

    func tokenAnswer(_ request: SandboxRequest, _ result: Result<JSONObject, TokenFault>) -> SandboxResponse {
        let trace = RandomBytes.uuid()
        let correlation = request.headers["client-request-id"] ?? RandomBytes.uuid()
        var answer: SandboxResponse
        switch result {
        case .success(let body): answer = SandboxResponse(status: 200, json: .object(body))
        case .failure(let fault):
            let body = fault.body(trace: trace, correlation: correlation, now: context.now)
            answer = SandboxResponse(status: fault.status, json: .object(body))
            if let wait = fault.retryAfter { answer.headers.set("Retry-After", "\(wait)") }
        }
        answer.headers.set("Cache-Control", "no-store, no-cache")
        answer.headers.set("Pragma", "no-cache")
        answer.headers.set("x-ms-request-id", trace)
        answer.headers.set("x-ms-ests-server", "2.1.0 - SANDBOX ProdSlices")
        answer.headers.set("client-request-id", correlation)
        return answer
    }

    private func instanceDiscovery(_ request: SandboxRequest) -> SandboxResponse {
        let asked = request.queryFields["authorization_endpoint"] ?? ""
        guard asked.isEmpty || asked.contains(host) || asked.contains("login.microsoftonline.com") else {
            return tokenAnswer(
                request,
                .failure(TokenFault("invalid_instance", 50_049, "Unknown or invalid instance.")))
        }
        return SandboxResponse(
            status: 200,
            json: [
                "tenant_discovery_endpoint": .string(
                    "\(context.base)/\(TenantIdentity.id)/v2.0/.well-known/openid-configuration"),
                "api-version": "1.1",
                "metadata": [
                    ["preferred_network": .string(host), "preferred_cache": .string(host), "aliases": [.string(host)]]
                ],
            ])
    }

    private func openIDConfiguration(_ tenant: String) -> SandboxResponse {
        guard TenantIdentity.isNamed(by: tenant) else {
            return SandboxResponse(
                status: 400,
                json: [
                    "error": "invalid_tenant",
                    "error_description": .string("AADSTS90002: Tenant '\(tenant)' not found."),
                    "error_codes": [90002],
                ])
        }
        let root = "\(context.base)/\(TenantIdentity.id)"
        return SandboxResponse(
            status: 200,
            json: [
                "token_endpoint": .string("\(root)/oauth2/v2.0/token"),
                "token_endpoint_auth_methods_supported": [
                    "client_secret_post", "private_key_jwt", "client_secret_basic",
                ],
                "jwks_uri": .string("\(root)/discovery/v2.0/keys"),
                "response_modes_supported": ["query", "fragment", "form_post"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["HS256"],
                "response_types_supported": ["code"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "issuer": .string("\(root)/v2.0"),
                "request_uri_parameter_supported": false,
                "userinfo_endpoint": .string("\(context.base)/oidc/userinfo"),
                "authorization_endpoint": .string("\(root)/oauth2/v2.0/authorize"),
                "device_authorization_endpoint": .string("\(root)/oauth2/v2.0/devicecode"),
                "http_logout_supported": true,
                "frontchannel_logout_supported": true,
                "end_session_endpoint": .string("\(root)/oauth2/v2.0/logout"),
                "tenant_region_scope": "EU",
                "cloud_instance_name": .string(host),
            ])
    }

    private var host: String { context.base.split(separator: "/").last.map(String.init) ?? context.base }
}
