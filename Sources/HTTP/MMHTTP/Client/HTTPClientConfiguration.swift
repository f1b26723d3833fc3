import Glibc
import MMCore

/// The configuration of a client's connections.
package struct HTTPClientConfiguration: Sendable {
    /// The number of connections kept open for reuse.
    package var maxConnections: Int
    /// The maximum number of connections to one host; further requests wait, or share one over HTTP/2.
    package var maxConnectionsPerHost: Int
    /// The time limit for connecting, including the TLS handshake.
    package var connectTimeout: Duration
    /// The time that a body may stall once it has begun, unless the request sets its own limit.
    package var stallTimeout: Duration
    /// The name of the client's thread, as debuggers and `/proc` show it.
    package var threadName = "mm-http-client"
    /// The User-Agent of requests that don't set one.
    package var userAgent: String
    /// A file of trusted certificates that replaces the system's.
    package var certificateFile: String?
    /// The PEM files of the client's certificate and key, for servers that ask for one.
    package var clientCertificate: (certificate: String, key: String)?
    /// Whether a name is looked up for every new connection, for servers whose address changes; otherwise addresses are
    /// cached for a minute.
    package var looksUpEachConnection = false
    /// The proxy for addresses outside this machine; nil for none.
    package var proxy: ProxySettings?

    /// Creates a configuration from the variables that curl itself reads: `https_proxy`, `HTTPS_PROXY`, `all_proxy`,
    /// `ALL_PROXY`, `no_proxy`, `NO_PROXY`, and `SSL_CERT_FILE` (everything.curl.dev, “Proxy environment variables”).
    /// - Parameter environment: the variables, usually the process's own.
    package init(environment: [String: String]) {
        maxConnections = 64
        maxConnectionsPerHost = 256
        connectTimeout = .seconds(30)
        stallTimeout = .seconds(60)
        userAgent = Self.decoratedName
        certificateFile = environment["SSL_CERT_FILE"].flatMap { $0.isEmpty ? nil : $0 }
        proxy = ProxySettings(environment: environment)
    }

    // SharePoint prioritises traffic that identifies itself (Microsoft Learn, “Avoid getting throttled or blocked in
    // SharePoint Online”): publisher kind, company, program and version.
    private static let decoratedName = "NONISV|MicrosoftMaster|mm/\(ProductVersion.text)"
}

/// The proxy settings in the environment, which decide which requests go through a proxy.
package struct ProxySettings: Sendable, Hashable {
    /// The environment variable that names the proxy.
    package let variable: String
    /// Its value.
    package let value: String
    /// Whether addresses of this machine go through it too.
    package var coversThisMachine = false
    /// The hosts that are reached without it.
    let exceptions: ProxyExceptions

    /// The variables that may name the proxy, the first that counts first.
    package static let variables = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    /// The variables that may list the hosts that are reached without it.
    package static let exceptionVariables = ["no_proxy", "NO_PROXY"]

    /// Reads an environment. The first variable that isn't empty counts, as with curl.
    /// - Returns: `nil` when no proxy is named.
    fileprivate init?(environment: [String: String]) {
        guard let variable = Self.variables.first(where: { environment[$0]?.isEmpty == false }),
            let value = environment[variable]
        else { return nil }
        self.variable = variable
        self.value = value
        exceptions = ProxyExceptions(
            Self.exceptionVariables.lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? "")
    }

    /// Returns the proxy for an address; `nil` for exceptions and normally for this machine.
    /// - Throws: `.proxy` when the variable can't be parsed: what should go through a proxy never bypasses it.
    func proxy(for address: HTTPAddress) throws(HTTPError) -> ProxyAddress? {
        guard coversThisMachine || !address.isLoopback, !exceptions.contains(address) else { return nil }
        return try ProxyAddress(value, from: variable)
    }
}

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
