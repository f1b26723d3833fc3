import MMCore

/// The secret that clients present, kept in a file that only its owner can read.
enum BearerSecret {
    private static let remedy = "Create one: (umask 077; head -c 32 /dev/urandom | base64 > FILE)"

    /// Reads a secret.
    /// - Throws: `notFound` without the file, `forbidden` if others may read it, `invalidInput` if its content can't be
    ///   a secret in a header (RFC 6750, section 2.1).
    static func read(_ path: String) throws(MMError) -> Secret {
        guard let secret = try SecretFile.read(path) else {
            throw MMError(.notFound, "The token file \(path) does not exist.", hint: remedy)
        }
        let text = secret.reveal().utf8
        guard text.count >= 16, text.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw MMError(
                .invalidInput, "The token file \(path) must contain one line of at least 16 characters without spaces.",
                hint: remedy)
        }
        return secret
    }
}
