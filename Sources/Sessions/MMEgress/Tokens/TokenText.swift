internal import MMCore
internal import MMIdentity

/// A token as it is written: taken apart where it is a JWT (RFC 7519), else a text of which only the shape is known.
struct TokenText: Sendable {
    /// The whole token.
    let text: String
    /// Header and claims of a JWT that is signed and not encrypted.
    let parts: (header: Substring, claims: JSONObject)?

    /// Takes a token apart.
    init(_ text: String) {
        self.text = text
        let pieces = text.split(separator: ".", omittingEmptySubsequences: false)
        // The claims of an access token are read as those of an id token are: neither decides what is admitted.
        parts = pieces.count == 3 ? IDToken(text).map { (pieces[0], $0.claims) } : nil
    }

    /// The audience that the token names, in the form that is compared.
    var audience: String? { parts?.claims["aud"]?.string.map(CloudHost.audience) }

    /// When it ends, in seconds since 1970.
    var expiry: Int64? { parts?.claims["exp"]?.double.flatMap { Int64(exactly: $0.rounded(.down)) } }

    /// Another token that looks like this one and is worth nothing: the same claims with another end, a random signature; of
    /// a token that can't be read, random letters and digits in the places of its own.
    /// - Parameter expiry: when it says that it ends; nil leaves the end as it is.
    func likeness(expiry: Int64?) -> String {
        guard let parts else { return Self.scrambled(text) }
        let pieces = text.split(separator: ".", omittingEmptySubsequences: false)
        var payload = String(pieces[1])
        if let expiry {
            var claims = parts.claims
            claims["exp"] = .int(expiry)
            payload = Base64.text(JSONWriter.bytes(.object(claims)), alphabet: .url)
        }
        // As long as the signature that it takes the place of, and never so short that it could be guessed.
        let signature = RandomBytes.text(bytes: max(32, pieces[2].utf8.count * 3 / 4))
        return "\(parts.header).\(payload).\(signature)"
    }

    private static func scrambled(_ text: String) -> String {
        let random = RandomBytes.make(text.utf8.count)
        var result: [UInt8] = []
        var count = 0
        for (byte, dice) in zip(text.utf8, random) {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): result.append(UInt8(ascii: "a") + dice % 26)
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): result.append(UInt8(ascii: "A") + dice % 26)
            case UInt8(ascii: "0")...UInt8(ascii: "9"): result.append(UInt8(ascii: "0") + dice % 10)
            default:
                result.append(byte)
                continue
            }
            count += 1
        }
        let likeness = String(decoding: result, as: UTF8.self)
        return count >= 40 ? likeness : likeness + RandomBytes.text(bytes: 32)
    }
}
