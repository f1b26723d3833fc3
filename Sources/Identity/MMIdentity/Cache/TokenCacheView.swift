internal import MMCore

/// The part of a token cache that belongs to one app in one tenant of one cloud.
struct TokenCacheView: Sendable {
    /// An account, and where its entries are.
    struct Account: Sendable, Hashable {
        /// The account.
        let account: SignedInAccount
        /// The host that the entries are stored under.
        let environment: String
        /// The tenant that the entries are stored under.
        let realm: String
    }

    /// An access token and its times, in seconds since 1970.
    struct AccessEntry: Sendable {
        let secret: Secret
        let expiresOn: Int64
        let refreshOn: Int64?
        let cachedAt: Int64
        let scopes: [String]

        /// Returns whether the token is valid long enough to be sent.
        func isUsable(at now: Int64) -> Bool { expiresOn > now + 5 }

        /// Returns whether a new token should be obtained: in the last five minutes, after half of a long lifetime
        /// where the service recommends it, and when the clock has been set back since.
        func isDue(at now: Int64) -> Bool {
            expiresOn - now < 300 || refreshOn.map { $0 <= now } == true || cachedAt > now + 300
        }
    }

    let document: TokenCacheDocument
    let clientID: String
    let authority: Authority
    /// The tenant's id where the authority names the tenant by its domain: from the account's pin, or as the sign-in
    /// service answered.
    let foundTenantID: String?

    /// The host to store new entries under: that of this app's existing entries, otherwise that of the cloud.
    var usualEnvironment: String {
        let known =
            document.entries(.refreshToken).first { belongsToApp($0.fields) }
            ?? document.entries(.appMetadata).first { belongsToApp($0.fields) }
        return known?.fields["environment"]?.string ?? authority.cloud.environment
    }

    /// The app, cloud and tenant of this view, as the key of cached searches.
    private var place: String {
        "\(clientID) \(authority.cloud.environment) \(authority.tenant) \(foundTenantID ?? "")"
    }

    /// The accounts that this app has tokens for.
    var accounts: [Account] { document.findings.found(.init(what: "accounts", place: place)) { findAccounts() } }

    private func findAccounts() -> [Account] {
        let withTokens = Set(
            (document.entries(.refreshToken).filter { belongsToApp($0.fields) || isOfFamily($0.fields) }
                + document.entries(.accessToken).filter { belongsToApp($0.fields) })
                .compactMap { $0.fields["home_account_id"]?.string })
        return document.entries(.account).compactMap { entry in
            let fields = entry.fields
            guard let home = fields["home_account_id"]?.string, withTokens.contains(home), isInEnvironment(fields),
                let realm = fields["realm"]?.string, isInRealm(fields)
            else { return nil }
            let claims = idToken(home: home, realm: realm)
            guard let objectID = claims?.objectID ?? fields["local_account_id"]?.string,
                let tenantID = claims?.tenantID ?? (GUID.isValid(realm) ? realm : foundTenantID)
            else { return nil }
            let username = claims?.username ?? fields["username"]?.string ?? ""
            return Account(
                account: SignedInAccount(
                    username: username, objectID: objectID, tenantID: tenantID, homeAccountID: home),
                environment: fields["environment"]?.string ?? "", realm: realm)
        }
    }

    /// Returns the account's access token for a resource that expires last.
    func accessToken(of account: Account, for resource: ServiceResource) -> AccessEntry? {
        document.findings.found(.init(what: "access", place: place, account: account, resource: resource)) {
            findAccessToken(of: account, for: resource)
        }
    }

    private func findAccessToken(of account: Account, for resource: ServiceResource) -> AccessEntry? {
        document.entries(.accessToken).compactMap { entry -> AccessEntry? in
            guard isAccessToken(entry.fields, of: account, for: resource),
                let secret = entry.fields["secret"]?.string, !secret.isEmpty,
                let expiresOn = Self.seconds(entry.fields["expires_on"])
            else { return nil }
            return AccessEntry(
                secret: Secret(secret), expiresOn: expiresOn, refreshOn: Self.seconds(entry.fields["refresh_on"]),
                cachedAt: Self.seconds(entry.fields["cached_at"]) ?? 0, scopes: Self.scopes(entry.fields))
        }.max { $0.expiresOn < $1.expiresOn }
    }

    /// A refresh token and the key of its entry.
    struct RefreshEntry: Sendable {
        let key: String
        let secret: Secret
        /// Whether it was issued to another app of the same family.
        let isOfFamily: Bool
    }

    /// Returns the account's newest refresh token: the app's own, otherwise one of its family. Tokens of other apps are
    /// never used.
    func refreshToken(of account: Account) -> RefreshEntry? {
        document.findings.found(.init(what: "refresh", place: place, account: account)) {
            newestRefreshToken(of: account, isOfFamily: false, where: belongsToApp)
                ?? newestRefreshToken(of: account, isOfFamily: true, where: isOfFamily)
        }
    }

    private func newestRefreshToken(
        of account: Account, isOfFamily: Bool, where fits: (JSONObject) -> Bool
    ) -> RefreshEntry? {
        document.entries(.refreshToken).filter { entry in
            fits(entry.fields) && entry.fields["home_account_id"]?.string == account.account.homeAccountID
                && entry.fields["secret"]?.string?.isEmpty == false
        }.max {
            (Self.seconds($0.fields["last_modification_time"]) ?? 0)
                < (Self.seconds($1.fields["last_modification_time"]) ?? 0)
        }.flatMap { entry in
            entry.fields["secret"]?.string.map {
                RefreshEntry(key: entry.key, secret: Secret($0), isOfFamily: isOfFamily)
            }
        }
    }

    /// Returns whether an entry is a refresh token that every app of this app's family may use.
    private func isOfFamily(_ fields: JSONObject) -> Bool {
        guard let family = fields["family_id"]?.string, !family.isEmpty, isInEnvironment(fields) else { return false }
        // The latest metadata of this app decides; the service omits the family for an app that has left it.
        let metadata = document.entries(.appMetadata).first { belongsToApp($0.fields) }
        return (metadata.map { $0.fields["family_id"]?.string } ?? ClientFamily.of(clientID)) == family
    }

    /// Whether the cache holds tokens of this app under a tenant's id that the authority doesn't reveal.
    var hasUnknownRealm: Bool {
        let kinds: [TokenCacheDocument.Kind] = [.accessToken, .idToken]
        let isUnknown = { (fields: JSONObject) in
            fields["realm"]?.string.map(GUID.isValid) == true && !isInRealm(fields) && isInEnvironment(fields)
        }
        return kinds.contains { document.entries($0).contains { belongsToApp($0.fields) && isUnknown($0.fields) } }
            || document.entries(.account).contains { isUnknown($0.fields) }
    }

    /// Returns whether an entry is a plain bearer access token of this account for this resource, which a new one
    /// replaces.
    func isAccessToken(_ fields: JSONObject, of account: Account, for resource: ServiceResource) -> Bool {
        belongsToApp(fields) && isInRealm(fields)
            // Tokens of apps are stored without a home account.
            && (fields["home_account_id"]?.string ?? "") == account.account.homeAccountID
            && fields["ext_cache_key"] == nil && fields["key_id"] == nil
            && (fields["token_type"]?.string ?? "Bearer").lowercased() == "bearer" && grantsAccess(fields, resource)
    }

    /// Returns whether an entry belongs to this app in this cloud.
    func belongsToApp(_ fields: JSONObject) -> Bool {
        fields["client_id"]?.string?.lowercased() == clientID.lowercased() && isInEnvironment(fields)
    }

    private func isInEnvironment(_ fields: JSONObject) -> Bool {
        guard let environment = fields["environment"]?.string?.lowercased() else { return false }
        return authority.cloud.environments.contains(environment)
    }

    private func isInRealm(_ fields: JSONObject) -> Bool {
        guard let realm = fields["realm"]?.string?.lowercased() else { return false }
        return realm == authority.tenant || realm == foundTenantID?.lowercased()
    }

    private func idToken(home: String, realm: String) -> IDToken? {
        document.entries(.idToken).lazy.filter { entry in
            belongsToApp(entry.fields) && entry.fields["home_account_id"]?.string == home
                && entry.fields["realm"]?.string?.lowercased() == realm.lowercased()
        }.compactMap { $0.fields["secret"]?.string.flatMap { IDToken($0) } }.first
    }

    /// Adds a scope that names the resource, if none does; otherwise the token would be mistaken for one of Graph's.
    func namingResource(_ scopes: [String], _ resource: ServiceResource) -> [String] {
        guard resource != .graph, !names(scopes, resource), let whole = authority.cloud.defaultScope(of: resource)
        else {
            return scopes
        }
        return scopes + [whole]
    }

    /// Returns whether the token of an entry serves a resource. Entra ID puts everything granted for a resource into a
    /// token, so any scope of the resource shows it. Scopes without a resource URI are Graph's.
    private func grantsAccess(_ fields: JSONObject, _ resource: ServiceResource) -> Bool {
        let scopes = Self.scopes(fields)
        if names(scopes, resource) { return true }
        guard resource == .graph, !scopes.contains(where: { $0.contains("/") }) else { return false }
        return scopes.contains { !["openid", "profile", "email", "offline_access"].contains($0.lowercased()) }
    }

    private func names(_ scopes: [String], _ resource: ServiceResource) -> Bool {
        guard let audience = authority.cloud.audience(of: resource)?.lowercased() else { return false }
        return scopes.contains { scope in
            // The audience ends at the last slash: one audience may be the beginning of another.
            scope.lastIndex(of: "/").map { CloudHost.audience(String(scope[..<$0])) } == CloudHost.audience(audience)
        }
    }

    private static func scopes(_ fields: JSONObject) -> [String] {
        (fields["target"]?.string ?? "").split(separator: " ").map(String.init)
    }

    /// Returns a time, which is normally stored as text but as a number by some writers.
    static func seconds(_ value: JSONValue?) -> Int64? {
        value?.string.flatMap { Int64($0) } ?? value?.int.map(Int64.init)
    }
}

/// The family of Microsoft's own client apps that share refresh tokens, so that a person who signed in to one of them
/// has signed in to all (`foci` in answers of the token endpoint, `family_id` in MSAL's cache).
enum ClientFamily {
    /// Returns the family of an app for which the service hasn't named one yet; `nil` for all apps but the vendor's
    /// command line clients.
    static func of(_ clientID: String) -> String? { members.contains(clientID.lowercased()) ? "1" : nil }

    private static let members: Set<String> = [
        // Azure CLI, Azure PowerShell.
        "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "1950a258-227b-4e31-a9cf-717495945fc2",
    ]
}
