internal import COpenSSL
internal import MMCore

/// A certificate with its private key, which signs client assertions.
final class SigningCertificate: @unchecked Sendable {
    // `@unchecked Sendable`: OpenSSL's object is set once and then only read; each signature has its own context, and
    // OpenSSL counts the references to the key atomically.
    private let raw: UnsafeMutableRawPointer

    /// The reason why a certificate can't be used.
    enum Fault: Error {
        /// OpenSSL can't be loaded.
        case unavailable(MMError)
        /// The files are unusable: the reason, as the end of "FILE …", and what to do.
        case unusable(Reason, remedy: String)
        /// The token refused the PIN.
        case wrongPIN
    }

    /// The problem with a certificate's files.
    struct Reason: Sendable {
        let text: String
        /// Whether the reason concerns the key's file.
        var isOfTheKey = false
    }

    /// The algorithm of its signatures, as JSON Web Signature names it.
    let algorithm: String
    /// The SHA-256 digest of the certificate.
    let digest: [UInt8]
    /// When the certificate expires, in seconds since 1970.
    let endsAt: Int64

    /// Creates a certificate from PEM and a key that stays in a token.
    convenience init(certificate: [UInt8], key: TokenKey, pin: Secret?) throws(Fault) {
        try Self.load()
        var fault: Int32 = 0
        let raw = mm_credential_open(
            certificate, Int32(certificate.count), key.uri, key.module, pin?.reveal(), &fault)
        guard let raw else { throw Self.fault(fault, hasPIN: pin != nil) }
        try self.init(raw)
    }

    /// Reads a certificate from the bytes of its files: PEM, or PKCS #12 with both in it.
    convenience init(certificate: [UInt8], key: [UInt8], password: Secret?) throws(Fault) {
        try Self.load()
        var fault: Int32 = 0
        guard
            let raw = mm_credential_read(
                certificate, Int32(certificate.count), key, Int32(key.count), password?.reveal(), &fault)
        else { throw Self.fault(fault) }
        try self.init(raw)
    }

    /// Takes ownership of the object that OpenSSL has read.
    private init(_ raw: UnsafeMutableRawPointer) throws(Fault) {
        self.raw = raw
        algorithm =
            switch Int(mm_credential_kind(raw)) {
            case MM_CREDENTIAL_RSA: "PS256"
            case MM_CREDENTIAL_P256: "ES256"
            case MM_CREDENTIAL_P384: "ES384"
            case MM_CREDENTIAL_P521: "ES512"
            default: ""
            }
        var room = [UInt8](repeating: 0, count: 64 << 10)
        let count = mm_credential_certificate(raw, &room, Int32(room.count))
        digest = SHA256.digest(room.prefix(Int(max(count, 0))))
        endsAt = mm_credential_end(raw)
        guard !algorithm.isEmpty, count > 0 else {
            throw .unusable(
                Reason(text: "contains a key of a type that no sign-in service accepts"),
                remedy: "Use RSA of at least 2048 bits, or an elliptic key of P-256, P-384 or P-521.")
        }
    }

    deinit { mm_credential_free(raw) }

    private static func load() throws(Fault) {
        guard let reason = mm_openssl_load() else { return }
        throw .unavailable(
            MMError(
                .unavailable, "OpenSSL can't be opened: \(String(cString: reason)).", hint: "apt-get install libssl3"))
    }

    /// Returns the signature of a text.
    func signature(of text: String) throws(MMError) -> [UInt8] {
        let bytes = Array(text.utf8)
        var room = [UInt8](repeating: 0, count: 2 << 10)
        let count = mm_credential_sign(raw, bytes, Int32(bytes.count), &room, Int32(room.count))
        guard count > 0 else { throw MMError(.internalError, "OpenSSL could not sign with the app's certificate.") }
        return Array(room.prefix(Int(count)))
    }

    private static func fault(_ number: Int32, hasPIN: Bool = true) -> Fault {
        switch Int(number) {
        case MM_CREDENTIAL_NO_KEY:
            .unusable(
                Reason(text: "contains no private key", isOfTheKey: true),
                remedy: "Append the key in PEM to the certificate's file, or name its file in privateKeyPath.")
        case MM_CREDENTIAL_NO_CERTIFICATE:
            .unusable(
                Reason(text: "contains no certificate"),
                remedy: "Put the certificate that was uploaded to the app there, in PEM or PKCS #12.")
        case MM_CREDENTIAL_OTHER_KEY:
            .unusable(
                Reason(text: "belongs to another private key than the one given"),
                remedy: "Use the private key of the certificate.")
        case MM_CREDENTIAL_NEEDS_PASSWORD:
            .unusable(
                Reason(text: "is protected by a password", isOfTheKey: true),
                remedy:
                    "Put the password into a file with mode 0600 and set certificatePasswordFile, or into a variable and set "
                    + "certificatePasswordVariable.")
        case MM_CREDENTIAL_WRONG_PASSWORD:
            .unusable(
                Reason(text: "has another password than the given one", isOfTheKey: true),
                remedy: "Correct the password in certificatePasswordFile or certificatePasswordVariable.")
        case MM_CREDENTIAL_OLD_CIPHER:
            .unusable(
                Reason(
                    text: "uses an encryption that OpenSSL 3 no longer supports by default, or is damaged",
                    isOfTheKey: true),
                remedy: "Convert it: openssl pkcs12 -legacy -in OLD -nodes -out both.pem (mode 0600), or a key in PEM: "
                    + "openssl pkcs8 -provider legacy -provider default -topk8 -in OLD -out NEW.")
        case MM_CREDENTIAL_NO_MODULE:
            .unusable(
                Reason(text: "is in a token that OpenSSL can't access", isOfTheKey: true),
                remedy:
                    "Install libengine-pkcs11-openssl or pkcs11-provider, and if the token's library is not found, "
                    + "add it to privateKeyPath: ?module-path=/usr/lib/…/opensc-pkcs11.so")
        case MM_CREDENTIAL_NO_LIBRARY:
            .unusable(
                Reason(text: "has a module-path that can't be opened", isOfTheKey: true),
                remedy: "Correct it, or install the token's library.")
        case MM_CREDENTIAL_OTHER_MODULE:
            .unusable(
                Reason(text: "has another module-path than the first key of this process", isOfTheKey: true),
                remedy: "Use one module for all tokens (p11-kit-proxy.so supports all), or restart: mm pool restart.")
        case MM_CREDENTIAL_NO_TOKEN_KEY:
            .unusable(
                Reason(
                    text: "is not a key that a token here offers with\(hasPIN ? " this" : "out a") PIN",
                    isOfTheKey: true),
                remedy:
                    "List keys with p11tool --list-all or pkcs11-tool --list-objects, and put the PIN into the file in "
                    + "certificatePasswordFile (mode 0600). Tokens lock after a few wrong PINs.")
        case MM_CREDENTIAL_WRONG_PIN: .wrongPIN
        default:
            .unusable(
                Reason(text: "is neither PEM nor PKCS #12"),
                remedy: "Use one of these formats, with the private key.")
        }
    }
}
