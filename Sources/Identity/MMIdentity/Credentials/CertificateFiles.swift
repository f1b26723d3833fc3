internal import MMCore
internal import MMSystem

/// The files of a certificate that an app signs in with: PEM, with key and certificate in one file or two, or PKCS #12. The key
/// may also stay in a token.
public struct CertificateFiles: Sendable, Hashable {
    /// The path of the certificate; without `privateKeyPath` the file also contains the private key.
    public var certificatePath: String
    /// The path of the private key, if it is in another file, or the PKCS #11 URI of a key in a token.
    public var privateKeyPath: String?
    /// The path of the password for the key or the PKCS #12 store, or of the token's PIN.
    public var passwordFile: String?

    /// Creates a description of a certificate's files.
    public init(certificatePath: String, privateKeyPath: String? = nil, passwordFile: String? = nil) {
        self.certificatePath = certificatePath
        self.privateKeyPath = privateKeyPath
        self.passwordFile = passwordFile
    }

    /// Reads the certificate each time, so that a renewed one takes effect at once.
    /// - Throws: `.invalidInput`, naming the file and what to do.
    func read(for connection: String) async throws(MMError) -> SigningCertificate {
        let files = self
        // A store may require its password to be hashed a million times, which must not block the cooperative pool.
        return try await BlockingWork.run { () throws(MMError) in try files.readNow(for: connection) }
    }

    private func readNow(for connection: String) throws(MMError) -> SigningCertificate {
        let certificate = try Self.bytes(certificatePath, "certificate", connection)
        let token = try privateKeyPath.flatMap { path throws(MMError) in
            TokenKey.isURI(path) ? try TokenKey(path, of: connection) : nil
        }
        let key =
            token == nil
            ? try privateKeyPath.map { path throws(MMError) in try Self.bytes(path, "private key", connection) } : nil
        let password = try passwordFile.map { path throws(MMError) in
            try SecretSource.file(path).read("the certificate's password", of: connection, environment: [:])
        }
        if let token, let passwordFile, RefusedPINs.shared.contains(passwordFile, for: token) {
            throw wrongPIN(connection, "was refused by the token and isn't tried again")
        }
        do {
            if let token { return try SigningCertificate(certificate: certificate, key: token, pin: password) }
            return try SigningCertificate(certificate: certificate, key: key ?? certificate, password: password)
        } catch {
            switch error {
            case .unavailable(let error): throw error
            case .wrongPIN:
                if let token, let passwordFile { RefusedPINs.shared.add(passwordFile, for: token) }
                throw wrongPIN(connection, "is refused by the token")
            case .unusable(let reason, let remedy):
                let file = reason.isOfTheKey ? privateKeyPath ?? certificatePath : certificatePath
                throw MMError(
                    .invalidInput, "The certificate of \(connection) can't be used: \(file) \(reason.text).",
                    hint: remedy, details: ["connection": .string(connection), "path": .string(file)])
            }
        }
    }

    private func wrongPIN(_ connection: String, _ what: String) -> MMError {
        MMError(
            .invalidInput, "The PIN of \(connection) in \(passwordFile ?? "no file") \(what).",
            hint:
                "Write the right PIN into that file: tokens lock after a few wrong ones, so the same file is asked once.",
            details: ["connection": .string(connection), "field": "auth.certificatePasswordFile"])
    }

    private static func bytes(_ path: String, _ what: String, _ connection: String) throws(MMError) -> [UInt8] {
        guard let bytes = try ProtectedFile.read(path, limit: 1 << 20) else {
            throw MMError(
                .invalidInput, "The \(what) of \(connection) is missing: there is no file \(path).",
                hint: "Correct auth of the connection: mm connections show \(ShellWord.quoted(connection)).")
        }
        return bytes
    }
}
