import Glibc
import MMCore
import MMHTTP
import MMOperations
import MMSystem

/// The address at which a server listens for HTTP, and who may connect.
struct HTTPFaceOptions: Sendable {
    /// The default port.
    static let standardPort: UInt16 = 8365

    /// The address: an IP literal or `localhost`.
    let host: String
    /// The port; 0 for any free one.
    let port: UInt16
    /// The file that holds the bearer secret.
    var tokenFile: String?
    /// Whether everybody who can reach the address is admitted.
    var trustsNetwork = false
    /// Whether a proxy stands in front: the peer is then the proxy and says nothing about the sender.
    var isBehindProxy = false
    /// The server's TLS certificate; `nil` for plain HTTP.
    var certificate: ServerCertificate?
    /// Names under which clients may reach the server, besides those of the loopback.
    var allowedHosts: [String] = []
    /// The access tokens that are accepted, if tokens alone decide about admission.
    var oauth: OAuthOptions?

    /// The arguments that concern listening.
    static let fields: [InputField] = [
        InputField(
            "http", .text, "Serve HTTP at this address, such as 127.0.0.1:8365, instead of standard input and output."),
        InputField(
            "token-file", .text, "File (0600) with the bearer secret for clients that are not programs of this user.",
            .completes(.files)),
        InputField(
            "trust-network", .flag,
            "Accept all clients without authentication. Use it only in a closed network of containers."),
        InputField(
            "allow-host", .textList,
            "Additional host name of the server. Repeat the flag for several names."),
        InputField("behind-proxy", .flag, "The server is behind a TLS proxy. Every client needs the secret."),
        InputField(
            "tls-cert", .text, "TLS certificate (PEM, with its intermediate certificates).", .completes(.files)),
        InputField("tls-key", .text, "Private key of the certificate (PEM, 0600).", .completes(.files)),
    ]

    /// Reads the options from the arguments of a command line.
    /// - Parameter standard: the address if the command line names none; `nil` to serve no HTTP then.
    /// - Returns: `nil` if HTTP is not requested.
    /// - Throws: `MMError.invalidInput` that names the flag and the remedy.
    static func read(_ reader: InputReader, standard: String?) throws(MMError) -> HTTPFaceOptions? {
        guard let address = try reader.text("http") ?? standard else {
            try refuseAlone(reader, without: "http", OAuthOptions.fields)
            return nil
        }
        return try listening(at: address, reader, oauth: try OAuthOptions.read(reader))
    }

    /// Creates the options for an address from the other arguments.
    /// - Throws: `MMError.invalidInput` that names the flag and the remedy.
    static func listening(
        at address: String, flag: String = "--http", _ reader: InputReader, oauth: OAuthOptions? = nil
    ) throws(MMError) -> HTTPFaceOptions {
        var options = try HTTPFaceOptions(address: address, flag: flag)
        options.tokenFile = try reader.text("token-file")
        options.trustsNetwork = try reader.flag("trust-network")
        options.isBehindProxy = try reader.flag("behind-proxy")
        options.certificate = try certificate(reader)
        for name in try reader.textList("allow-host") ?? [] { options.allowedHosts.append(try hostName(name)) }
        options.oauth = oauth
        try options.check()
        return options
    }

    private static func certificate(_ reader: InputReader) throws(MMError) -> ServerCertificate? {
        switch (try reader.text("tls-cert"), try reader.text("tls-key")) {
        case (nil, nil): return nil
        case (let certificate?, let key?): return try ServerCertificate(certificate: certificate, key: key)
        case (let certificate, _):
            throw MMError(
                .invalidInput, "--\(certificate == nil ? "tls-key" : "tls-cert") needs the other file too.",
                hint: "Give both --tls-cert FILE and --tls-key FILE.")
        }
    }

    /// Refuses the arguments of a listener if there is none.
    static func refuseAlone(_ reader: InputReader, without flag: String, _ more: [InputField] = []) throws(MMError) {
        for field in fields.dropFirst() + more where try isGiven(field, reader) {
            throw MMError(
                .invalidInput, "--\(field.name) needs --\(flag).",
                hint: "Add --\(flag) 127.0.0.1:\(standardPort).")
        }
    }

    /// Reads an address as people write it: `127.0.0.1:8365`, `[::1]:8365`, `localhost`, or a port alone.
    /// - Throws: `MMError.invalidInput` that shows valid addresses.
    init(address: String, flag: String = "--http") throws(MMError) {
        let wrong = MMError(
            .invalidInput, "\(flag) can't be `\(address.prefix(60))`.",
            hint: "Use an IP address and a port, such as 127.0.0.1:\(Self.standardPort) or [::1]:\(Self.standardPort)."
        )
        if let port = UInt16(address) {
            self.host = "127.0.0.1"
            self.port = port
            return
        }
        var host = Substring(address)
        var rest: Substring = ""
        if address.hasPrefix("["), let end = address.firstIndex(of: "]") {
            host = address[address.index(after: address.startIndex)..<end]
            rest = address[address.index(after: end)...]
        } else if let colon = address.firstIndex(of: ":"), address.lastIndex(of: ":") == colon {
            host = address[..<colon]
            rest = address[colon...]
        }
        guard rest.isEmpty || rest.hasPrefix(":"), host.lowercased() == "localhost" || IPAddress(String(host)) != nil
        else {
            throw wrong
        }
        guard let port = rest.isEmpty ? Self.standardPort : UInt16(rest.dropFirst()) else { throw wrong }
        self.host = host.lowercased()
        self.port = port
    }

    /// The scheme of the server's URLs.
    var scheme: String { certificate == nil ? "http" : "https" }

    /// Whether only this machine can reach the address.
    var isLoopback: Bool { host == "localhost" || IPAddress(host)?.isLoopback == true }

    /// The names that a Host header may contain besides those of the loopback: the allowed names and the address
    /// itself.
    var hostNames: [String] {
        guard let address = IPAddress(host), address.bytes.contains(where: { $0 != 0 }) else { return allowedHosts }
        return allowedHosts + [host.contains(":") ? "[\(host)]" : host]
    }

    /// All of the server's own names, in lower case.
    var reachedAs: Set<String> { Set(hostNames.map { $0.lowercased() } + ["localhost", "127.0.0.1", "[::1]"]) }

    /// The rule for host names and web pages. Behind a proxy and in a network of containers, ports differ.
    var pageRule: PageRule {
        PageRule(
            names: reachedAs, mapped: Set(allowedHosts.map { $0.lowercased() }), admitsNumericHosts: trustsNetwork,
            isMapped: trustsNetwork || isBehindProxy)
    }

    /// Refuses options that exclude each other, and refuses to listen for other machines without TLS or without a way
    /// to admit clients.
    private func check() throws(MMError) {
        if oauth != nil {
            for (flag, isGiven) in [("token-file", tokenFile != nil), ("trust-network", trustsNetwork)] where isGiven {
                throw MMError(
                    .invalidInput,
                    "--\(flag) and --oauth-issuer can't be combined, because --oauth-issuer accepts only access tokens.",
                    hint: "Leave out one of them, or start a second server on another port.")
            }
        }
        guard !isLoopback else { return }
        guard certificate != nil || isBehindProxy || trustsNetwork else {
            throw MMError(
                .invalidInput, "\(host) can be reached from other machines, and this server would not use TLS.",
                hint:
                    "Listen on 127.0.0.1; or set --tls-cert and --tls-key; or put a TLS proxy in front and set "
                    + "--behind-proxy; or set --trust-network if only trusted containers can reach the address.")
        }
        guard tokenFile != nil || trustsNetwork || oauth != nil else {
            throw MMError(
                .invalidInput, "Clients on other machines need the secret or an access token.",
                hint: "Add --token-file FILE with at least 16 random characters, or --oauth-issuer.")
        }
    }

    private static func isGiven(_ field: InputField, _ reader: InputReader) throws(MMError) -> Bool {
        switch field.kind {
        case .flag: try reader.flag(field.name)
        case .textList: try reader.textList(field.name) != nil
        default: try reader.text(field.name) != nil
        }
    }

    private static func hostName(_ text: String) throws(MMError) -> String {
        let name = text.lowercased()
        let isBracketed =
            name.hasPrefix("[") && name.hasSuffix("]") && IPAddress(String(name.dropFirst().dropLast())) != nil
        let isName = name.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x61...0x7A, UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): true
            default: false
            }
        }
        guard isBracketed || (isName && !name.isEmpty && name.utf8.count <= 253) else {
            throw MMError(
                .invalidInput, "--allow-host can't be `\(text.prefix(60))`.",
                hint: "Use only a host name, without scheme, port or path, such as mm.example.com.")
        }
        return name
    }
}
