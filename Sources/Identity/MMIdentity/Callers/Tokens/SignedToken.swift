internal import COpenSSL
package import MMCore

/// An access token in the form of a JSON web signature (RFC 7515, section 3.1), split into its parts but not yet
/// verified.
package struct SignedToken: Sendable {
    /// The maximum length of a token, in bytes: a token with 200 groups has about ten thousand.
    package static let longest = 24 << 10

    /// The algorithm of its signature.
    package let algorithm: SignatureAlgorithm
    /// The id of the key that signed it.
    package let keyID: String?
    /// The claims of the token.
    package let claims: JSONObject
    /// The token as it was given.
    package let encoded: Secret
    /// The bytes that are signed.
    let signedBytes: [UInt8]
    /// The signature.
    let signature: [UInt8]

    private static let limits = JSONLimits(bytes: longest, depth: 16, duplicateKeys: .refuse)

    /// Splits a token into its parts.
    /// - Throws: a refusal that says what is wrong with it.
    package init(_ text: String) throws(CallerRefusal) {
        guard text.utf8.count <= Self.longest else {
            throw .invalid("is longer than \(Self.longest) bytes")
        }
        let token: JSONWebToken
        do throws(JSONWebToken.Fault) {
            token = try JSONWebToken(text, limits: Self.limits)
        } catch .form {
            throw .invalid("is not a signed JSON web token, the only kind that this server can check")
        } catch {
            throw .invalid("can't be read")
        }
        guard let header = token.header, let signature = token.signature else { throw .invalid("can't be read") }
        guard let name = header["alg"]?.string, let algorithm = SignatureAlgorithm(rawValue: name) else {
            let known = SignatureAlgorithm.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalid("has another signature algorithm than \(known)")
        }
        // RFC 7515, section 4.1.11: a critical extension that isn't understood makes a token invalid.
        guard header["crit"] == nil, header["b64"] == nil else { throw .invalid("has critical extensions") }
        if let type = header["typ"] {
            // RFC 9068, section 2.1; most services say JWT.
            let known = ["jwt", "at+jwt", "application/at+jwt", "application/jwt"]
            guard let word = type.string?.lowercased(), known.contains(word) else {
                throw .invalid("has another type than JWT or at+jwt")
            }
        }
        switch header["kid"] {
        case nil: keyID = nil
        case .string(let id)?: keyID = id
        default: throw .invalid("has a key ID that is not text")
        }
        self.algorithm = algorithm
        encoded = Secret(text)
        claims = token.claims
        self.signature = signature
        signedBytes = token.signedBytes
    }

    /// Returns a claim that holds one text.
    package func text(_ claim: String) -> String? { claims[claim]?.string.flatMap { $0.isEmpty ? nil : $0 } }

    /// Returns a claim that holds texts: a list, or one text.
    func texts(_ claim: String) -> [String] {
        switch claims[claim] {
        case .string(let one)?: [one]
        case .array(let many)?: many.compactMap(\.string)
        default: []
        }
    }

    /// Returns a claim that holds words separated by spaces (RFC 8693, section 4.2), or a list of them.
    func words(_ claim: String) -> Set<String> {
        Set(texts(claim).flatMap { $0.split(separator: " ").map(String.init) })
    }

    /// Returns a claim that holds a point in time, in seconds since 1970; `nil` where it isn't a number.
    func moment(_ claim: String) -> Double? { claims[claim]?.double }
}

/// The signature algorithms that an access token may have (RFC 7518, section 3.1): only those with public keys.
///
/// `none` and the algorithms with a shared secret are left out, so a public key can't be mistaken for a secret.
package enum SignatureAlgorithm: String, Sendable, CaseIterable {
    /// RSA with PKCS #1 padding, which most sign-in services use.
    case rs256 = "RS256"
    /// RSA with PSS padding.
    case ps256 = "PS256"
    /// The elliptic curve P-256.
    case es256 = "ES256"

    var code: Int32 {
        switch self {
        case .rs256: Int32(MM_SIGNATURE_RS256)
        case .ps256: Int32(MM_SIGNATURE_PS256)
        case .es256: Int32(MM_SIGNATURE_ES256)
        }
    }
}
