internal import COpenSSL
package import MMCore

/// The key with which this user's `mm` signs evidence for other machines: that a person has approved a plan, and what
/// was done with it. The private key is in a 0600 file of the state folder; the public half is a short text that people
/// pass on.
package final class EvidenceKey: @unchecked Sendable {
    // `@unchecked Sendable`: OpenSSL's object is set once and then only read; each signature has its own context.
    private let raw: UnsafeMutableRawPointer
    /// The public half in the form that registries use: `mm1:` and the point on the curve P-256.
    package let publicText: String

    private static let prefix = "mm1:"

    private init?(scalar: [UInt8]) {
        guard scalar.count == 32 else { return nil }
        // The structure of RFC 5915 without the public half, which is derived from the private one.
        let der: [UInt8] =
            [0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20] + scalar
            + [0xA0, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07]
        let pem = Array(
            "-----BEGIN EC PRIVATE KEY-----\n\(Base64.text(der))\n-----END EC PRIVATE KEY-----\n".utf8)
        guard let raw = mm_credential_read_key(pem, Int32(pem.count)) else { return nil }
        var point = [UInt8](repeating: 0, count: 64)
        guard mm_credential_point(raw, &point, 64) == 64 else {
            mm_credential_free(raw)
            return nil
        }
        self.raw = raw
        publicText = Self.prefix + Base64.text(point, alphabet: .url)
    }

    deinit { mm_credential_free(raw) }

    /// Returns the key in a file, creating the file if there is none.
    /// - Throws: `unavailable` without OpenSSL; the errors of reading and writing the file.
    package static func standing(at path: String) throws(MMError) -> EvidenceKey {
        let bytes = try ProtectedFile.kept(at: path) { () throws(MMError) in try made() }
        let text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        guard let scalar = Base64.bytes(text, alphabet: .url), let key = EvidenceKey(scalar: scalar) else {
            throw MMError(
                .unavailable, "The signing key \(path) can't be used.",
                hint: mm_openssl_load() == nil
                    ? "Move it away, so that a new one is created. Its public key must then be distributed again."
                    : "OpenSSL 3 (libcrypto) is missing.")
        }
        return key
    }

    /// Returns a new key as the text of a file. Nearly every number is one.
    private static func made() throws(MMError) -> [UInt8] {
        for _ in 0..<4 {
            let scalar = RandomBytes.make(32)
            if EvidenceKey(scalar: scalar) != nil { return Array((Base64.text(scalar, alphabet: .url) + "\n").utf8) }
        }
        throw MMError(.unavailable, "A signing key can't be created.", hint: "OpenSSL 3 (libcrypto) is missing.")
    }

    /// Returns the signature of some bytes, as text.
    /// - Throws: `unavailable` where OpenSSL can't sign.
    package func signature(of bytes: [UInt8]) throws(MMError) -> String {
        var room = [UInt8](repeating: 0, count: 64)
        guard mm_credential_sign(raw, bytes, Int32(bytes.count), &room, 64) == 64 else {
            throw MMError(.unavailable, "OpenSSL could not sign.")
        }
        return Base64.text(room, alphabet: .url)
    }

    /// Returns whether a signature of some bytes was made with the private half of a key.
    /// - Parameter publicText: the public half.
    package static func verifies(_ signature: String, of bytes: [UInt8], by publicText: String) -> Bool {
        guard publicText.hasPrefix(prefix),
            let point = Base64.bytes(String(publicText.dropFirst(prefix.count)), alphabet: .url), point.count == 64,
            let signature = Base64.bytes(signature, alphabet: .url), signature.count == 64
        else { return false }
        // The prefix that announces a point on P-256 (RFC 5480).
        let der: [UInt8] =
            [
                0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86,
                0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
            ] + point
        guard let key = mm_public_key_read(der, Int32(der.count)) else { return false }
        defer { mm_public_key_free(key) }
        return mm_public_key_verify(
            key, Int32(MM_SIGNATURE_ES256), bytes, Int32(bytes.count), signature, Int32(signature.count)) == 1
    }
}
