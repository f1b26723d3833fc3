import Glibc

/// The hosts listed in `NO_PROXY`, separated by commas or whitespace: a host with all its subdomains, an IP address, an
/// address range (`10.0.0.0/8`), any of these with a port (`host:443`), or `*` for every host.
///
/// Evaluated here rather than by curl, which supports no ports and can't report afterwards whether a proxy was used.
struct ProxyExceptions: Sendable, Hashable {
    private struct Entry: Hashable {
        let host: String
        let port: UInt16?
        /// The number of leading bits of an address to compare.
        let bits: Int?
    }

    private let entries: [Entry]

    /// Parses a variable's value. Entries that can't be parsed are ignored.
    init(_ text: String) {
        entries = text.lowercased().split { $0 == "," || $0.isWhitespace }.compactMap(Self.entry)
    }

    /// Returns whether an address is reached without the proxy.
    func contains(_ address: HTTPAddress) -> Bool {
        var host = address.host.lowercased()[...]
        if host.hasSuffix(".") { host = host.dropLast() }
        let bytes = Self.bytes(host)
        return entries.contains { entry in
            if let port = entry.port, port != address.port { return false }
            if entry.host == "*" { return true }
            guard let bytes else { return host == entry.host || host.hasSuffix("." + entry.host) }
            guard let own = Self.bytes(entry.host[...]), own.count == bytes.count else { return false }
            return Self.prefixesMatch(own, bytes, bits: entry.bits ?? own.count * 8)
        }
    }

    private static func entry(_ text: Substring) -> Entry? {
        var host = text
        var port: UInt16?
        var bits: Int?
        if let slash = host.firstIndex(of: "/") {
            guard let number = Int(host[host.index(after: slash)...]), number >= 0 else { return nil }
            bits = number
            host = host[..<slash]
        }
        let isBracketed = host.hasPrefix("[")
        let colons = host.reduce(0) { $0 + ($1 == ":" ? 1 : 0) }
        // Without brackets, several colons mean an IPv6 address.
        if isBracketed || colons == 1, let colon = host.lastIndex(of: ":"), host.last != "]" {
            guard let number = UInt16(host[host.index(after: colon)...]), number > 0 else { return nil }
            port = number
            host = host[..<colon]
        }
        if isBracketed { host = host.dropFirst().prefix { $0 != "]" } }
        if host.hasPrefix("*.") { host = host.dropFirst(2) }
        while host.hasPrefix(".") { host = host.dropFirst() }
        while host.hasSuffix(".") { host = host.dropLast() }
        guard !host.isEmpty else { return nil }
        if let bits {
            guard let address = bytes(host), bits <= address.count * 8 else { return nil }
        }
        return Entry(host: String(host), port: port, bits: bits)
    }

    /// Returns the bytes of an IP address; `nil` for a name.
    private static func bytes(_ host: Substring) -> [UInt8]? {
        let isSix = host.contains(":")
        var bytes = [UInt8](repeating: 0, count: isSix ? 16 : 4)
        return inet_pton(isSix ? AF_INET6 : AF_INET, String(host), &bytes) == 1 ? bytes : nil
    }

    private static func prefixesMatch(_ left: [UInt8], _ right: [UInt8], bits: Int) -> Bool {
        let whole = bits / 8
        guard left.prefix(whole) == right.prefix(whole) else { return false }
        let rest = bits % 8
        return rest == 0 || left[whole] >> (8 - rest) == right[whole] >> (8 - rest)
    }
}
