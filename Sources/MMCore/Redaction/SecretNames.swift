/// Decides which names of fields, headers, parameters and query items denote secrets.
enum SecretNames {
    /// Parts that make a name secret, compared in lower case without `-`, `_` and spaces.
    private static let substrings = [
        "token", "secret", "password", "passwd", "passphrase", "assertion", "cookie", "authorization", "credential",
        "apikey", "privatekey", "accesskey", "signingkey", "sharedkey", "accountkey", "connectionstring", "devicecode",
        "authcode", "authorizationcode", "codeverifier", "saskey", "securestring",
    ].map { Array($0.utf8) }
    /// The parts by first byte, so that most letters of a name are ruled out at a glance.
    private static let partsByStart: [[[UInt8]]] = (UInt8.min...UInt8.max).map { start in
        substrings.filter { $0.first == start }
    }
    /// Names that are secret as a whole.
    private static let exactNames = ["pwd", "sas", "sig", "otp", "passcode", "bearer", "jwt"].map { Array($0.utf8) }
    /// Suffixes of names that contain a secret part but hold no secret: its kind, location or lifetime.
    private static let harmlessEnds = [
        "type", "types", "endpoint", "uri", "url", "expiry", "expires", "expiresin", "expireson", "expiration",
        "lifetime",
        "cache", "count", "counts", "limit", "file", "path", "directory", "dir", "variable", "name", "id", "ids",
        "policy",
        "policies", "enabled", "required", "length", "size", "version", "status", "issuer", "audience", "profile",
        // Paging markers are called tokens, but a caller needs them to continue.
        "skiptoken", "deltatoken", "nexttoken", "pagetoken", "continuationtoken",
    ].map { Array($0.utf8) }
    /// Headers that are secret up to the end of the line.
    private static let fullLineHeaders: Set<String> = ["authorization", "proxyauthorization", "cookie", "setcookie"]

    /// Returns a name in lower case without word separators.
    static func normalized(_ name: String) -> [UInt8] {
        var name = name
        return name.withUTF8 { normalized($0) }
    }

    /// Returns the same for a part of a text.
    static func normalized(_ name: ArraySlice<UInt8>) -> [UInt8] {
        name.withUnsafeBufferPointer { normalized($0) }
    }

    // Through a buffer, because iterating over a slice takes four times as long in code optimised for size.
    private static func normalized(_ name: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: name.count) { room, count in
            for byte in name where byte != UInt8(ascii: "-") && byte != UInt8(ascii: "_") && byte != 0x20 {
                room[count] = (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
                count += 1
            }
        }
    }

    /// Returns whether the value under this name, already in plain form, is secret.
    static func isSecret(plain name: [UInt8]) -> Bool {
        if exactNames.contains(name) { return true }
        guard holdsPart(name) else { return false }
        return !harmlessEnds.contains { name.suffix($0.count).elementsEqual($0) }
    }

    /// Returns whether a header of this plain name is secret up to the end of its line.
    static func isSecretLine(plain name: [UInt8]) -> Bool {
        fullLineHeaders.contains(String(decoding: name, as: UTF8.self))
    }

    /// Returns whether a name, already in plain form, is `code`, which denotes a secret in sign-ins and an error code
    /// elsewhere.
    static func isCode(plain name: [UInt8]) -> Bool { name == code }

    private static let code = Array("code".utf8)

    /// Returns whether the value of a `code` comes from a sign-in: it is neither words (`Request_ResourceNotFound`),
    /// nor a number, nor one of Entra's error codes.
    static func isSecretCode(_ value: some Collection<UInt8>) -> Bool {
        func digits(_ bytes: some Sequence<UInt8>) -> Bool { bytes.allSatisfy { (0x30...0x39).contains($0) } }
        if isErrorNumber(value) { return false }
        if value.count <= 18, value.starts(with: "0x".utf8) { return false }
        if value.count <= 10, digits(value.first == UInt8(ascii: "-") ? value.dropFirst() : value.dropFirst(0)) {
            return false
        }
        let words = value.allSatisfy { byte in
            switch byte {
            case 0x41...0x5A, 0x61...0x7A, 0x20, UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"): true
            default: false
            }
        }
        return value.count > 64 || !words
    }

    /// Returns whether a value starts with one of Entra's error numbers.
    static func isErrorNumber(_ value: some Collection<UInt8>) -> Bool {
        guard value.starts(with: "AADSTS".utf8) else { return false }
        let rest = value.dropFirst(6)
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        return (4...9).contains(digits.count)
            && rest.dropFirst(digits.count).allSatisfy { [0x2E, 0x2C, 0x3A, 0x3B, 0x29].contains($0) }
    }

    /// Returns whether a value is a plain word of a sentence: small letters, optionally with a capital at the start and
    /// punctuation at the end.
    static func isWord(_ value: some Collection<UInt8>) -> Bool {
        var rest = value.dropFirst(0)
        if let first = rest.first, (0x41...0x5A).contains(first) { rest = rest.dropFirst() }
        let letters = rest.prefix { (0x61...0x7A).contains($0) || $0 == UInt8(ascii: "'") }
        return (1...18).contains(letters.count)
            && rest.dropFirst(letters.count).allSatisfy { [0x2E, 0x2C, 0x3A, 0x3B, 0x21, 0x3F].contains($0) }
    }

    private static func holdsPart(_ name: [UInt8]) -> Bool {
        for start in 0..<name.count {
            for part in partsByStart[Int(name[start])] where stands(part, in: name, at: start) { return true }
        }
        return false
    }

    private static func stands(_ part: [UInt8], in name: [UInt8], at start: Int) -> Bool {
        guard name.count - start >= part.count else { return false }
        for index in 0..<part.count where name[start + index] != part[index] { return false }
        return true
    }
}
