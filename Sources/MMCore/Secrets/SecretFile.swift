/// The way in which the program reads a file that holds a secret: no other user may read it, and from then on the
/// secret is redacted from all output.
package enum SecretFile {
    /// Reads a secret, without what editors add to it.
    /// - Returns: `nil` when there is no such file.
    /// - Throws: as `ProtectedFile.read`, and `forbidden` when other users can read the file.
    package static func read(_ path: String, limit: Int = 4096) throws(MMError) -> Secret? {
        guard let bytes = try key(path, limit: limit) else { return nil }
        return Secret(String(decoding: bytes, as: UTF8.self))
    }

    /// Reads a key, which needn't be text, as `read` does.
    package static func key(_ path: String, limit: Int = 4096) throws(MMError) -> [UInt8]? {
        guard var bytes = try ProtectedFile.read(path, limit: limit, isAdmitted: ProtectedFile.isPrivate) else {
            return nil
        }
        while let last = bytes.last, last == 0x0A || last == 0x0D { bytes.removeLast() }
        // Other bytes than those of a text never turn up in one.
        guard let text = String(validating: bytes, as: UTF8.self).map(plain) else { return bytes }
        HeldSecrets.shared.hold(Secret(text))
        return Array(text.utf8)
    }

    /// Returns a secret's text without what editors add: a byte order mark and the line ends after it. Spaces may
    /// belong to a password.
    package static func plain(_ text: String) -> String {
        var scalars = text.unicodeScalars[...]
        if scalars.first == "\u{FEFF}" { scalars.removeFirst() }
        while let last = scalars.last, last == "\n" || last == "\r" { scalars.removeLast() }
        return String(scalars)
    }
}
