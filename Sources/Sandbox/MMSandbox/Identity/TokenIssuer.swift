internal import MMCore

/// Issues tokens to people and apps, and tracks which of them are still valid.
final class TokenIssuer {
    let context: TenantContext
    private let store: DirectoryStore
    let mint: TokenMint
    private let policies: AccessPolicies
    /// The grants, by refresh token.
    private var grants: [String: RefreshGrant] = [:]
    /// Used refresh tokens, to distinguish a reused one from an unknown one.
    private var spent: Set<String> = []
    /// The serial number up to which a user's tokens are revoked, by user.
    private var revokedBefore: [String: Int] = [:]
    private var allRevokedBefore = 0
    private var serial = 0

    init(context: TenantContext, store: DirectoryStore, mint: TokenMint, policies: AccessPolicies) {
        self.context = context
        self.store = store
        self.mint = mint
        self.policies = policies
    }

    /// Revokes every token that a user has obtained so far; `nil` revokes everybody's.
    func revoke(_ userID: String?) {
        if let userID { revokedBefore[userID] = serial } else { allRevokedBefore = serial }
    }

    /// Returns whether the token with a serial number was revoked.
    func isRevoked(serial: Int, of userID: String) -> Bool {
        serial <= max(revokedBefore[userID] ?? 0, allRevokedBefore)
    }

    private func nextSerial() -> Int {
        serial += 1
        // Removes the oldest, so that a long-lived sandbox doesn't grow.
        if spent.count > 10_000 { spent = [] }
        if grants.count > 20_000 { grants = grants.filter { $0.value.serial > serial - 10_000 } }
        return serial
    }

    /// Answers an app that signs in by itself.
    func appOnly(_ form: PostedForm, app: RegisteredApp, tenant: String) throws(TokenFault) -> JSONObject {
        guard !SandboxOrganization.anyTenant.contains(tenant.lowercased()) else {
            throw TokenFault(
                "invalid_request", 50_059,
                "No tenant-identifying information found in either the request or implied by any provided credentials.")
        }
        guard let scopeText = form["scope"], !scopeText.isEmpty else { throw .missing("scope") }
        let scope = try ScopeRequest(parsing: scopeText, app: app, base: context.base)
        guard scope.isDefault else {
            throw TokenFault(
                "invalid_scope", 1_002_012,
                "The provided value for scope \(scopeText) is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI)."
            )
        }
        try policies.checkApp(SignInAttempt(flow: .app, appID: app.id, names: [app.id]))
        let serial = nextSerial()
        let objectID = store.servicePrincipalID(ofApp: app.id) ?? app.id
        var claims = accessClaims(scope: scope, app: app, serial: serial, lifetime: 3_599, form: form)
        claims["appidacr"] = "1"
        claims["idtyp"] = "app"
        claims["oid"] = .string(objectID)
        claims["roles"] = .array(app.roles(at: scope.resource).map(JSONValue.string))
        claims["sub"] = .string(objectID)
        return [
            "token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599,
            "access_token": .string(mint.sealed(claims)),
        ]
    }

    /// Answers a request with a refresh token.
    /// - Parameters:
    ///   - customer: the customer's tenant that a person at a partner goes to, if it isn't this one.
    ///   - roles: the roles of the person there.
    func refresh(
        _ form: PostedForm, app: RegisteredApp, at customer: SandboxOrganization? = nil, roles: [String] = []
    ) throws(TokenFault) -> JSONObject {
        guard let token = form["refresh_token"], !token.isEmpty else { throw .missing("refresh_token") }
        guard let grant = grants[token] else {
            if spent.contains(token) {
                throw TokenFault(
                    "invalid_grant", 70_000,
                    "The provided value for the input parameter 'refresh_token' is not valid: it was used before.",
                    suberror: "bad_token")
            }
            throw TokenFault("invalid_grant", 70_000, "Provided grant is invalid or malformed.", suberror: "bad_token")
        }
        let isOfFamily = app.isOfFamily && RegisteredApp.find(grant.appID)?.isOfFamily == true
        guard grant.appID == app.id || isOfFamily else {
            throw TokenFault(
                "invalid_grant", 700_005, "Provided authorization code or refresh token is for another client.")
        }
        guard !isRevoked(serial: grant.serial, of: grant.userID) else {
            throw KnownTokenFaults.fault(50_173)
        }
        guard context.now - grant.issued < 90 * 86_400 else {
            throw KnownTokenFaults.fault(700_082)
        }
        let scope = try ScopeRequest(
            parsing: form["scope"] ?? "https://graph.microsoft.com/.default openid profile offline_access", app: app,
            base: context.base)
        try checkAccount(grant.userID, isRefresh: true)
        try policies.goOn(
            attempt(grant.userID, app: app, by: grant.session.flow), grant.session, at: context.now)
        return try tokens(
            for: grant.userID, app: app, scope: scope, form: form, session: grant.session, replacing: token,
            at: customer, roles: roles)
    }

    /// Returns whether a refresh token was issued here.
    func knows(refreshToken token: String) -> Bool { grants[token] != nil || spent.contains(token) }

    /// Checks whether an account may currently get a token.
    /// - Returns: the account.
    @discardableResult
    func checkAccount(_ userID: String, isRefresh: Bool = false) throws(TokenFault) -> Record {
        guard let record = store.user(userID) else {
            throw TokenFault(
                "invalid_grant", 50_034,
                "The user account does not exist in the \(context.organization.name) directory.")
        }
        guard record["accountEnabled"]?.bool != false else {
            throw TokenFault("invalid_grant", 50_057, "The user account is disabled.")
        }
        let outcome = store.users.index(of: userID).flatMap {
            NamedAccount.all.indices.contains($0) ? NamedAccount.all[$0].outcome : nil
        }
        switch outcome {
        case .blockedByPolicy: throw KnownTokenFaults.fault(53_003)
        case .secondFactorOnRefresh where isRefresh: throw KnownTokenFaults.fault(50_076)
        default: return record
        }
    }

    /// Begins the session of a person who has approved a sign-in.
    /// - Throws: the service's error if the account or a policy of the tenant forbids it.
    func begin(_ userID: String, app: RegisteredApp, by flow: SignInFlow) throws(TokenFault) -> SignInSession {
        try checkAccount(userID)
        return try policies.begin(attempt(userID, app: app, by: flow), at: context.now)
    }

    private func attempt(_ userID: String, app: RegisteredApp, by flow: SignInFlow) -> SignInAttempt {
        let address = store.user(userID)?["userPrincipalName"]?.string?.lowercased()
        return SignInAttempt(
            flow: flow, appID: app.id.lowercased(), names: Set([userID.lowercased()] + [address].compactMap(\.self)))
    }

    /// Returns the answer to a successful sign-in or refresh of a person.
    func tokens(
        for userID: String, app: RegisteredApp, scope: ScopeRequest, form: PostedForm, session: SignInSession,
        nonce: String? = nil, replacing old: String? = nil, at customer: SandboxOrganization? = nil,
        roles: [String] = []
    ) throws(TokenFault) -> JSONObject {
        let record = try checkAccount(userID)
        let scope = try Consents(store: store).granted(scope, to: app, for: userID)
        let serial = nextSerial()
        let lifetime = context.options.accessTokenLifetime
        let name = record["displayName"]?.string ?? ""
        let upn = record["userPrincipalName"]?.string ?? ""
        var claims = accessClaims(
            scope: scope, app: app, serial: serial, lifetime: lifetime, form: form, tenant: customer)
        claims["acct"] = record["userType"]?.string == "Guest" ? 1 : 0
        claims["acr"] = "1"
        claims["amr"] = ["pwd", "mfa"]
        claims["appidacr"] = app.isPublicClient ? "0" : "1"
        claims["idtyp"] = "user"
        claims["ipaddr"] = "127.0.0.1"
        claims["name"] = .string(name)
        claims["oid"] = .string(userID)
        claims["scp"] = .string((scope.permissions + scope.identityScopes).joined(separator: " "))
        claims["sub"] = .string(mint.tag("at:\(app.id):\(userID)"))
        claims["unique_name"] = .string(upn)
        claims["upn"] = .string(upn)
        let wids = customer == nil ? store.roles(of: userID).map(\.rawValue) : roles
        if customer != nil { claims["idp"] = .string("\(context.base)/\(context.organization.id)/") }
        claims["wids"] = .array(wids.map { .string($0) })
        var answer: JSONObject = [
            "token_type": "Bearer",
            "scope": .string(scopeText(scope)),
            "expires_in": .int(lifetime),
            "ext_expires_in": .int(lifetime),
            "access_token": .string(written(claims, for: userID, scope)),
        ]
        if scope.wantsRefreshToken {
            answer["refresh_token"] = .string(
                refreshToken(for: userID, app: app, serial: serial, session, replacing: old))
        }
        if app.isOfFamily { answer["foci"] = "1" }
        if scope.wantsIDToken {
            answer["id_token"] = .string(idToken(record, app: app, serial: serial, nonce: nonce, at: customer))
        }
        if form["client_info"] == "1" {
            let home = homeAccount(record, userID: userID)
            let info: JSONObject = ["uid": .string(home.object), "utid": .string(home.tenant)]
            answer["client_info"] = .string(Base64.text(JSONWriter.bytes(.object(info)), alphabet: .url))
        }
        return answer
    }

    /// Returns an access token in its final form: signed for the API of the tenant's own app, which verifies it
    /// elsewhere.
    private func written(_ claims: JSONObject, for userID: String, _ scope: ScopeRequest) -> String {
        guard scope.resource == .ownAPI, scope.audience.lowercased().hasSuffix(TenantIdentity.automationApp) else {
            return mint.sealed(claims)
        }
        let root = "\(context.base)/\(context.organization.id)"
        let groups = store.groups(of: userID)
        return mint.signed(
            OwnAPIClaims(issuer: "\(root)/v2.0", most: context.options.groupsInTokens).claims(claims, groups: groups))
    }

    private func scopeText(_ scope: ScopeRequest) -> String {
        var names = scope.identityScopes
        names += scope.permissions.map { "\(scope.audience)/\($0)" }
        if scope.isDefault { names.append("\(scope.audience)/.default") }
        return names.joined(separator: " ")
    }

    private func accessClaims(
        scope: ScopeRequest, app: RegisteredApp, serial: Int, lifetime: Int64, form: PostedForm,
        tenant: SandboxOrganization? = nil
    ) -> JSONObject {
        let tenant = tenant ?? context.organization
        var claims: JSONObject = [
            "aud": .string(scope.audience),
            "iss": .string("\(context.base)/\(tenant.id)/"),
            "iat": .int(context.now), "nbf": .int(context.now), "exp": .int(context.now + lifetime),
            "app_displayname": .string(app.name),
            "appid": .string(app.id),
            "tid": .string(tenant.id),
            "uti": .string("S\(serial)"),
            "ver": "1.0",
        ]
        let wanted = form["claims"].flatMap { try? JSONParser.parse($0) }
        if let capabilities = wanted?["access_token"]?["xms_cc"]?["values"]?.array, capabilities.contains("CP1") {
            claims["xms_cc"] = ["CP1"]
        }
        if let context = wanted?["access_token"]?["acrs"]?["value"] { claims["acrs"] = [context] }
        return claims
    }

    private func refreshToken(
        for userID: String, app: RegisteredApp, serial: Int, _ session: SignInSession, replacing old: String?
    ) -> String {
        if let old, case .keep = context.options.refreshRotation { return old }
        let token = "1.SANDBOX.\(RandomBytes.text(bytes: 40))"
        let family = old.flatMap { grants[$0]?.family } ?? serial
        grants[token] = RefreshGrant(
            appID: app.id, userID: userID, issued: context.now, family: family, serial: serial, session: session)
        if let old, case .renewAndRevoke = context.options.refreshRotation {
            grants[old] = nil
            spent.insert(old)
        }
        return token
    }

    private func homeAccount(_ record: Record, userID: String) -> (object: String, tenant: String) {
        guard record["userType"]?.string == "Guest" else { return (userID, context.organization.id) }
        let place = context.mixing.branch(77)
        let key = userID.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) & 0x7FFF_FFFF }
        return (Guid.text(place.number(key, 1), place.number(key, 2)), "6c2e9b14-77d0-4f3a-8b25-91e6a0c3d722")
    }

    private func idToken(
        _ record: Record, app: RegisteredApp, serial: Int, nonce: String?, at customer: SandboxOrganization?
    ) -> String {
        let tenant = customer ?? context.organization
        var claims: JSONObject = [
            "aud": .string(app.id),
            "iss": .string("\(context.base)/\(tenant.id)/v2.0"),
            "iat": .int(context.now), "nbf": .int(context.now), "exp": .int(context.now + 3900),
            "name": record["displayName"] ?? "",
            "oid": .string(record.id),
            "preferred_username": record["userType"]?.string == "Guest"
                ? record["mail"] ?? "" : record["userPrincipalName"] ?? "",
            "rh": "1.SANDBOX.",
            "sid": .string(Guid.text(context.mixing.number(serial, 5), context.mixing.number(serial, 6))),
            "sub": .string(subject(record.id, app: app.id)),
            "tid": .string(tenant.id),
            "uti": .string("S\(serial)"),
            "ver": "2.0",
        ]
        if customer != nil { claims["idp"] = .string("\(context.base)/\(context.organization.id)/") }
        if record["userType"]?.string == "Guest" {
            claims["email"] = record["mail"]
            claims["idp"] = .string("\(context.base)/6c2e9b14-77d0-4f3a-8b25-91e6a0c3d722/")
        }
        if let nonce { claims["nonce"] = .string(nonce) }
        return mint.signed(claims)
    }

    /// Returns the name of a person for an app, which is another one for each app.
    func subject(_ userID: String, app: String) -> String { mint.tag("id:\(app):\(userID)") }
}

extension TokenIssuer {
    /// Answers an app that acts for the person whose token it received.
    func onBehalfOf(_ form: PostedForm, app: RegisteredApp) throws(TokenFault) -> JSONObject {
        guard !app.isPublicClient else { throw .credentialMissing }
        guard form["requested_token_use"] == "on_behalf_of" else { throw .missing("requested_token_use") }
        guard let assertion = form["assertion"], !assertion.isEmpty else { throw .missing("assertion") }
        guard let scopeText = form["scope"], !scopeText.isEmpty else { throw .missing("scope") }
        let claims: JSONObject
        do {
            claims = try mint.claims(of: assertion)
        } catch {
            throw TokenFault("invalid_grant", 50_013, "Assertion failed signature validation.")
        }
        guard let end = claims["exp"]?.int, context.now < Int64(end) + 300 else {
            throw TokenFault("invalid_grant", 500_133, "Assertion is not within its valid time range.")
        }
        let audience = claims["aud"]?.string ?? ""
        guard audience == app.id || audience == "api://\(app.id)" else {
            throw TokenFault(
                "invalid_grant", 500_131,
                "Assertion audience does not match the Client app presenting the assertion. The audience in the assertion was '\(audience)'."
            )
        }
        guard claims["idtyp"]?.string == "user", let userID = claims["oid"]?.string else {
            throw TokenFault("invalid_grant", 50_013, "The assertion is not one of a person.")
        }
        let serial = Int(claims["uti"]?.string?.dropFirst() ?? "") ?? 0
        guard !isRevoked(serial: serial, of: userID) else { throw KnownTokenFaults.fault(50_173) }
        let scope = try ScopeRequest(parsing: scopeText, app: app, base: context.base)
        try checkAccount(userID, isRefresh: true)
        let session = try begin(userID, app: app, by: .app)
        return try tokens(for: userID, app: app, scope: scope, form: form, session: session)
    }
}

/// The data behind a refresh token.
struct RefreshGrant: Sendable {
    let appID: String
    let userID: String
    let issued: Int64
    /// The number of the sign-in, whose tokens are revoked together.
    let family: Int
    let serial: Int
    /// The session that began with the sign-in.
    let session: SignInSession
}

/// The claims of an access token for the tenant's own API: version 2.0, with the groups of the account if there aren't
/// too many.
struct OwnAPIClaims {
    /// The issuer.
    let issuer: String
    /// The maximum number of groups in a token ("groups overage claim").
    let most: Int

    /// Converts claims of version 1.0.
    func claims(_ given: JSONObject, groups: [String]) -> JSONObject {
        var claims = given
        claims["aud"] = .string(TenantIdentity.automationApp)
        claims["iss"] = .string(issuer)
        claims["ver"] = "2.0"
        claims["azp"] = given["appid"]
        claims["azpacr"] = given["appidacr"]
        claims["preferred_username"] = given["upn"]
        for name in ["appid", "appidacr", "upn", "unique_name", "app_displayname", "acct", "amr", "ipaddr", "wids"] {
            claims[name] = nil
        }
        if groups.count <= most {
            claims["groups"] = .array(groups.map { .string($0) })
        } else {
            // This address no longer works; readers ask Graph.
            claims["_claim_names"] = ["groups": "src1"]
            claims["_claim_sources"] = [
                "src1": [
                    "endpoint": .string(
                        "https://graph.windows.net/\(given["tid"]?.string ?? "")/users/"
                            + "\(given["oid"]?.string ?? "")/getMemberObjects")
                ]
            ]
        }
        return claims
    }
}

/// The permissions of a registered app to act for a person: those granted for that person or for everybody.
struct Consents {
    let store: DirectoryStore

    /// Returns a scope limited to the granted permissions.
    /// - Throws: 65001 if nothing was granted, or not all named permissions were.
    func granted(_ scope: ScopeRequest, to app: RegisteredApp, for userID: String) throws(TokenFault) -> ScopeRequest {
        guard app.needsConsent else { return scope }
        let held = permissions(of: app, for: userID, at: scope.resource)
        let wanted = scope.isDefault ? held : scope.permissions
        guard !wanted.isEmpty, wanted.allSatisfy(held.contains) else {
            throw .notConsented(to: app)
        }
        var scope = scope
        scope.permissions = wanted
        return scope
    }

    private func permissions(of app: RegisteredApp, for userID: String, at resource: ServedResource) -> [String] {
        guard let client = store.servicePrincipalID(ofApp: app.id),
            let service = store.servicePrincipalID(ofApp: resource.appID)
        else { return [] }
        var names: Set<String> = []
        store.table(.permissionGrants).scan { grant in
            // A token for the sandbox's own address covers all services that share that address.
            let isOfService = resource == .sandbox || grant["resourceId"]?.string == service
            let isTheirs = grant["clientId"]?.string == client && isOfService
            let isFor = grant["consentType"] == "AllPrincipals" || grant["principalId"]?.string == userID
            if isTheirs, isFor {
                names.formUnion((grant["scope"]?.string ?? "").split(separator: " ").map(String.init))
            }
            return true
        }
        return names.sorted()
    }
}

/// The content of a `scope` parameter.
struct ScopeRequest: Sendable {
    let resource: ServedResource
    /// The identifier of the resource as written, without an extra trailing slash.
    let audience: String
    /// The permissions that are granted.
    var permissions: [String]
    let isDefault: Bool
    let wantsRefreshToken: Bool
    let wantsIDToken: Bool
    /// The requested ones of `profile` and `email`.
    let identityScopes: [String]

    private static let identityNames: Set<String> = ["openid", "profile", "email", "offline_access"]

    /// Reads a scope list.
    /// - Throws: `TokenFault` when it is empty, malformed, mixed, or names more than one resource.
    init(parsing text: String, app: RegisteredApp, base: String) throws(TokenFault) {
        let words = text.split(separator: " ").map(String.init)
        guard !words.isEmpty else { throw .missing("scope") }
        var audience: String?
        var names: [String] = []
        for word in words where !Self.identityNames.contains(word.lowercased()) {
            guard let (resource, name) = Self.halves(word) else { throw Self.invalid(word) }
            if let audience, audience != resource {
                throw TokenFault(
                    "invalid_scope", 700_022,
                    "Provided value for the input parameter scope is not valid because it contains more than one resource. Scope \(text)"
                )
            }
            audience = resource
            names.append(name)
        }
        self.audience = audience ?? "https://graph.microsoft.com"
        guard let resource = ServedResource.named(self.audience, base: base) else {
            throw TokenFault(
                "invalid_resource", 500_011,
                "The resource principal named \(self.audience) was not found in the tenant named \(TenantIdentity.name)."
            )
        }
        self.resource = resource
        isDefault = names.contains(".default")
        if isDefault, names.count > 1 {
            throw TokenFault(
                "invalid_scope", 70_011,
                "The provided value for the input parameter 'scope' is not valid. .default scope can't be combined with resource-specific scopes. The scope \(text) is not valid."
            )
        }
        let all = Self.permissions(of: resource, app: app)
        if isDefault || names.isEmpty {
            permissions = isDefault ? all : ["User.Read"]
        } else {
            for name in names where resource == .graph && !Self.looksLikePermission(name) {
                throw Self.invalid(name)
            }
            // Consent covers only the app's own list; further permissions need an administrator.
            let excess = resource == .graph && app.delegated != nil ? names.filter { !all.contains($0) } : []
            guard excess.isEmpty else { throw .notConsented(to: app) }
            permissions = names
        }
        let small = Set(words.map { $0.lowercased() })
        wantsRefreshToken = small.contains("offline_access")
        wantsIDToken = small.contains("openid")
        identityScopes = ["email", "openid", "profile"].filter(small.contains)
    }

    private static func permissions(of resource: ServedResource, app: RegisteredApp) -> [String] {
        switch resource {
        case .graph, .sandbox: app.delegated ?? RegisteredApp.everything
        default: resource.delegatedPermissions
        }
    }

    private static func invalid(_ word: String) -> TokenFault {
        TokenFault(
            "invalid_scope", 70_011,
            "The provided request must include a valid 'scope' input parameter. The scope '\(word)' is not valid.")
    }

    /// Returns the resource and the permission of one scope.
    private static func halves(_ word: String) -> (resource: String, name: String)? {
        guard word.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        guard let mark = word.lastIndex(of: "/") else { return ("https://graph.microsoft.com", word) }
        let name = String(word[word.index(after: mark)...])
        let resource = String(word[..<mark])
        guard !name.isEmpty, !resource.isEmpty else { return nil }
        return (resource, name)
    }

    /// Returns whether a text has the form of a permission of Graph, such as `Mail.Read` or `Sites.ReadWrite.All`.
    private static func looksLikePermission(_ name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        let verbs = [
            "Read", "Write", "Send", "Manage", "Create", "Invite", "Export", "Join", "Install", "Access", "Use",
            "Update", "Delete", "Edit", "Migrate", "Initiate", "Run", "Submit", "Full", "Selected", "Import", "Grant",
            "Enable", "Rename", "View", "Add", "List",
        ]
        guard parts.count >= 2,
            parts.allSatisfy({
                !$0.isEmpty && $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
            })
        else { return false }
        return parts.dropFirst().contains { part in verbs.contains { part.hasPrefix($0) } }
    }
}
