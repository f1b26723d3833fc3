import MMCore
import TestSupport
import Testing

@Suite("Digests and encodings", .timeLimit(.minutes(5)))
struct DigestTests {
    // FIPS 180-4 examples and the NIST test vectors for SHA-256.
    @Test(
        "SHA-256 agrees with the published values",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            (
                String(repeating: "a", count: 1_000_000),
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
            ),
        ])
    func sha256(text: String, digest: String) {
        #expect(Hex.text(SHA256.digest(text.utf8)) == digest)
    }

    @Test("a hexadecimal digit has its value in either case, and no other byte has one")
    func hexadecimal() {
        for byte in UInt8.min...UInt8.max {
            let digit = byte < 0x80 ? UInt8(String(UnicodeScalar(byte)), radix: 16) : nil
            #expect(Hex.value(of: byte) == digit, "\(byte)")
        }
    }

    @Test("SHA-256 doesn't depend on how the bytes are divided")
    func pieces() {
        var generator = SeededRandom(seed: 5)
        for length in [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000] {
            let bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
            var digest = SHA256()
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...min(70, rest.count), using: &generator)
                digest.update(rest.prefix(count))
                rest = rest.dropFirst(count)
            }
            #expect(digest.finish() == SHA256.digest(bytes))
        }
    }

    @Test("SHA-256 gives the same with and without the processor's instructions", arguments: 0..<300)
    func instructions(length: Int) {
        var generator = SeededRandom(seed: UInt64(length))
        let bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        var plain = SHA256(isPlain: true)
        plain.update(bytes)
        #expect(plain.finish() == SHA256.digest(bytes))
    }

    @Test("random names have the requested length and never repeat")
    func names() {
        let uuids = (0..<2000).map { _ in RandomBytes.uuid() }
        #expect(Set(uuids).count == uuids.count)
        #expect(uuids.allSatisfy { $0.utf8.count == 36 && Array($0.utf8)[14] == UInt8(ascii: "4") })
        for length in [1, 9, 100, 1023, 1024, 1025, 5000] {
            #expect(Base64.bytes(RandomBytes.name(bytes: length), alphabet: .url)?.count == length)
        }
    }

    // RFC 4231, cases 1, 2, 3, 6.
    @Test(
        "HMAC agrees with the published values",
        arguments: [
            (
                [UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                [UInt8](repeating: 0xAA, count: 20), [UInt8](repeating: 0xDD, count: 50),
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
            ),
            (
                [UInt8](repeating: 0xAA, count: 131),
                Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
        ])
    func hmac(key: [UInt8], message: [UInt8], code: String) {
        #expect(Hex.text(HMAC.sha256(message, key: key)) == code)
    }

    // RFC 2202, section 3, cases 1, 2, 3, 6; the key of the last one is hashed, and takes more than one block.
    @Test(
        "HMAC over SHA-1 agrees with the published values",
        arguments: [
            ([UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8), "b617318655057264e28bc0b6fb378c8ef146be00"),
            (
                Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
                "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
            ),
            (
                [UInt8](repeating: 0xAA, count: 20), [UInt8](repeating: 0xDD, count: 50),
                "125d7342b9ac11cd91a39af48aa17b4f63f175d3"
            ),
            (
                [UInt8](repeating: 0xAA, count: 80),
                Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
                "aa4ae5e15272d00e95705637ce8a3b55ed402112"
            ),
        ])
    func hmacOverSHA1(key: [UInt8], message: [UInt8], code: String) {
        #expect(Hex.text(HMAC.sha1(message, key: key)) == code)
    }

    // RFC 4648, section 10.
    @Test(
        "base64 agrees with the published values",
        arguments: [
            ("", "", ""), ("f", "Zg==", "Zg"), ("fo", "Zm8=", "Zm8"), ("foo", "Zm9v", "Zm9v"),
            ("foob", "Zm9vYg==", "Zm9vYg"), ("fooba", "Zm9vYmE=", "Zm9vYmE"), ("foobar", "Zm9vYmFy", "Zm9vYmFy"),
            ("\u{FB}\u{FF}\u{BF}", "w7vDv8K/", "w7vDv8K_"),
        ])
    func base64(text: String, standard: String, url: String) {
        let bytes = Array(text.utf8)
        #expect(Base64.text(bytes) == standard)
        #expect(Base64.text(bytes, alphabet: .url) == url)
        #expect(Base64.bytes(standard) == bytes)
        #expect(Base64.bytes(url, alphabet: .url) == bytes)
        #expect(Base64.bytes(url.replacing("_", with: "/")) == bytes)
    }

    @Test(
        "invalid base64 is refused",
        arguments: ["Z", "Zg=", "Z===", "Zm9v=", "Zm 9v", "Zm9v\n", "Zh==", "Zm-_", "====", "=", "Zm9=Zm9v"])
    func noBase64(text: String) {
        #expect(Base64.bytes(text) == nil)
    }

    @Test("random bytes survive every encoding")
    func roundTrips() {
        var generator = SeededRandom(seed: 9)
        for length in 0..<200 {
            let bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
            #expect(Base64.bytes(Base64.text(bytes)) == bytes)
            #expect(Base64.bytes(Base64.text(bytes, alphabet: .url), alphabet: .url) == bytes)
            #expect(Base64.text(bytes.lazy.map(\.self)) == Base64.text(bytes[...]))
        }
    }

    @Test("random values have the requested form and never repeat")
    func random() {
        let ids = Set((0..<1000).map { _ in RandomBytes.uuid() })
        #expect(ids.count == 1000)
        #expect(ids.allSatisfy { GUID.isValid($0) })
        for id in ids.prefix(50) {
            let marks = Array(id)
            #expect(marks[14] == "4" && "89ab".contains(marks[19]))
        }
        #expect(RandomBytes.text(bytes: 18).utf8.count == 24)
        #expect(Set((0..<1000).map { _ in RandomBytes.text(bytes: 8) }).count == 1000)
    }

    @Test("printing never shows a secret, but it can be read explicitly")
    func secret() {
        let secret = Secret("hunter2-hunter2")
        var dumped = ""
        dump(["key": secret], to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), dumped, "\([secret])", "\(Optional(secret) as Any)"] {
            #expect(!text.contains("hunter2"))
        }
        #expect(secret.reveal() == "hunter2-hunter2")
        #expect(secret == Secret("hunter2-hunter2") && secret != Secret("hunter2-hunter3") && secret != Secret("h"))
        #expect(Secret("").isEmpty)
    }
}
