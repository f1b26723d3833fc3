internal import MMCore
internal import MMHTTP

/// The sign-in service: the endpoints below `/{tenant}`.
struct SignInService {
    private let context: TenantContext
    private let devices: DeviceCodes
    private let browser: AuthorizeEndpoint
    private let issuer: TokenIssuer
    private let tokens: TokenEndpoint
    private let pages: ApprovalPages
    private let consent: AdminConsent

    init(
        context: TenantContext, apps: TenantApps, issuer: TokenIssuer, devices: DeviceCodes, pages: ApprovalPages
    ) {
        self.context = context
        self.devices = devices
        self.pages = pages
        self.issuer = issuer
        consent = AdminConsent(context: context, store: apps.store, apps: apps, pages: pages)
        browser = AuthorizeEndpoint(context: context, apps: apps, issuer: issuer, pages: pages)
        tokens = TokenEndpoint(
            context: context, apps: apps, issuer: issuer, devices: devices, browser: browser)
    }

    /// Returns the routes of the service.
    static func routes(_ services: TenantServices) -> Router<Void> {
        let clock = services.clock
        var routes = ServiceRoutes(services, { $0.signIn }) { request in
            TokenFault("invalid_request", 900_561, "The endpoint only accepts POST requests.", status: 405)
                .answer(to: request, now: clock.now.seconds)
        }
        routes.on("GET", path: "/{tenant}/discovery/instance", Self.instanceDiscovery)
        routes.on("GET", path: "/{tenant}/discovery/v2.0/keys", Self.keys)
        routes.on("GET", path: "/{tenant}/v2.0/.well-known/openid-configuration", Self.openIDConfiguration)
        routes.on("GET", path: "/getuserrealm.srf", Self.userRealm)
        routes.on("POST", path: "/{tenant}/oauth2/v2.0/devicecode", Self.deviceCode)
        routes.on("POST", path: "/{tenant}/oauth2/v2.0/token", Self.token)
        routes.on("GET", "POST", path: "/{tenant}/oauth2/v2.0/authorize", Self.authorize)
        routes.on("GET", "POST", path: "/{tenant}/oauth2/v2.0/logout", Self.logout)
        for version in ["", "/v2.0"] {
            routes.on("GET", "POST", path: "/{tenant}\(version)/adminconsent", Self.adminConsent)
        }
        return routes.router
    }

    private func deviceCode(_ request: ServiceRequest) -> HTTPServerResponse {
        answer(request) { () throws(TokenFault) in try devices.start(request.http.form) }
    }

    private func token(_ request: ServiceRequest) -> HTTPServerResponse {
        answer(request) { () throws(TokenFault) in
            try tokens.answer(request.http, tenant: request.name("tenant"))
        }
    }

    /// Returns the answer to a person of this tenant who redeems a refresh token at a customer's authority; `nil` for a
    /// refresh token of another account.
    func delegated(
        _ request: HTTPServerRequest, _ customer: SandboxOrganization, _ administration: DelegatedAdministration
    ) -> HTTPServerResponse? {
        let form = request.form
        guard issuer.knows(refreshToken: form["refresh_token"] ?? "") else { return nil }
        do throws(TokenFault) {
            let app = try tokens.apps.named(in: form)
            guard let relationship = administration.active(with: customer) else {
                throw TokenFault(
                    "invalid_grant", 50_020,
                    "User account from identity provider '\(context.organization.id)' does not exist in tenant '\(customer.name)' and cannot access the application there."
                )
            }
            let body = try issuer.refresh(form, app: app, at: customer, roles: relationship.roles)
            return TokenFault.answer(200, body, to: request, trace: RandomBytes.uuid())
        } catch {
            return error.answer(to: request, now: context.now)
        }
    }

    /// Returns the answer of an endpoint for programs.
    private func answer(_ request: ServiceRequest, _ work: () throws(TokenFault) -> JSONObject) -> HTTPServerResponse {
        do throws(TokenFault) {
            try context.checkTenant(request.name("tenant"))
            let body = try work()
            return TokenFault.answer(200, body, to: request.http, trace: RandomBytes.uuid())
        } catch {
            return error.answer(to: request.http, now: context.now)
        }
    }

    private func authorize(_ request: ServiceRequest) -> HTTPServerResponse {
        browser.authorize(request.http, tenant: request.name("tenant"))
    }

    private func adminConsent(_ request: ServiceRequest) -> HTTPServerResponse {
        consent.answer(request.http, tenant: request.name("tenant"))
    }

    private func logout(_ request: ServiceRequest) -> HTTPServerResponse {
        let target = request.http.queryFields["post_logout_redirect_uri"]
        return pages.page(
            title: "Signed out",
            content: ApprovalPages.message(
                "You signed out of your account", note: target == nil ? "" : "You can close this window."))
    }

    private func keys(_ request: ServiceRequest) -> HTTPServerResponse {
        HTTPServerResponse(status: 200, json: ["keys": .array(issuer.mint.signing.published.map { [$0] } ?? [])])
    }

    private func instanceDiscovery(_ request: ServiceRequest) -> HTTPServerResponse {
        let asked = request.http.queryFields["authorization_endpoint"] ?? ""
        guard asked.isEmpty || asked.contains(host) || asked.contains("login.microsoftonline.com") else {
            return TokenFault("invalid_instance", 50_049, "Unknown or invalid instance.")
                .answer(to: request.http, now: context.now)
        }
        return HTTPServerResponse(
            status: 200,
            json: [
                "tenant_discovery_endpoint": .string(
                    "\(context.base)/\(context.organization.id)/v2.0/.well-known/openid-configuration"),
                "api-version": "1.1",
                "metadata": [
                    ["preferred_network": .string(host), "preferred_cache": .string(host), "aliases": [.string(host)]]
                ],
            ])
    }

    /// Returns the kind of account of a sign-in name, and the name of its organisation.
    private func userRealm(_ request: ServiceRequest) -> HTTPServerResponse {
        let name = request.http.queryFields["login"] ?? ""
        let domain = name.split(separator: "@").last.map(String.init)?.lowercased() ?? ""
        guard [context.organization.domain, context.organization.initialDomain].contains(domain) else {
            return HTTPServerResponse(
                status: 200,
                json: ["State": 4, "UserState": 1, "Login": .string(name), "NameSpaceType": "Unknown"])
        }
        return HTTPServerResponse(
            status: 200,
            json: [
                "State": 4, "UserState": 1, "Login": .string(name), "NameSpaceType": "Managed",
                "DomainName": .string(domain), "FederationBrandName": .string(context.organization.name),
                "CloudInstanceName": .string(host), "CloudInstanceIssuerUri": "urn:federation:MicrosoftOnline",
            ])
    }

    private func openIDConfiguration(_ request: ServiceRequest) -> HTTPServerResponse {
        let tenant = request.name("tenant")
        do throws(TokenFault) { try context.checkTenant(tenant) } catch {
            return TokenFault("invalid_tenant", error.number, error.message).answer(to: request.http, now: context.now)
        }
        // An authority for any tenant names itself, and leaves a place for the tenant in the issuer.
        let isAny = SandboxOrganization.anyTenant.contains(tenant.lowercased())
        let root = "\(context.base)/\(isAny ? tenant.lowercased() : context.organization.id)"
        let issuer = "\(context.base)/\(isAny ? "{tenantid}" : context.organization.id)/v2.0"
        return HTTPServerResponse(
            status: 200,
            json: [
                "token_endpoint": .string("\(root)/oauth2/v2.0/token"),
                "token_endpoint_auth_methods_supported": [
                    "client_secret_post", "private_key_jwt", "client_secret_basic",
                ],
                "jwks_uri": .string("\(root)/discovery/v2.0/keys"),
                "response_modes_supported": ["query", "fragment", "form_post"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": [.string(SigningKey.algorithm)],
                "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "issuer": .string(issuer),
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

extension TenantContext {
    /// Checks that an authority is one of this tenant.
    /// - Throws: `TokenFault` for another tenant, and for what can't be the name of one.
    func checkTenant(_ segment: String) throws(TokenFault) {
        guard !organization.isNamed(by: segment) else { return }
        let isDomain = segment.contains(".") && segment.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        guard GUID.isValid(segment) || isDomain || segment.lowercased() == "consumers" else {
            throw TokenFault(
                "invalid_request", 900_023,
                "Specified tenant identifier '\(segment)' is neither a valid DNS name, nor a valid external domain.")
        }
        throw TokenFault(
            "invalid_request", 90_002,
            "Tenant '\(segment)' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. This sandbox serves the tenant \(organization.id) (\(organization.domain))."
        )
    }
}

/// The token endpoint: checks the client, and passes each grant to the part that answers it.
struct TokenEndpoint {
    let context: TenantContext
    let apps: TenantApps
    let issuer: TokenIssuer
    let devices: DeviceCodes
    let browser: AuthorizeEndpoint

    func answer(_ request: HTTPServerRequest, tenant: String) throws(TokenFault) -> JSONObject {
        let form = Self.form(of: request)
        guard !form.isMalformed else {
            throw TokenFault("invalid_request", 900_144, "The request body is not form-encoded.")
        }
        guard let grant = form["grant_type"], !grant.isEmpty else { throw .missing("grant_type") }
        let app = try apps.named(in: form)
        try checkClient(app, form: form, audiences: audiences(request, tenant: tenant))
        switch grant {
        case "urn:ietf:params:oauth:grant-type:device_code", "device_code": return try devices.redeem(form, app: app)
        case "refresh_token": return try issuer.refresh(form, app: app)
        case "authorization_code": return try browser.redeem(form, app: app)
        case "client_credentials": return try issuer.appOnly(form, app: app, tenant: tenant)
        case "urn:ietf:params:oauth:grant-type:jwt-bearer": return try issuer.onBehalfOf(form, app: app)
        case "password":
            throw TokenFault(
                "invalid_grant", 50_126, "Error validating credentials due to invalid username or password.")
        default:
            throw TokenFault(
                "unsupported_grant_type", 70_003, "The app requested an unsupported grant type '\(grant.prefix(80))'.")
        }
    }

    /// Returns the audiences of client assertions for this endpoint, also at the host that a client asked a proxy for.
    private func audiences(_ request: HTTPServerRequest, tenant: String) -> [String] {
        let origins = [context.base] + (request.headers["x-forwarded-host"].map { ["https://\($0)"] } ?? [])
        let own = context.organization.id
        return origins.flatMap { origin in
            ["\(tenant)/oauth2/v2.0/token", "\(own)/oauth2/v2.0/token", "\(own)/v2.0"].map { "\(origin)/\($0)" }
        }
    }

    /// Checks the credential of a confidential client; a public client has none.
    private func checkClient(_ app: RegisteredApp, form: PostedForm, audiences: [String]) throws(TokenFault) {
        let secret = form["client_secret"]
        let assertion = form["client_assertion"]
        if app.isPublicClient {
            guard secret == nil, assertion == nil else {
                throw TokenFault(
                    "invalid_client", 700_025,
                    "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
                    status: 401)
            }
            if form["grant_type"] == "client_credentials" { throw .credentialMissing }
            return
        }
        if let assertion {
            try PresentedAssertion.check(
                assertion, type: form["client_assertion_type"], app: app, certificates: apps.certificates(of: app),
                now: context.now, audiences: audiences)
        } else if let secret {
            guard try apps.takes(secret, from: app, at: context.now) else {
                throw TokenFault(
                    "invalid_client", 7_000_215,
                    "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '\(app.id)'.",
                    status: 401)
            }
        } else {
            throw .credentialMissing
        }
    }

    /// Returns the fields of a request. A client may name itself in the header instead of in the body, in the same
    /// encoding (RFC 6749, section 2.3.1).
    private static func form(of request: HTTPServerRequest) -> PostedForm {
        guard let header = request.headers["authorization"], header.lowercased().hasPrefix("basic "),
            let bytes = Base64.bytes(String(header.dropFirst(6)))
        else { return request.form }
        let client = String(decoding: bytes, as: UTF8.self)
            .split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard client.count == 2 else { return request.form }
        let body = String(decoding: request.body, as: UTF8.self)
        return PostedForm(parsing: "\(body)&client_id=\(client[0])&client_secret=\(client[1])")
    }
}

/// The page on which an administrator consents for the whole tenant: to the permissions in a link, or to all that an
/// app requires.
struct AdminConsent {
    let context: TenantContext
    let store: DirectoryStore
    let apps: TenantApps
    let pages: ApprovalPages

    /// The content of a valid consent link.
    private struct Wish {
        let app: RegisteredApp
        /// The permissions, by the app id of the service.
        let permissions: [(service: String, names: [String])]
    }

    func answer(_ request: HTTPServerRequest, tenant: String) -> HTTPServerResponse {
        let fields = request.method == "POST" ? request.form : request.queryFields
        do throws(TokenFault) {
            try context.checkTenant(tenant)
            let wish = try wish(fields)
            guard request.method == "POST" else { return form(wish, fields, request, problem: nil) }
            return try decide(wish, fields, request)
        } catch {
            return pages.page(
                title: "Consent failed",
                content: ApprovalPages.message(
                    "Sorry, but we're having trouble with this consent.",
                    note: "AADSTS\(error.number): \(error.message)"), status: 400)
        }
    }

    private func wish(_ fields: PostedForm) throws(TokenFault) -> Wish {
        let app = try apps.named(in: fields)
        var permissions: [(service: String, names: [String])] = []
        if let scope = fields["scope"], !scope.hasSuffix(".default") {
            let asked = try ScopeRequest(parsing: scope, app: app, base: context.base)
            permissions = [(asked.resource.appID, asked.permissions)]
        } else {
            let access = store.table(.applications).find(app.id)?["requiredResourceAccess"]?.array ?? []
            permissions = access.compactMap { entry in
                guard let service = entry["resourceAppId"]?.string else { return nil }
                let ids = (entry["resourceAccess"]?.array ?? []).compactMap { $0["id"]?.string }
                return (service, names(of: ids, at: service))
            }
        }
        return Wish(app: app, permissions: permissions)
    }

    /// Returns the names of a service's delegated permissions.
    private func names(of ids: [String], at service: String) -> [String] {
        let scopes = store.table(.servicePrincipals).find(service)?["oauth2PermissionScopes"]?.array ?? []
        return scopes.compactMap { scope in
            ids.contains(scope["id"]?.string ?? "") ? scope["value"]?.string : nil
        }
    }

    private func form(
        _ wish: Wish, _ fields: PostedForm, _ request: HTTPServerRequest, problem: String?
    ) -> HTTPServerResponse {
        let kept = ["client_id", "scope", "state", "redirect_uri"]
        return pages.approval(
            ApprovalForm(
                app: wish.app, scope: wish.permissions.flatMap(\.names).joined(separator: " "), whatName: "Consent for",
                what: "everybody in \(TenantIdentity.name)", action: request.path,
                hidden: kept.compactMap { name in fields[name].map { (name, $0) } }, loginHint: nil,
                redirect: nil, problem: problem), request)
    }

    private func decide(
        _ wish: Wish, _ fields: PostedForm, _ request: HTTPServerRequest
    ) throws(TokenFault) -> HTTPServerResponse {
        guard pages.forms.isRight(fields["csrf"], request) else {
            return form(wish, fields, request, problem: "This form is no longer valid. Please choose again.")
        }
        guard fields["decision"] == "approve" else {
            return pages.page(
                title: "No consent",
                content: ApprovalPages.message("Nothing was granted", note: "You can close this page."))
        }
        guard let user = pages.chosenAccount(fields), store.roles(of: user.id).contains(.globalAdministrator) else {
            return form(
                wish, fields, request, problem: "Only an administrator of the tenant can consent for everybody.")
        }
        for (service, names) in wish.permissions { grant(names, of: service, to: wish.app) }
        return pages.page(
            title: "Consented",
            content: ApprovalPages.message(
                "\(wish.app.name) may do this for everybody now", note: "You can close this page."))
    }

    /// Stores a consent, or extends the existing one.
    private func grant(_ names: [String], of service: String, to app: RegisteredApp) {
        guard let client = store.table(.servicePrincipals).find(app.id)?["id"],
            let resource = store.table(.servicePrincipals).find(service)?["id"]
        else { return }
        var there: Record?
        store.table(.permissionGrants).scan { grant in
            if grant["clientId"] == client, grant["resourceId"] == resource, grant["consentType"] == "AllPrincipals" {
                there = grant
            }
            return there == nil
        }
        let held = (there?["scope"]?.string ?? "").split(separator: " ").map(String.init)
        let scope = JSONValue.string(Set(held).union(names).sorted().joined(separator: " "))
        if case .object(var row)? = there, let id = there?.id {
            row["scope"] = scope
            store.replace(id, with: row, in: .permissionGrants)
        } else {
            store.insert(
                [
                    "id": .string(RandomBytes.text(bytes: 32)), "clientId": client, "consentType": "AllPrincipals",
                    "principalId": .null, "resourceId": resource, "scope": scope,
                ], into: .permissionGrants)
        }
    }
}
