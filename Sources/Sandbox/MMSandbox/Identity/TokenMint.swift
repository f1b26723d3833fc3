internal import COpenSSL
internal import MMCore

/// Creates and reads the sandbox's tokens: in the form and with the claims of Entra ID's, sealed with a key that exists
/// only in this process.
///
/// Most tokens are read only by the sandbox's own services. Those that others read, which are the identities of people
/// and tokens for the tenant's own API, are signed with a key whose public half is published.
struct TokenMint: Sendable {
    private let key: [UInt8]
    /// The key for tokens that are verified outside of the sandbox.
    let signing = SigningKey()

    init() {
        key = RandomBytes.make(32)
    }

    /// The reason why an access token isn't accepted, as Graph distinguishes it.
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

    /// Returns the compact form of claims.
    func sealed(_ claims: JSONObject) -> String {
        let header = Base64.text(Array(#"{"typ":"JWT","alg":"HS256","kid":"sandbox"}"#.utf8), alphabet: .url)
        let body = "\(header).\(Base64.text(JSONWriter.bytes(.object(claims)), alphabet: .url))"
        return "\(body).\(Base64.text(HMAC.sha256(body.utf8, key: key), alphabet: .url))"
    }

    /// Returns the signed form of claims, which others can verify; the compact form on a machine without OpenSSL.
    func signed(_ claims: JSONObject) -> String {
        let payload = Base64.text(JSONWriter.bytes(.object(claims)), alphabet: .url)
        let header: JSONObject = ["typ": "JWT", "alg": .string(SigningKey.algorithm), "kid": .string(SigningKey.name)]
        let text = "\(Base64.text(JSONWriter.bytes(.object(header)), alphabet: .url)).\(payload)"
        guard let signature = signing.signature(of: text) else { return sealed(claims) }
        return "\(text).\(Base64.text(signature, alphabet: .url))"
    }

    /// Returns the claims of a token of this mint.
    func claims(of token: String) throws(Refusal) -> JSONObject {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformed }
        guard let given = Base64.bytes(String(parts[2]), alphabet: .url) else { throw .forged }
        let text = "\(parts[0]).\(parts[1])"
        let header = Base64.bytes(String(parts[0]), alphabet: .url).flatMap { try? JSONParser.parse($0) }
        let isOwn =
            header?["alg"]?.string == SigningKey.algorithm
            ? signing.verifies(given, of: text) : ConstantTime.equal(given, HMAC.sha256(text.utf8, key: key))
        guard isOwn else { throw .forged }
        guard let bytes = Base64.bytes(String(parts[1]), alphabet: .url), let json = try? JSONParser.parse(bytes),
            let claims = json.object
        else { throw .malformed }
        return claims
    }

    /// Returns a tag that only this process can create, for form tokens.
    func tag(_ text: String) -> String { Base64.text(HMAC.sha256(text.utf8, key: key), alphabet: .url) }
}

/// The key with which the sandbox signs tokens that others verify; created on first use.
final class SigningKey: Sendable {
    /// The library's object, which is freed with its owner.
    ///
    /// `@unchecked Sendable`: it is only read after its creation; each signature has its own context.
    private final class Handle: @unchecked Sendable {
        let raw: UnsafeMutableRawPointer

        init?() {
            guard let raw = mm_credential_create() else { return nil }
            self.raw = raw
        }

        deinit { mm_credential_free(raw) }
    }

    /// The key id.
    static let name = "sandbox-signing"
    /// The name of its signatures (RFC 7518).
    static let algorithm = "ES256"
    private let handle = Mutex<Handle?>(nil)

    private func made() -> Handle? {
        handle.withLock { handle in
            if handle == nil { handle = Handle() }
            return handle
        }
    }

    /// The public half (RFC 7517); `nil` on a machine without OpenSSL.
    var published: JSONValue? {
        guard let handle = made() else { return nil }
        var point = [UInt8](repeating: 0, count: 64)
        guard mm_credential_point(handle.raw, &point, 64) == 64 else { return nil }
        return [
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": .string(Self.algorithm), "kid": .string(Self.name),
            "x": .string(Base64.text(Array(point[..<32]), alphabet: .url)),
            "y": .string(Base64.text(Array(point[32...]), alphabet: .url)),
        ]
    }

    /// Returns the signature of a text.
    func signature(of text: String) -> [UInt8]? {
        guard let handle = made() else { return nil }
        let bytes = Array(text.utf8)
        var room = [UInt8](repeating: 0, count: 64)
        guard mm_credential_sign(handle.raw, bytes, Int32(bytes.count), &room, 64) == 64 else { return nil }
        return room
    }

    /// Returns whether a signature of a text was made with this key.
    func verifies(_ signature: [UInt8], of text: String) -> Bool {
        guard let handle = made() else { return false }
        let bytes = Array(text.utf8)
        return mm_credential_verify(
            handle.raw, bytes, Int32(bytes.count), signature, Int32(signature.count)) == 1
    }
}
