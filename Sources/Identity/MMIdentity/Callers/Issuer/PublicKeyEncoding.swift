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
