internal import MMCore
internal import MMHTTP

/// Something that goes wrong on purpose.
struct Fault: Sendable {
    /// What goes wrong.
    enum Kind: Sendable {
        /// The answer is held back.
        case latency(Duration)
        /// An error of the service, with or without `Retry-After` in seconds.
        case status(Int, retryAfter: Int?)
        /// The connection breaks off after so many bytes of the body.
        case torn(Int)
        /// The access token counts as run out.
        case expiredToken
        /// The access token is refused, with claims that a new one must carry.
        case claimsChallenge
        /// An access token is refused until the client comes back with one that was asked for with these claims (an
        /// authentication context, `acrs`).
        case challenge(String)
        /// All tokens that an account has got so far were ended when the fault was added; `nil` for every account's.
        case revoked(String?)
        /// Nobody has consented to what apps other than Microsoft's own ask for at a service.
        case refusedConsent(ServedResource)
        /// The device code counts as run out.
        case expiredCode
        /// Somebody else approved than was asked for.
        case wrongAccount(String)
        /// An error of the token endpoint by its number.
        case tokenError(Int)
        /// The answer points elsewhere.
        case redirect(String)
        /// The next page is always the same one again.
        case endlessPaging
        /// The next page is said to be on another host.
        case foreignNextLink(String)
        /// The delta token counts as too old.
        case resync
        /// The body isn't JSON.
        case garbage
    }

    let id: Int
    let kind: Kind
    /// The word that the control endpoint has for it.
    let word: String
    let method: String?
    /// A request is meant when its path begins so; `*` stands for any run of characters.
    let path: String
    /// How many requests are spared first.
    var skip: Int
    /// How many requests it hits; `nil` for all.
    var remaining: Int?

    func matches(_ request: HTTPServerRequest) -> Bool {
        switch kind {
        // It happened once.
        case .revoked: return false
        case .refusedConsent(let resource): if !Self.asksForConsent(request, at: resource) { return false }
        case .challenge(let context): if Self.hasToken(of: request, for: context) { return false }
        default: break
        }
        if let method, method != request.method { return false }
        let pieces = path.split(separator: "*", omittingEmptySubsequences: false)
        var rest = request.path[...]
        guard let first = pieces.first, rest.hasPrefix(first) else { return false }
        rest = rest.dropFirst(first.count)
        for piece in pieces.dropFirst() where !piece.isEmpty {
            guard let found = Self.position(of: piece, in: rest) else { return false }
            rest = rest[found...].dropFirst(piece.count)
        }
        return true
    }

    /// Returns whether a request asks for a token of a service in the name of an app that isn't Microsoft's own.
    private static func asksForConsent(_ request: HTTPServerRequest, at resource: ServedResource) -> Bool {
        guard request.path.hasSuffix("/oauth2/v2.0/token") else { return false }
        let form = request.form
        guard let id = form["client_id"], RegisteredApp.find(id)?.isMicrosofts != true else { return false }
        return (form["scope"] ?? "").split(separator: " ").contains { scope in
            scope.lastIndex(of: "/").flatMap { ServedResource.named(String(scope[..<$0]), base: "") } == resource
        }
    }

    /// Returns whether a request's token was asked for with an authentication context, or there is none to judge by.
    private static func hasToken(of request: HTTPServerRequest, for context: String) -> Bool {
        guard let header = request.headers["authorization"], header.lowercased().hasPrefix("bearer "),
            !request.path.contains("/oauth2/")
        else { return true }
        let parts = header.dropFirst(7).split(separator: ".")
        guard parts.count == 3, let bytes = Base64.bytes(String(parts[1]), alphabet: .url),
            let claims = try? JSONParser.parse(bytes)
        else { return true }
        return claims["acrs"]?.array?.contains(.string(context)) == true
    }

    private static func position(of piece: Substring, in text: Substring) -> String.Index? {
        text.indices.first { text[$0...].hasPrefix(piece) }
    }

    var json: JSONValue {
        [
            "id": .int(Int64(id)), "kind": .string(word), "method": method.map { .string($0) } ?? .null,
            "path": .string(path),
            "skip": .int(Int64(skip)), "remaining": remaining.map { .int(Int64($0)) } ?? .null,
        ]
    }
}
