internal import MMCore
internal import MMHTTP

/// A deliberate fault.
struct Fault: Sendable {
    /// The kind of fault.
    enum Kind: Sendable {
        /// The answer is delayed.
        case latency(Duration)
        /// An error of the service, with or without `Retry-After` in seconds.
        case status(Int, retryAfter: Int?)
        /// The connection breaks after this many bytes of the body.
        case torn(Int)
        /// The access token counts as expired.
        case expiredToken
        /// The access token is refused, with claims that a new one must carry.
        case claimsChallenge
        /// An access token is refused until the client sends one that was requested with these claims (an
        /// authentication context, `acrs`).
        case challenge(String)
        /// All tokens that an account had obtained when the fault was added are revoked; `nil` for every account.
        case revoked(String?)
        /// There is no consent to the requests of apps other than Microsoft's own for a service.
        case refusedConsent(ServedResource)
        /// The device code counts as expired.
        case expiredCode
        /// A different account than the expected one approved.
        case wrongAccount(String)
        /// An error of the token endpoint by its number.
        case tokenError(Int)
        /// The answer redirects to another address.
        case redirect(String)
        /// The next page is always the same one again.
        case endlessPaging
        /// The next link names another host.
        case foreignNextLink(String)
        /// The delta token counts as expired.
        case resync
        /// The body isn't JSON.
        case garbage
    }

    let id: Int
    let kind: Kind
    /// The name of the fault at the control endpoint.
    let word: String
    let method: String?
    /// The beginning of the paths that it applies to; `*` stands for any characters.
    let path: String
    /// The number of requests that are spared first.
    var skip: Int
    /// The number of requests that it still applies to; `nil` for all.
    var remaining: Int?

    func matches(_ request: HTTPServerRequest) -> Bool {
        switch kind {
        // It took effect when it was added.
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

    /// Returns whether a request asks for a token of a service for an app that isn't Microsoft's own.
    private static func asksForConsent(_ request: HTTPServerRequest, at resource: ServedResource) -> Bool {
        guard request.path.hasSuffix("/oauth2/v2.0/token") else { return false }
        let form = request.form
        guard let id = form["client_id"], RegisteredApp.find(id)?.isMicrosofts != true else { return false }
        return (form["scope"] ?? "").split(separator: " ").contains { scope in
            scope.lastIndex(of: "/").flatMap { ServedResource.named(String(scope[..<$0]), base: "") } == resource
        }
    }

    /// Returns whether a request's token was requested with an authentication context, or can't be judged.
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
