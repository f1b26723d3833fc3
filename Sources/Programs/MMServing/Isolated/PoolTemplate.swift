import MMCore
import MMPool

/// The addresses of pools on other machines: a URL with `{connection}` in the place of the connection's name.
struct PoolTemplate: Sendable {
    /// The placeholder for the connection.
    static let placeholder = "{connection}"

    private let parts: (before: String, after: String)
    private let bearer: Secret?
    private let trustsNetwork: Bool

    /// The maximum length of a DNS label (RFC 1035, section 2.3.4).
    private static let longestLabel = 63

    /// Creates a template.
    /// - Parameters:
    ///   - text: the template as on the command line.
    ///   - bearer: the secret that the pools require.
    ///   - trustsNetwork: whether `http://` may leave this machine.
    /// - Throws: `invalidInput` that shows a valid template.
    init(_ text: String, bearer: Secret?, trustsNetwork: Bool) throws(MMError) {
        let hint = "Use a URL with the connection in its host: https://{connection}.mm-pools.NAMESPACE.svc:5200."
        let wrong = MMError(.invalidInput, "--pools can't be `\(text.prefix(100))`.", hint: hint)
        guard let found = text.firstRange(of: Self.placeholder), let scheme = text.firstRange(of: "://") else {
            throw wrong
        }
        parts = (String(text[..<found.lowerBound]), String(text[found.upperBound...]))
        let host = text[scheme.upperBound...].prefix { $0 != "/" }
        guard found.lowerBound < host.endIndex, !parts.after.contains(Self.placeholder) else { throw wrong }
        self.bearer = bearer
        self.trustsNetwork = trustsNetwork
        // Errors in the rest of the template are reported now, before the first call.
        _ = try address("a")
    }

    /// Returns the DNS label for a connection: small letters, digits and hyphens; anything else becomes one hyphen.
    /// - Returns: `nil` if nothing is left of the name, or too much.
    static func label(_ connection: String) -> String? {
        var label = ""
        for byte in connection.lowercased().utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                label.unicodeScalars.append(Unicode.Scalar(byte))
            default: if !label.isEmpty, label.last != "-" { label.append("-") }
            }
        }
        if label.last == "-" { label.removeLast() }
        return label.isEmpty || label.utf8.count > longestLabel ? nil : label
    }

    /// Returns the address of a connection's pool.
    /// - Parameters:
    ///   - connection: the connection.
    ///   - names: all names of the registry.
    /// - Throws: `invalidInput` if the name makes no label, or the same label as another name.
    func address(_ connection: String, among names: [String] = []) throws(MMError) -> PoolAddress {
        guard let label = Self.label(connection) else {
            throw MMError(
                .invalidInput, "The name of the connection `\(connection.prefix(100))` can't be used as a host name.",
                hint: "Rename it. Use at most \(Self.longestLabel) letters from a to z, digits and hyphens.")
        }
        if let other = names.first(where: { $0 != connection && Self.label($0) == label }) {
            throw MMError(
                .invalidInput,
                "The pools of `\(connection.prefix(100))` and `\(other.prefix(100))` would have the same host name, \(label).",
                hint: "Rename one of the two connections.")
        }
        return try PoolAddress(url: parts.before + label + parts.after, bearer: bearer, trustsNetwork: trustsNetwork)
    }
}
