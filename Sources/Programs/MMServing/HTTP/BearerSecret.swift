import Glibc
import MMCore

/// The secret that clients present, kept in a file that only its owner can read.
enum BearerSecret {
    private static let remedy = "Create one: (umask 077; head -c 32 /dev/urandom | base64 > FILE)"

    /// Reads a secret.
    /// - Throws: `notFound` without the file, `forbidden` if others may read it, `invalidInput` if its content can't be
    ///   a secret in a header (RFC 6750, section 2.1).
    static func read(_ path: String) throws(MMError) -> Secret {
        guard let bytes = try ProtectedFile.read(path, limit: 4096) else {
            throw MMError(.notFound, "The token file \(path) does not exist.", hint: remedy)
        }
        var status = stat()
        guard lstat(path, &status) == 0, ProtectedFile.isPrivate(status) else {
            throw MMError(.forbidden, "Other users can read the token file \(path).", hint: "chmod 600 \(path)")
        }
        var text = bytes[...]
        while let last = text.last, last == 0x0A || last == 0x0D || last == 0x20 { text.removeLast() }
        guard text.count >= 16, text.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw MMError(
                .invalidInput, "The token file \(path) must contain one line of at least 16 characters without spaces.",
                hint: remedy)
        }
        return Secret(String(decoding: text, as: UTF8.self))
    }
}
