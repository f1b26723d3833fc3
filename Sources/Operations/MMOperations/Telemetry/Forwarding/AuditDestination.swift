package import MMCore

/// A destination that gets a copy of each audit line (`MM_AUDIT_TO`).
package enum AuditDestination: Sendable, Hashable {
    /// The machine's log daemon, at its datagram socket.
    case localSyslog(path: String)
    /// A syslog server over UDP, with one datagram for each line: delivery can't be detected.
    case syslogOverUDP(host: String, port: UInt16)
    /// A syslog server over TCP, with octet counting (RFC 6587).
    case syslogOverTCP(host: String, port: UInt16)
    /// A syslog server over TLS (RFC 5425).
    case syslogOverTLS(host: String, port: UInt16)
    /// A file on this machine or on a network share.
    case file(path: String)
    /// The other nodes of the cluster; it can't be named in the variable.
    case cluster(address: String)
    /// A collector that accepts JSON lines.
    case collector(url: String)

    /// The variable with the destinations, separated by spaces or commas.
    private static let variable = "MM_AUDIT_TO"
    /// The variable with the path of the file with the collector's bearer token.
    package static let tokenVariable = "MM_AUDIT_TOKEN_FILE"

    /// The variables with the paths for syslog over TLS: the certificates that replace the system's for verifying the
    /// server, and this machine's client certificate with its key.
    package static let authoritiesVariable = "MM_AUDIT_CA_FILE"
    package static let certificateVariable = "MM_AUDIT_CERT_FILE"
    package static let keyVariable = "MM_AUDIT_KEY_FILE"

    /// All of these.
    package static let variables = [
        variable, tokenVariable, authoritiesVariable, certificateVariable, keyVariable,
    ]

    /// Reads the variable.
    /// - Throws: `invalidInput` with the valid forms.
    package static func all(environment: [String: String]) throws(MMError) -> [AuditDestination] {
        var all: [AuditDestination] = []
        for word in (environment[variable] ?? "").split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            let destination = try AuditDestination(String(word))
            if !all.contains(destination) { all.append(destination) }
        }
        return all
    }

    /// Reads one destination.
    init(_ text: String) throws(MMError) {
        func rest(_ scheme: String) -> String? {
            guard text.hasPrefix(scheme) else { return nil }
            var rest = text.dropFirst(scheme.count)
            // file:///path is the same as file:/path.
            if rest.hasPrefix("///") { rest = rest.dropFirst(2) }
            return String(rest)
        }
        if text == "syslog" {
            self = .localSyslog(path: "/dev/log")
        } else if let path = rest("unix:"), path.hasPrefix("/"), path.utf8.count < 108 {
            self = .localSyslog(path: path)
        } else if let place = rest("udp://"), let (host, port) = Self.place(place, port: 514) {
            self = .syslogOverUDP(host: host, port: port)
        } else if let place = rest("tcp://"), let (host, port) = Self.place(place, port: 601) {
            self = .syslogOverTCP(host: host, port: port)
        } else if let place = rest("tls://"), let (host, port) = Self.place(place, port: 6514) {
            self = .syslogOverTLS(host: host, port: port)
        } else if let path = rest("file:"), path.hasPrefix("/"), !path.hasSuffix("/") {
            self = .file(path: path)
        } else if CollectorAddress.isOne(text) {
            self = .collector(url: text)
        } else {
            throw MMError(
                .invalidInput, "\(Self.variable) can't be `\(text.prefix(80))`.",
                hint: "Use syslog, unix:/dev/log, udp://HOST:514, tcp://HOST:601, tls://HOST:6514, "
                    + "file:/PATH or https://HOST/PATH.")
        }
    }

    private static func place(_ text: String, port: UInt16) -> (String, UInt16)? {
        var text = text[...]
        if text.hasSuffix("/") { text = text.dropLast() }
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            let host = String(text[text.index(after: text.startIndex)..<end])
            let rest = text[text.index(after: end)...]
            if rest.isEmpty { return host.isEmpty ? nil : (host, port) }
            guard rest.first == ":", let number = UInt16(rest.dropFirst()), number > 0 else { return nil }
            return (host, number)
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard let host = parts.first, !host.isEmpty, parts.count <= 2, !host.contains("/"), !host.contains("@") else {
            return nil
        }
        guard parts.count == 2 else { return (String(host), port) }
        guard let number = UInt16(parts[1]), number > 0 else { return nil }
        return (String(host), number)
    }

    /// The text form, without the query of a URL, which may contain a key.
    package var name: String {
        func place(_ host: String, _ port: UInt16) -> String {
            host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
        return switch self {
        case .localSyslog(let path): "unix:\(path)"
        case .syslogOverUDP(let host, let port): "udp://\(place(host, port))"
        case .syslogOverTCP(let host, let port): "tcp://\(place(host, port))"
        case .syslogOverTLS(let host, let port): "tls://\(place(host, port))"
        case .file(let path): "file:\(path)"
        case .cluster(let address): "cluster:\(address)"
        case .collector(let url): String(url.prefix { $0 != "?" })
        }
    }
}
