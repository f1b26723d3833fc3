internal import MMCore

/// A request's URL, parsed and checked before anything is sent.
///
/// Deliberately stricter than curl: anything that curl would decode or rewrite (escaped hosts, numbers as addresses,
/// user information) could name a host other than the one that was checked.
struct HTTPAddress: Sendable {
    /// Whether the scheme is `https`.
    let isSecure: Bool
    /// The host as written, without brackets.
    let host: String
    /// The port; the scheme's default if none is written.
    let port: UInt16
    /// The host and port as written, for messages.
    let origin: String
    /// The URL without its query, for messages.
    let display: String

    /// Whether the host is this machine, regardless of name servers: curl resolves `localhost` to 127.0.0.1 and ::1
    /// itself.
    var isLoopback: Bool {
        if HTTPHeaders.sameName(host, "localhost") || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { part in
                UInt8(part).map { String($0) == part } ?? false
            }
    }

    /// Parses a URL.
    /// - Throws: `.invalidRequest`, naming what is wrong with it.
    init(_ url: String) throws(HTTPError) {
        let bytes = Array(url.utf8)
        guard bytes.count <= 32 << 10 else {
            throw HTTPError(.invalidRequest, "The URL is longer than 32 KiB.")
        }
        guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }) else {
            throw HTTPError(
                .invalidRequest,
                "The URL “\(Self.withoutQuery(url))” contains a space, a backslash, a control "
                    + "or a non-ASCII character.",
                hint: "Percent-encode it.")
        }
        let rest: ArraySlice<UInt8>
        if Self.hasPrefix(bytes, "https://") {
            isSecure = true
            rest = bytes[8...]
        } else if Self.hasPrefix(bytes, "http://") {
            isSecure = false
            rest = bytes[7...]
        } else {
            throw HTTPError(
                .invalidRequest, "The URL “\(Self.withoutQuery(url))” does not start with https://.",
                hint: "Use an absolute https URL.")
        }
        let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }
        let authority = rest[..<(end ?? rest.endIndex)]
        guard !bytes.contains(UInt8(ascii: "#")) else {
            throw HTTPError(
                .invalidRequest, "The URL “\(Self.withoutQuery(url))” has a fragment (#), which is never sent.")
        }
        display = Self.withoutQuery(url)
        guard let (host, port) = Self.place(of: authority) else {
            throw HTTPError(
                .invalidRequest, "The URL “\(display)” has no plain host and port.",
                hint: "Use https://host/path, without user name, escapes or spaces.")
        }
        self.host = host
        self.port = port ?? (isSecure ? 443 : 80)
        origin = String(decoding: authority, as: UTF8.self)
    }

    /// Returns a URL without its query, fragment and user information, which may hold secrets.
    static func withoutQuery(_ url: String) -> String {
        var text = url.prefix { $0 != "?" && $0 != "#" }
        if let scheme = text.firstRange(of: "://") {
            let authority = text[scheme.upperBound...].prefix { $0 != "/" }
            if let at = authority.lastIndex(of: "@") {
                text = text[..<scheme.upperBound] + text[text.index(after: at)...]
            }
        }
        let shown = String(String.UnicodeScalarView(text.unicodeScalars.prefix(200).map { $0.value < 0x20 ? "?" : $0 }))
        return text.count < url.count ? shown + "?…" : shown
    }

    private static func place(of authority: ArraySlice<UInt8>) -> (host: String, port: UInt16?)? {
        var name = authority
        var port: UInt16?
        if authority.first == UInt8(ascii: "[") {
            guard let close = authority.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            let after = authority[(close + 1)...]
            if !after.isEmpty {
                guard let number = self.port(after) else { return nil }
                port = number
            }
            name = authority[(authority.startIndex + 1)..<close]
            guard !name.isEmpty, name.contains(UInt8(ascii: ":")),
                name.allSatisfy({ Hex.value(of: $0) != nil || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") })
            else { return nil }
            return (String(decoding: name, as: UTF8.self), port)
        }
        if let colon = authority.firstIndex(of: UInt8(ascii: ":")) {
            guard let number = self.port(authority[colon...]) else { return nil }
            port = number
            name = authority[..<colon]
        }
        guard !name.isEmpty, name.count <= 253, name.first != UInt8(ascii: "."), name.first != UInt8(ascii: "-"),
            name.allSatisfy({ byte in
                Hex.value(of: byte) != nil || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
                    || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
            })
        else { return nil }
        let text = String(decoding: name, as: UTF8.self)
        return looksLikeNumber(text) && !isDottedQuad(text) ? nil : (text, port)
    }

    /// Returns whether the last label is a number, in which case resolvers read the whole host as an IPv4 number in one
    /// of its unusual forms.
    private static func looksLikeNumber(_ host: String) -> Bool {
        guard let last = host.split(separator: ".").last else { return true }
        return last.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } || last.hasPrefix("0x") || last.hasPrefix("0X")
    }

    private static func isDottedQuad(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { part in UInt8(part).map { String($0) == part } ?? false }
    }

    /// Returns the number after a colon; `nil` if it isn't a port.
    private static func port(_ text: ArraySlice<UInt8>) -> UInt16? {
        let digits = text.dropFirst()
        guard text.first == UInt8(ascii: ":"), !digits.isEmpty, digits.count <= 5,
            digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            let number = UInt16(String(decoding: digits, as: UTF8.self)), number > 0
        else { return nil }
        return number
    }

    private static func hasPrefix(_ bytes: [UInt8], _ prefix: StaticString) -> Bool {
        guard bytes.count >= prefix.utf8CodeUnitCount else { return false }
        return prefix.withUTF8Buffer { expected in
            zip(bytes, expected).allSatisfy { $0 | ($0 >= 0x41 && $0 <= 0x5A ? 0x20 : 0) == $1 }
        }
    }
}
