internal import MMCore

/// The parts of an absolute URL that decide where a credential goes (RFC 3986, section 3).
///
/// Deliberately strict: a URL that can't be parsed unambiguously is refused.
package struct WebAddress: Sendable, Hashable {
    /// `https` or `http`, in lower case.
    package let scheme: String
    /// The host in lower case, without a trailing dot; an IPv6 address keeps its brackets.
    package let host: String
    /// The port; the scheme's default if none is written.
    package let port: UInt16
    /// Whether the authority contains user information.
    package let hasUserInfo: Bool
    /// The rest after the authority as written, starting with `/` or `?`; empty for a bare origin.
    package let pathAndQuery: String

    /// Parses a URL.
    /// - Returns: `nil` for another scheme, a missing or unusual host, a bad port, a backslash, a space or a control
    ///   character.
    package init?(_ text: String) {
        guard !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "\\") }),
            let colon = text.utf8.firstIndex(of: UInt8(ascii: ":"))
        else { return nil }
        let scheme = text[..<colon].lowercased()
        let rest = text[colon...].dropFirst()
        guard scheme == "https" || scheme == "http", rest.hasPrefix("//") else { return nil }
        let afterSlashes = rest.dropFirst(2)
        let end = afterSlashes.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? afterSlashes.endIndex
        var authority = afterSlashes[..<end]
        var hasUserInfo = false
        if let at = authority.lastIndex(of: "@") {
            hasUserInfo = true
            authority = authority[authority.index(after: at)...]
        }
        guard let (host, port) = Self.split(authority, defaultPort: scheme == "https" ? 443 : 80) else { return nil }
        self.scheme = scheme
        self.host = host
        self.port = port
        self.hasUserInfo = hasUserInfo
        let tail = afterSlashes[end...]
        self.pathAndQuery = String(tail.prefix { $0 != "#" })
    }

    /// Whether the port is the scheme's default.
    package var hasDefaultPort: Bool { port == (scheme == "https" ? 443 : 80) }

    /// `https://host`, or `https://host:port` if the port isn't the scheme's default.
    package var origin: String { "\(scheme)://\(host)\(hasDefaultPort ? "" : ":\(port)")" }

    /// Whether the host can only be this machine: `localhost`, `127.0.0.0/8` or `[::1]`, written plainly.
    package var isLoopback: Bool {
        if host == "localhost" || host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { UInt8($0) != nil && ($0 == "0" || !$0.hasPrefix("0")) }
    }

    private static func split(_ authority: Substring, defaultPort: UInt16) -> (String, UInt16)? {
        var host = authority
        var port = defaultPort
        let nameEnd = authority.lastIndex(of: "]").map { authority.index(after: $0) } ?? authority.startIndex
        if let colon = authority[nameEnd...].lastIndex(of: ":") {
            host = authority[..<colon]
            let digits = authority[authority.index(after: colon)...]
            guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }), let number = UInt16(digits),
                number > 0
            else { return nil }
            port = number
        }
        if host.hasSuffix(".") { host = host.dropLast() }
        let allowed: (UInt8) -> Bool = { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        if host.hasPrefix("[") {
            let inner = host.dropFirst().dropLast()
            guard host.hasSuffix("]"), !inner.isEmpty,
                inner.utf8.allSatisfy({ allowed($0) || $0 == UInt8(ascii: ":") })
            else { return nil }
        } else {
            guard !host.isEmpty, !host.hasPrefix("."), !host.contains(".."), host.utf8.allSatisfy(allowed) else {
                return nil
            }
        }
        return (host.lowercased(), port)
    }
}
