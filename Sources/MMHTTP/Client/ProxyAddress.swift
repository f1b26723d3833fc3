import MMCore

/// Where a proxy is reached, as a variable of the environment names it.
struct ProxyAddress: Sendable {
    /// The forms of proxies that curl speaks to.
    enum Form: String {
        case http, https, socks4, socks4a, socks5, socks5h

        /// Whether it looks names up itself; with the others this machine does.
        var resolvesNames: Bool { self != .socks4 && self != .socks5 }
    }

    /// As it was given, with its scheme: what curl takes. It may hold a password.
    let url: String
    /// What it speaks.
    let form: Form
    /// Scheme, host and port, for messages.
    let display: String
    /// Whether a user name stands in front of its host.
    let hasUser: Bool
    /// The variable that names it.
    let variable: String

    /// Takes a variable's value apart.
    /// - Throws: `.proxy`, saying what is wrong with it; the value itself, which may hold a password, is left out.
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
                throw fault("proxies are not reached by “\(HTTPFieldRules.printable(String(scheme.prefix(20))))”")
            }
            form = named
            rest = value[end.upperBound...]
        }
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard rest[authority.endIndex...].allSatisfy({ $0 == "/" }) else { throw fault("it has a path") }
        let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        guard !host.isEmpty else { throw fault("it names no host") }
        // The rules for hosts and ports are those of every address.
        guard let place = try? HTTPAddress("http://\(host)") else { throw fault("its host or port can't be read") }
        self.form = form
        self.variable = variable
        hasUser = host.startIndex != authority.startIndex
        url = "\(form.rawValue)://\(authority)"
        display = "\(form.rawValue)://\(place.origin)"
    }
}
