import MMCore
import MMIdentity
import MMOperations

/// The access tokens that a server accepts, as its command line or a file says.
struct OAuthOptions: Sendable {
    /// The sign-in service's URL.
    let issuer: String
    /// The policy that decides which tokens are accepted.
    let policy: TokenPolicy
    /// The endpoint's URL as clients know it; `nil` to derive it from the host name of the request.
    var resource: String?
    /// The connection with which Graph is asked for groups that don't fit into a token.
    var directory: String?

    /// The arguments that concern access tokens.
    static let fields: [InputField] = [
        InputField(
            "oauth-issuer", .text,
            "Accept only clients with access tokens from this sign-in service, such as "
                + "https://login.microsoftonline.com/TENANT/v2.0."),
        InputField(
            "oauth-audience", .textList, "Audience (aud) that tokens must have. Separate several by commas."),
        InputField("oauth-scopes", .textList, "Scopes that tokens must have, as clients request them."),
        InputField("oauth-tenants", .textList, "IDs of the tenants whose accounts are accepted."),
        InputField("oauth-groups", .textList, "IDs of groups. An account must be a member of one of them."),
        InputField("oauth-roles", .textList, "App roles. An account must have one of them."),
        InputField(
            "oauth-directory", .text,
            "Connection that reads groups from Microsoft Graph, for accounts with more groups than a token can list."
        ),
        InputField(
            "oauth-resource", .text, "Address of the endpoint for clients, if a proxy changes it."),
        InputField(
            "oauth-file", .text, "JSON file with these settings: issuer, audience, scopes, tenants, …",
            .completes(.files)),
    ]

    private static let lists = ["audience", "scopes", "tenants", "groups", "roles"]
    private static let texts = ["issuer", "resource", "directory"]

    /// Reads the options from a command line, and from the file that it names.
    /// - Returns: `nil` if there are none.
    /// - Throws: `invalidInput` that names the argument and the remedy.
    static func read(_ reader: InputReader) throws(MMError) -> OAuthOptions? {
        var texts: [String: String] = [:]
        var lists: [String: [String]] = [:]
        for name in Self.texts { texts[name] = try reader.text("oauth-" + name) }
        for name in Self.lists { lists[name] = try reader.textList("oauth-" + name).map(Self.items) }
        if let path = try reader.text("oauth-file") { try add(path, to: &texts, &lists) }
        guard !texts.isEmpty || !lists.isEmpty else { return nil }
        guard let issuer = texts["issuer"] else {
            throw MMError(
                .invalidInput, "--oauth-… flags need --oauth-issuer.",
                hint: "Add --oauth-issuer URL, such as https://login.microsoftonline.com/TENANT/v2.0.")
        }
        return try OAuthOptions(issuer: issuer, texts: texts, lists: lists)
    }

    private init(issuer: String, texts: [String: String], lists: [String: [String]]) throws(MMError) {
        try Self.check(issuer, of: "issuer")
        let audiences = lists["audience"] ?? []
        guard !audiences.isEmpty else {
            throw MMError(
                .invalidInput, "--oauth-issuer needs the audience of this server's tokens.",
                hint:
                    "Add --oauth-audience: the application ID for Entra ID tokens of version 2.0, the App ID URI for those "
                    + "of version 1.0, or the value that the sign-in service puts into aud.")
        }
        self.issuer = issuer
        var policy = TokenPolicy(audiences: Set(audiences))
        policy.tenants = Set((lists["tenants"] ?? []).map { $0.lowercased() })
        policy.groups = Set(lists["groups"] ?? [])
        policy.roles = Set(lists["roles"] ?? [])
        policy.scopes = lists["scopes"] ?? []
        let isWord = { (scope: String) in
            scope.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != 0x5C }
        }
        guard policy.scopes.allSatisfy(isWord) else {
            throw MMError(.invalidInput, "--oauth-scopes has an invalid scope (RFC 6749, section 3.3).")
        }
        guard !policy.tenants.isEmpty || !IssuerName.servesEveryTenant(issuer) else {
            throw MMError(
                .invalidInput, "\(issuer) signs in accounts of every tenant.",
                hint: "Put your tenant ID into the address instead, or add --oauth-tenants with the tenants to accept.")
        }
        self.policy = policy
        directory = texts["directory"]
        guard directory == nil || !policy.groups.isEmpty else {
            throw MMError(
                .invalidInput, "--oauth-directory needs --oauth-groups.",
                hint: "Add --oauth-groups with the IDs of groups, or leave it out.")
        }
        if let resource = texts["resource"] {
            try Self.check(resource, of: "resource")
            self.resource = resource
        }
    }

    private static func check(_ url: String, of name: String) throws(MMError) {
        guard IssuerDirectory.isUsable(url) else {
            throw MMError(
                .invalidInput, "--oauth-\(name) can't be `\(url.prefix(100))`.",
                hint: "Use an https address without a query; http is allowed only for this machine (127.0.0.1).")
        }
    }

    private static func items(_ given: [String]) -> [String] {
        given.flatMap { $0.split(whereSeparator: { $0 == "," || $0 == " " }).map(String.init) }
    }

    private static func add(
        _ path: String, to texts: inout [String: String], _ lists: inout [String: [String]]
    ) throws(MMError) {
        guard let bytes = try ProtectedFile.read(path, limit: 1 << 20) else {
            throw MMError(.notFound, "The file \(path) does not exist.", hint: "--oauth-file must be a JSON file.")
        }
        guard let object = (try? JSONParser.parse(bytes, limits: .strict))?.object else {
            throw MMError(.invalidInput, "\(path) is not a JSON object.", hint: "See Docs/StartAgents.md for its keys.")
        }
        for (name, value) in object {
            guard texts[name] == nil, lists[name] == nil else {
                throw MMError(.invalidInput, "--oauth-\(name) is also given in \(path).", hint: "Give it once.")
            }
            switch value {
            case .string(let text) where Self.texts.contains(name): texts[name] = text
            case .string(let text) where Self.lists.contains(name): lists[name] = items([text])
            case .array(let all) where Self.lists.contains(name) && all.allSatisfy({ $0.string != nil }):
                lists[name] = all.compactMap(\.string)
            default:
                throw MMError(
                    .invalidInput, "`\(name.prefix(40))` in \(path) can't be used.",
                    hint: "Texts: \(Self.texts.joined(separator: ", ")); lists of texts: "
                        + "\(Self.lists.joined(separator: ", ")).")
            }
        }
    }
}
