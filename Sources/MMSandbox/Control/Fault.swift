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
        /// The access token is refused until the client comes back with one for the claims.
        case claimsChallenge
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
