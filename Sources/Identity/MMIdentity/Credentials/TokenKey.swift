internal import MMCore

/// A private key that stays in a token, as a PKCS #11 URI names it (RFC 7512): `pkcs11:token=mm;object=contoso`.
struct TokenKey: Sendable, Hashable {
    /// The URI without what is said about the module and the PIN.
    let uri: String
    /// The module that reaches the token, where the URI names one (`module-path`).
    let module: String?

    /// Returns whether a text in the place of a key's path is such a URI.
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
                    .invalidInput, "The key of \(connection) is named by a URI with a PIN (\(pair[0])).",
                    hint: "Put the PIN into a file of mode 0600 and name it in auth.certificatePasswordFile.",
                    details: ["connection": .string(connection), "field": "auth.privateKeyPath"])
            default: rest.append(part)
            }
        }
        uri = String(parts[0]) + (rest.isEmpty ? "" : "?" + rest.joined(separator: "&"))
        self.module = module
    }
}
