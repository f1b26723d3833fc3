internal import COpenSSL
package import MMCore

/// A public key with which a sign-in service signs its tokens.
package final class IssuerKey: @unchecked Sendable {
    // `@unchecked Sendable`: OpenSSL's object is set once and then only read; each verification has its own context.
    private let raw: UnsafeMutableRawPointer

    /// Its name.
    package let id: String?
    /// The only algorithm that it may be used with, where it says so.
    let algorithm: SignatureAlgorithm?
    /// The issuer whose tokens alone it signs, where it says so: keys of Entra ID do.
    let issuer: String?

    /// Reads a key of a set (RFC 7517, section 4).
    /// - Returns: `nil` for a key of another kind, one that isn't for signatures, and one that is too weak or too large.
    package init?(_ key: JSONValue) {
        guard mm_openssl_load() == nil else { return nil }
        if let use = key["use"], use != "sig" { return nil }
        if let work = key["key_ops"]?.array, !work.contains("verify") { return nil }
        if let name = key["alg"] {
            guard let known = name.string.flatMap(SignatureAlgorithm.init(rawValue:)) else { return nil }
            algorithm = known
        } else {
            algorithm = nil
        }
        let bytes = { (member: String) in key[member]?.string.flatMap { Base64.bytes($0, alphabet: .url) } }
        let encoded: [UInt8]
        switch key["kty"]?.string {
        case "RSA":
            // An exponent of more digits makes each verification slow.
            guard let modulus = bytes("n"), let exponent = bytes("e"), modulus.count <= 1025, exponent.count <= 8,
                let last = exponent.last, last & 1 == 1, exponent != [1]
            else { return nil }
            encoded = PublicKeyEncoding.rsa(modulus: modulus, exponent: exponent)
        case "EC":
            guard key["crv"] == "P-256", let x = bytes("x"), let y = bytes("y"), x.count == 32, y.count == 32 else {
                return nil
            }
            encoded = PublicKeyEncoding.p256(x: x, y: y)
        default: return nil
        }
        guard let raw = mm_public_key_read(encoded, Int32(encoded.count)) else { return nil }
        self.raw = raw
        id = key["kid"]?.string
        issuer = key["issuer"]?.string
        let isRSA = Int(mm_public_key_kind(raw)) == Int(MM_CREDENTIAL_RSA)
        guard !isRSA || mm_public_key_bits(raw) >= 2048 else { return nil }
    }

    deinit { mm_public_key_free(raw) }

    /// Whether a token's signature was made with this key's private half.
    func verifies(_ token: SignedToken) -> Bool {
        guard algorithm.map({ $0 == token.algorithm }) ?? true else { return false }
        let (bytes, signature) = (token.signedBytes, token.signature)
        return mm_public_key_verify(
            raw, token.algorithm.code, bytes, Int32(bytes.count), signature, Int32(signature.count)) == 1
    }
}

/// Public keys in DER (SubjectPublicKeyInfo, RFC 5280, section 4.1.2.7), made of the numbers of a JSON web key.
enum PublicKeyEncoding {
    /// The key of RSA's modulus and exponent.
    static func rsa(modulus: [UInt8], exponent: [UInt8]) -> [UInt8] {
        let numbers = item(0x30, integer(modulus) + integer(exponent))
        // rsaEncryption, without parameters (RFC 8017, appendix A.1).
        let algorithm = item(0x30, [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00])
        return item(0x30, algorithm + item(0x03, [0] + numbers))
    }

    /// The key of a point on the curve P-256; whether it lies there shows when the key is read.
    static func p256(x: [UInt8], y: [UInt8]) -> [UInt8] {
        // id-ecPublicKey with prime256v1 (RFC 5480, section 2).
        let algorithm = item(
            0x30,
            [
                0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03,
                0x01, 0x07,
            ])
        return item(0x30, algorithm + item(0x03, [0, 0x04] + x + y))
    }

    private static func integer(_ bytes: [UInt8]) -> [UInt8] {
        let digits = Array(bytes.drop { $0 == 0 })
        // A leading one would make it negative.
        return item(0x02, (digits.first ?? 0x80) & 0x80 == 0 ? digits : [0] + digits)
    }

    private static func item(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        var length: [UInt8] = []
        var rest = content.count
        while rest > 0 {
            length.insert(UInt8(rest & 0xFF), at: 0)
            rest >>= 8
        }
        if content.count >= 0x80 { length.insert(0x80 | UInt8(length.count), at: 0) }
        return [tag] + (length.isEmpty ? [0] : length) + content
    }
}
