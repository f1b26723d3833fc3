internal import MMCore

/// Makes and reads the sandbox's tokens: the shape and the claims of Entra's, sealed with a key that dies with the process.
struct TokenMint: Sendable {
    private let key: [UInt8]

    init() {
        key = RandomBytes.make(32)
    }

    /// Why an access token is not accepted, in the words of Graph.
    enum Refusal: Error, Equatable {
        case absent, malformed, forged, expired, wrongAudience

        var message: String {
            switch self {
            case .absent: "Access token is empty."
            case .malformed: "IDX14100: JWT is not well formed, there are no dots (.)."
            case .forged: "Signature verification failed."
            case .expired: "Lifetime validation failed, the token is expired."
            case .wrongAudience: "Access token validation failure. Invalid audience."
            }
        }
    }

    /// The compact form of a set of claims.
    func sealed(_ claims: JSONObject) -> String {
        let header = Base64.text(Array(#"{"typ":"JWT","alg":"HS256","kid":"sandbox"}"#.utf8), alphabet: .url)
        let body = "\(header).\(Base64.text(JSONWriter.bytes(.object(claims)), alphabet: .url))"
        return "\(body).\(Base64.text(HMAC.sha256(body.utf8, key: key), alphabet: .url))"
    }

    /// The claims of a token of this mint.
    func claims(of token: String) throws(Refusal) -> JSONObject {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformed }
        let mac = HMAC.sha256("\(parts[0]).\(parts[1])".utf8, key: key)
        guard let given = Base64.bytes(String(parts[2]), alphabet: .url), ConstantTime.equal(given, mac) else {
            throw .forged
        }
        guard let bytes = Base64.bytes(String(parts[1]), alphabet: .url), let json = try? JSONParser.parse(bytes),
            let claims = json.object
        else { throw .malformed }
        return claims
    }

    /// A tag that only this process can make, for form tokens.
    func tag(_ text: String) -> String { Base64.text(HMAC.sha256(text.utf8, key: key), alphabet: .url) }
}
