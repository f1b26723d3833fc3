internal import MMCore

/// Makes and reads the sandbox's tokens: the shape and the claims of Entra's, sealed with a key that dies with the process.
///
/// Only the sandbox's own services read most of them. What an API of the tenant's own reads is signed with a key whose public half
/// is published.
struct TokenMint: Sendable {
    private let key: [UInt8]
    /// Signs tokens for those who read them elsewhere.
    let signing = SigningKey()

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

    /// The signed form of a set of claims; `nil` where the machine has no OpenSSL.
    func signed(_ claims: JSONObject) -> String? {
        let payload = Base64.text(JSONWriter.bytes(.object(claims)), alphabet: .url)
        let header: JSONObject = ["typ": "JWT", "alg": "ES256", "kid": .string(SigningKey.name)]
        let text = "\(Base64.text(JSONWriter.bytes(.object(header)), alphabet: .url)).\(payload)"
        return signing.signature(of: text).map { "\(text).\(Base64.text($0, alphabet: .url))" }
    }

    /// The claims of a token of this mint.
    func claims(of token: String) throws(Refusal) -> JSONObject {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformed }
        guard let given = Base64.bytes(String(parts[2]), alphabet: .url) else { throw .forged }
        let text = "\(parts[0]).\(parts[1])"
        let header = Base64.bytes(String(parts[0]), alphabet: .url).flatMap { try? JSONParser.parse($0) }
        let isOwn =
            header?["alg"] == "ES256"
            ? signing.verifies(given, of: text) : ConstantTime.equal(given, HMAC.sha256(text.utf8, key: key))
        guard isOwn else { throw .forged }
        guard let bytes = Base64.bytes(String(parts[1]), alphabet: .url), let json = try? JSONParser.parse(bytes),
            let claims = json.object
        else { throw .malformed }
        return claims
    }

    /// A tag that only this process can make, for form tokens.
    func tag(_ text: String) -> String { Base64.text(HMAC.sha256(text.utf8, key: key), alphabet: .url) }
}
