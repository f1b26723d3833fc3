import MMCore

/// The address of a proxy, as an environment variable names it.
struct ProxyAddress: Sendable {
    /// The proxy protocols that curl supports.
    enum Form: String {
        case http, https, socks4, socks4a, socks5, socks5h

        /// Whether the proxy resolves host names; otherwise this machine does.
        var resolvesNames: Bool { self != .socks4 && self != .socks5 }
    }

    /// The address as given, with its scheme, in curl's format. It may contain a password.
    let url: String
    /// The proxy's protocol.
    let form: Form
    /// Scheme, host and port, for messages.
    let display: String
    /// Whether the address contains a user name.
    let hasUser: Bool
    /// The environment variable that it came from.
    let variable: String

    /// Parses a variable's value.
    /// - Throws: `.proxy`, naming what is wrong with it; the value itself is left out, because it may contain a
    ///   password.
    init(_ value: String, from variable: String) throws(HTTPError) {
        func fault(_ what: String) -> HTTPError {
            HTTPError(
                .proxy, "The proxy address in \(variable) can't be used: \(what).",
                hint:
                    "Write \(variable) as http://HOST:PORT or socks5h://HOST:PORT, with USER:PASSWORD@ in front of the "
                    + "host where the proxy asks for it (special characters percent-encoded).")
        }
        var rest = value[...]
        var form = Form.http
        if let end = value.firstRange(of: "://") {
            let scheme = value[..<end.lowerBound].lowercased()
            guard let named = Form(rawValue: scheme) else {
                throw fault(
                    "there is no support for proxies by “\(HTTPFieldRules.printable(String(scheme.prefix(20))))”")
            }
            form = named
            rest = value[end.upperBound...]
        }
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard rest[authority.endIndex...].allSatisfy({ $0 == "/" }) else { throw fault("it has a path") }
        let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        guard !host.isEmpty else { throw fault("it names no host") }
        // Hosts and ports follow the same rules as in any URL.
        guard let place = try? HTTPAddress("http://\(host)") else { throw fault("its host or port can't be read") }
        self.form = form
        self.variable = variable
        hasUser = host.startIndex != authority.startIndex
        url = "\(form.rawValue)://\(authority)"
        display = "\(form.rawValue)://\(place.origin)"
    }
}
