internal import MMCore
internal import MMSystem

/// The files of a certificate that an app signs in with: PEM, with key and certificate in one file or two, or PKCS #12.
/// The key may also stay in a PKCS #11 token.
public struct CertificateFiles: Sendable, Hashable {
    /// The path of the certificate; without `privateKeyPath` the file also contains the private key.
    package var certificatePath: String
    /// The path of the private key, if it is in another file, or the PKCS #11 URI of a key in a token.
    package var privateKeyPath: String?
    /// The path of the password for the key or the PKCS #12 store, or of the token's PIN.
    package var passwordFile: String?
    /// The environment variable with the password, if it isn't in a file. A token's PIN is only ever read from a file.
    package var passwordVariable: String?

    /// Creates a description of a certificate's files.
    /// - Parameters:
    ///   - certificatePath: the path of the certificate, in PEM or PKCS #12.
    ///   - privateKeyPath: the path of the private key, if it is in another file, or the PKCS #11 URI of a key in a
    ///     token.
    ///   - passwordFile: the path of a file with the password of the key or of the PKCS #12 store, or with the token's
    ///     PIN; only its owner may read it.
    public init(certificatePath: String, privateKeyPath: String? = nil, passwordFile: String? = nil) {
        self.certificatePath = certificatePath
        self.privateKeyPath = privateKeyPath
        self.passwordFile = passwordFile
    }

    /// Reads the certificate each time, so that a renewed one takes effect at once.
    /// - Parameters:
    ///   - connection: the connection that it belongs to.
    ///   - paths: where refused PINs are remembered.
    ///   - environment: the environment variables.
    /// - Throws: `.invalidInput`, naming the file and what to do.
    func read(
        for connection: String, in paths: StatePaths, environment: [String: String] = [:]
    ) async throws(MMError) -> SigningCertificate {
        let files = self
        // A store may require its password to be hashed a million times, which must not block the cooperative pool.
        return try await BlockingWork.run { () throws(MMError) in
            try files.readNow(for: connection, in: paths, environment)
        }
    }

    private func readNow(
        for connection: String, in paths: StatePaths, _ environment: [String: String]
    ) throws(MMError) -> SigningCertificate {
        // Without a separate key file, the key is in the certificate's file.
        let certificate = try Self.bytes(
            certificatePath, "certificate", connection, isSecret: privateKeyPath == nil)
        let token = try privateKeyPath.flatMap { path throws(MMError) in
            TokenKey.isURI(path) ? try TokenKey(path, of: connection) : nil
        }
        let key =
            token == nil
            ? try privateKeyPath.map { path throws(MMError) in
                try Self.bytes(path, "private key", connection, isSecret: true)
            }
            : nil
        let variable = token == nil ? passwordVariable : nil
        let source = passwordFile.map { SecretSource.file($0) } ?? variable.map { .variable($0) }
        let password = try source.map { source throws(MMError) in
            try source.readNow(
                "the certificate's password", of: connection, environment: environment, isPassword: true)
        }
        let refusal = token.flatMap { token in passwordFile.map { RefusedPIN($0, for: token, in: paths) } }
        if refusal?.isRemembered == true {
            throw wrongPIN(connection, "was refused by the token and is not tried again")
        }
        do {
            if let token { return try SigningCertificate(certificate: certificate, key: token, pin: password) }
            return try SigningCertificate(certificate: certificate, key: key ?? certificate, password: password)
        } catch {
            switch error {
            case .unavailable(let error): throw error
            case .wrongPIN:
                refusal?.remember()
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
                "Put the right PIN into that file. Tokens lock after a few wrong PINs, so mm tries each file only once until it changes.",
            details: ["connection": .string(connection), "field": "auth.certificatePasswordFile"])
    }

    private static func bytes(
        _ path: String, _ what: String, _ connection: String, isSecret: Bool
    ) throws(MMError) -> [UInt8] {
        let isAdmitted = { isSecret ? ProtectedFile.isPrivate($0) : true }
        var found = try HandedDescriptor.bytes(path, limit: 1 << 20)
        if found == nil { found = try ProtectedFile.read(path, limit: 1 << 20, isAdmitted: isAdmitted) }
        guard let bytes = found else {
            throw MMError(
                .invalidInput, "The \(what) of \(connection) is missing: the file \(path) does not exist.",
                hint: "Correct auth of the connection: mm connections show \(ShellWord.quoted(connection)).")
        }
        return bytes
    }
}

/// A file whose PIN a token may have refused. A token locks after a few wrong PINs, so each is tried only once until
/// its file changes, by whichever process.
struct RefusedPIN: Sendable {
    private let file: String
    /// Holds the stamp of the file whose PIN was refused.
    private let note: String

    /// Creates the memory of a file's PIN for a key.
    init(_ file: String, for key: TokenKey, in paths: StatePaths) {
        self.file = file
        let place = "\(file)\n\(key.uri)\n\(key.module ?? "")"
        note = "\(paths.stateDirectory)/refused-pin-\(Hex.text(SHA256.digest(place.utf8).prefix(8)))"
    }

    /// Whether the PIN that the file still holds was refused.
    var isRemembered: Bool {
        guard let stamp, let noted = try? ProtectedFile.read(note, limit: 256) else { return false }
        if noted.elementsEqual(stamp.utf8) { return true }
        try? ProtectedFile.remove(note)
        return false
    }

    /// Remembers that the file's PIN was refused.
    func remember() {
        guard let stamp else { return }
        try? ProtectedFile.replace(note, with: Array(stamp.utf8))
    }

    private var stamp: String? {
        guard case .file(let stamp) = FileStamp.lookUp(file) else { return nil }
        return "\(stamp.size) \(stamp.modified.seconds) \(stamp.modified.nanoseconds)"
    }
}

/// A private key that stays in a token, as a PKCS #11 URI names it (RFC 7512): `pkcs11:token=mm;object=contoso`.
struct TokenKey: Sendable, Hashable {
    /// The URI without its query, which names the module and the PIN.
    let uri: String
    /// The PKCS #11 module for the token, if the URI names one (`module-path`).
    let module: String?

    /// Returns whether a text given as a key's path is such a URI.
    static func isURI(_ text: String) -> Bool { text.lowercased().hasPrefix("pkcs11:") }

    /// Reads a URI.
    /// - Throws: `.invalidInput` for one that holds or names a PIN.
    init(_ text: String, of connection: String) throws(MMError) {
        let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var module: String?
        var rest: [Substring] = []
        let query = parts.count > 1 ? parts[1].split(separator: "&") : []
        for part in query {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = pair.count > 1 ? pair[1] : ""
            switch pair.first?.lowercased() {
            case "module-path": module = PercentCoding.decode(value.utf8)
            case "pin-value", "pin-source":
                throw MMError(
                    .invalidInput, "The key URI of \(connection) contains a PIN (\(pair[0])).",
                    hint: "Put the PIN into a file with mode 0600 and set auth.certificatePasswordFile to it.",
                    details: ["connection": .string(connection), "field": "auth.privateKeyPath"])
            default: rest.append(part)
            }
        }
        uri = String(parts[0]) + (rest.isEmpty ? "" : "?" + rest.joined(separator: "&"))
        self.module = module
    }
}
