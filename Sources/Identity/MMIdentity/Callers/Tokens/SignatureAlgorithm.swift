internal import COpenSSL

/// The signatures that an access token may have (RFC 7518, section 3.1): those of public keys alone.
///
/// `none` and the algorithms with a shared secret are no cases: a public key can't be mistaken for a secret.
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
