import MMCore

/// A token cache in MSAL's format: a JSON object with one member per kind of entry, each an object of entries by key.
///
/// Entries are found by their fields, never by their keys, and everything unknown is preserved: other MSAL libraries
/// write other keys, more fields and more kinds (microsoft-authentication-library-for-python, `token_cache.py`).
struct TokenCacheDocument: Sendable, Hashable {
    /// The kinds of entries.
    enum Kind: String, CaseIterable {
        case accessToken = "AccessToken"
        case account = "Account"
        case idToken = "IdToken"
        case refreshToken = "RefreshToken"
        case appMetadata = "AppMetadata"
    }

    /// The whole content.
    private(set) var content: JSONObject { didSet { findings = TokenCacheFindings() } }
    /// The cached results of searches in the current content.
    private(set) var findings = TokenCacheFindings()

    init() {
        content = [:]
    }

    static func == (left: Self, right: Self) -> Bool { left.content == right.content }

    func hash(into hasher: inout Hasher) { hasher.combine(content) }

    /// Parses the content of a cache file.
    /// - Throws: what is wrong with it, without revealing any of it.
    init(_ bytes: [UInt8]) throws(TokenCacheFault) {
        guard bytes.contains(where: { $0 > 0x20 }) else { throw TokenCacheFault("it is empty", isEmpty: true) }
        let value: JSONValue
        do {
            value = try JSONParser.parse(bytes, limits: JSONLimits(bytes: TokenCacheFile.limit, depth: 64))
        } catch {
            throw TokenCacheFault("it is broken: \(error)")
        }
        guard let object = value.object else { throw TokenCacheFault("it contains \(value.kindName), not an object") }
        for kind in Kind.allCases {
            guard let section = object[kind.rawValue] else { continue }
            guard section.object != nil else {
                throw TokenCacheFault("its \(kind.rawValue) is \(section.kindName), not an object")
            }
        }
        content = object
    }

    /// The content of the file, laid out as by MSAL for Python.
    var bytes: [UInt8] { JSONWriter.bytes(.object(content), layout: .indented(4)) }

    /// Returns the entries of a kind with their keys, in the file's order.
    func entries(_ kind: Kind) -> [(key: String, fields: JSONObject)] {
        (content[kind.rawValue]?.object ?? [:]).compactMap { member in
            member.value.object.map { (member.key, $0) }
        }
    }

    /// Sets an entry; an existing entry keeps its other fields.
    mutating func put(_ kind: Kind, key: String, _ fields: JSONObject) {
        var section = content[kind.rawValue]?.object ?? [:]
        var entry = section[key]?.object ?? [:]
        for (name, value) in fields { entry[name] = value }
        section[key] = .object(entry)
        content[kind.rawValue] = .object(section)
    }

    /// Removes the matching entries of a kind.
    mutating func remove(_ kind: Kind, where fits: (JSONObject) -> Bool) {
        guard var section = content[kind.rawValue]?.object else { return }
        for (key, value) in section where value.object.map(fits) == true { section[key] = nil }
        content[kind.rawValue] = .object(section)
    }
}

/// The cached results of searches in a document, valid until it changes. Each request with a token asks the same
/// questions, and searching the entries and id_tokens again would take longer than everything else that a valid token
/// needs.
final class TokenCacheFindings: Sendable {
    /// A search in the document.
    struct Question: Sendable, Hashable {
        let what: String
        /// The app, cloud and tenant for which is searched.
        let place: String
        var account: TokenCacheView.Account?
        var resource: ServiceResource?
    }

    /// A cached result, which may be that there is none.
    private struct Found<Value: Sendable>: Sendable {
        let value: Value
    }

    private static let most = 256
    private let known = Mutex<[Question: any Sendable]>([:])

    /// Returns the cached result of a search, or searches now and caches the result.
    func found<Value: Sendable>(_ question: Question, _ find: () -> Value) -> Value {
        if let found = known.withLock({ $0[question] }), let found = found as? Found<Value> { return found.value }
        let value = find()
        known.withLock { known in
            if known.count >= Self.most { known = [:] }
            known[question] = Found(value: value)
        }
        return value
    }
}

/// The problem with a token cache, phrased as the end of "The token cache can't be used: …".
struct TokenCacheFault: Error, Sendable, Hashable {
    /// The end of that sentence.
    let text: String
    /// Whether the file is empty, so that replacing it loses nothing.
    let isEmpty: Bool

    init(_ text: String, isEmpty: Bool = false) {
        self.text = text
        self.isEmpty = isEmpty
    }
}

extension TokenCacheDocument {
    /// Stores the answer to a sign-in or refresh, with the keys and fields that MSAL for Python uses.
    /// - Parameters:
    ///   - answer: the tokens.
    ///   - account: their account, with the place of its entries.
    ///   - view: the app and tenant.
    ///   - resource: what the access token is for.
    ///   - refreshedFrom: the key of the exchanged refresh token; `nil` after a sign-in, which also stores the account.
    ///   - isRefused: whether the identity in the answer was refused: its access token is then not stored.
    ///   - now: the current time.
    mutating func store(
        _ answer: TokenAnswer, for account: TokenCacheView.Account, in view: TokenCacheView, resource: ServiceResource,
        refreshedFrom: String?, isRefused: Bool = false, now: Timestamp
    ) {
        let home = account.account.homeAccountID
        let environment = account.environment
        let target = view.namingResource(answer.scopes, resource)
            .sorted { $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars) }.joined(separator: " ")
        let common: JSONObject = [
            // An app has no home account: MSAL stores null.
            "home_account_id": home.isEmpty ? .null : .string(home), "environment": .string(environment),
            "client_id": .string(view.clientID),
        ]
        if refreshedFrom == nil, !account.account.isApp {
            // The tokens of this account's earlier sign-in, for any service, may have ended with that sign-in.
            let isTheirs = { (fields: JSONObject) in
                view.belongsToApp(fields) && fields["home_account_id"]?.string == home
            }
            remove(.accessToken, where: isTheirs)
            if answer.refreshToken != nil { remove(.refreshToken, where: isTheirs) }
        }
        if let token = answer.refreshToken {
            let fields = refreshFields(token, common: common, target: target, answer: answer, now: now)
            if let refreshedFrom, entries(.refreshToken).contains(where: { $0.key == refreshedFrom }) {
                // Update in place and keep the scopes of the first sign-in, as MSAL does.
                put(
                    .refreshToken, key: refreshedFrom,
                    ["secret": fields["secret"] ?? "", "last_modification_time": Self.text(now.seconds)])
            } else {
                put(
                    .refreshToken,
                    key: Self.key(home, environment, "refreshtoken", view.clientID, "", target), fields)
            }
        }
        if !isRefused { storeAccessToken(of: answer, for: account, in: view, resource, common, target, now) }
        if refreshedFrom == nil, !account.account.isApp { storeAccount(account) }
        var metadata: JSONObject = ["client_id": .string(view.clientID), "environment": .string(environment)]
        if let family = answer.familyID { metadata["family_id"] = .string(family) }
        put(.appMetadata, key: "appmetadata-\(environment)-\(view.clientID)", metadata)
    }

    /// Removes all tokens and the accounts that they belong to. App metadata is kept, as with MSAL.
    /// - Returns: the names of the accounts that had tokens.
    mutating func removeTokens() -> [String] {
        let homes = Set(
            (entries(.refreshToken) + entries(.accessToken)).compactMap { $0.fields["home_account_id"]?.string })
        let names = entries(.account).filter { homes.contains($0.fields["home_account_id"]?.string ?? "") }
            .compactMap { $0.fields["username"]?.string }
        for kind in [Kind.accessToken, .refreshToken, .idToken, .account] { remove(kind) { _ in true } }
        return Set(names).sorted()
    }

    /// Removes the tokens of one app. The account stays: it may be signed in to others.
    mutating func removeTokens(ofApp clientID: String) {
        for kind in [Kind.accessToken, .refreshToken, .idToken] {
            remove(kind) { $0["client_id"]?.string?.lowercased() == clientID.lowercased() }
        }
    }

    private mutating func storeAccount(_ account: TokenCacheView.Account) {
        put(
            .account, key: "\(account.account.homeAccountID)-\(account.environment)-\(account.realm)".lowercased(),
            [
                "home_account_id": .string(account.account.homeAccountID), "environment": .string(account.environment),
                "realm": .string(account.realm), "local_account_id": .string(account.account.objectID),
                "username": .string(account.account.username), "authority_type": "MSSTS",
                "account_source": "urn:ietf:params:oauth:grant-type:device_code",
            ])
    }

    /// Stores the access token and the id_token of an answer.
    private mutating func storeAccessToken(
        of answer: TokenAnswer, for account: TokenCacheView.Account, in view: TokenCacheView,
        _ resource: ServiceResource, _ common: JSONObject, _ target: String, _ now: Timestamp
    ) {
        func key(_ kind: String, _ target: String) -> String {
            Self.key(account.account.homeAccountID, account.environment, kind, view.clientID, account.realm, target)
        }
        remove(.accessToken) { fields in
            view.isAccessToken(fields, of: account, for: resource) || Self.isExpired(fields, of: view, now: now)
        }
        var access = common
        access["credential_type"] = "AccessToken"
        access["secret"] = .string(answer.accessToken.reveal())
        access["target"] = .string(target)
        access["realm"] = .string(account.realm)
        access["token_type"] = "Bearer"
        access["cached_at"] = Self.text(now.seconds)
        access["expires_on"] = Self.text(now.seconds + Int64(answer.expiresIn))
        access["extended_expires_on"] = Self.text(now.seconds + Int64(answer.extendedExpiresIn))
        if let refreshIn = answer.refreshIn { access["refresh_on"] = Self.text(now.seconds + Int64(refreshIn)) }
        put(.accessToken, key: key("accesstoken", target), access)
        guard let token = answer.idToken else { return }
        var fields = common
        fields["credential_type"] = "IdToken"
        fields["secret"] = .string(token.reveal())
        fields["realm"] = .string(account.realm)
        put(.idToken, key: key("idtoken", ""), fields)
    }

    private func refreshFields(
        _ token: Secret, common: JSONObject, target: String, answer: TokenAnswer, now: Timestamp
    ) -> JSONObject {
        var fields = common
        fields["credential_type"] = "RefreshToken"
        fields["secret"] = .string(token.reveal())
        fields["target"] = .string(target)
        fields["last_modification_time"] = Self.text(now.seconds)
        if let family = answer.familyID { fields["family_id"] = .string(family) }
        return fields
    }

    private static func isExpired(_ fields: JSONObject, of view: TokenCacheView, now: Timestamp) -> Bool {
        guard view.belongsToApp(fields), let end = TokenCacheView.seconds(fields["expires_on"]) else { return false }
        return end < now.seconds
    }

    private static func key(_ parts: String...) -> String { parts.joined(separator: "-").lowercased() }

    private static func text(_ seconds: Int64) -> JSONValue { .string(String(seconds)) }
}
