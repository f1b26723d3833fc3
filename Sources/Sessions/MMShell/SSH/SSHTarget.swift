public import MMCore

/// A host to reach by SSH, with its options. Anything not set here comes from the user's `ssh_config`: jump hosts,
/// agents, certificates, algorithms.
public struct SSHTarget: Sendable, Hashable {
    /// Which host keys are trusted.
    public enum HostKeys: Sendable, Hashable {
        /// Only known keys.
        case strict
        /// Also the key of a host that was never seen, which becomes known; never a changed one.
        case acceptNew
        /// Only the key with this fingerprint, as `ssh-keygen -l` shows it: `SHA256:…`.
        case pinned(String)
    }

    /// A name, an address, or an alias of the configuration.
    public var host: String
    /// The user on the host; `nil` to use the configuration.
    public var user: String?
    /// The port; `nil` to use the configuration.
    public var port: Int?
    /// A private key to offer before all others. `~/` is the home folder.
    public var identityFile: String?
    /// The password, for servers that ask for one.
    public var password: Secret?
    /// The passphrase of the private key.
    public var passphrase: Secret?
    /// The answer to the first question of the next sign-in that asks for neither, such as for a one-time password.
    package let oneTimePassword = OneTimeSecret()
    /// Which host keys are trusted.
    public var hostKeys = HostKeys.strict
    /// A configuration to use instead of `~/.ssh/config`.
    public var configFile: String?
    /// A file of known hosts to use instead of the configured ones.
    public var knownHostsFile: String?
    /// Jump hosts, as `ssh -J` accepts them.
    public var jump: String?
    /// The interval of keep-alive messages; the connection is lost after three without an answer.
    public var keepAliveInterval: Duration = .seconds(15)
    /// The socket of the agent whose keys are offered, in place of the one in the environment.
    public var agentSocket: String?
    /// The timeout for connecting.
    public var connectTimeout: Duration = .seconds(30)

    /// Creates a target.
    /// - Parameters:
    ///   - host: a name, an address, or an alias of the configuration.
    ///   - user: the user on the host; `nil` to use the configuration.
    ///   - port: the port; `nil` to use the configuration.
    public init(_ host: String, user: String? = nil, port: Int? = nil) {
        self.host = host
        self.user = user
        self.port = port
    }

    var isPinned: Bool { if case .pinned = hostKeys { true } else { false } }

    /// Refuses what ssh would not interpret as a host.
    func check() throws(MMError) {
        func isPlain(_ text: String) -> Bool {
            !text.isEmpty && !text.hasPrefix("-")
                && text.unicodeScalars.allSatisfy {
                    $0.value > 0x20 && $0.value != 0x7F && !"'\"`$\\;&|<>(){}*?!#,".unicodeScalars.contains($0)
                }
        }
        guard isPlain(host), !host.contains("@"), !host.contains("/") else {
            throw MMError(
                .invalidInput, "“\(host)” isn't a host name.",
                hint: "Use only the name, address or alias; user and port have their own fields.")
        }
        if let user, !isPlain(user) { throw MMError(.invalidInput, "“\(user)” isn't a user name.") }
        if let port, !(1...65535).contains(port) {
            throw MMError(.invalidInput, "The port \(port) is not from 1 to 65535.")
        }
        if let jump,
            jump.hasPrefix("-") || jump.isEmpty
                || jump.unicodeScalars.contains(where: {
                    $0.value <= 0x20 || "'\"`$\\;&|<>(){}".unicodeScalars.contains($0)
                })
        {
            throw MMError(
                .invalidInput, "“\(jump)” isn't a list of jump hosts.",
                hint: "Use user@host:port, separated by commas."
            )
        }
        for (name, path) in [
            ("key", identityFile), ("configuration", configFile), ("known hosts file", knownHostsFile),
        ] {
            if let path, path.isEmpty || path.utf8.contains(where: { $0 < 0x20 || $0 == 0x22 }) {
                throw MMError(
                    .invalidInput,
                    "The path of the \(name) is empty or contains characters that such a path can't have.")
            }
        }
        if case .pinned(let fingerprint) = hostKeys { try Self.check(fingerprint) }
        for secret in [password, passphrase] { try secret?.checkLine() }
    }

    private static func check(_ fingerprint: String) throws(MMError) {
        let digest = fingerprint.dropFirst(7)
        guard fingerprint.hasPrefix("SHA256:"), digest.utf8.count == 43,
            digest.unicodeScalars.allSatisfy({
                ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0) || $0 == "+"
                    || $0 == "/"
            })
        else {
            throw MMError(
                .invalidInput, "“\(fingerprint)” is not a SHA-256 fingerprint of a host key.",
                hint:
                    "Get it with ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub on the host: SHA256: and 43 characters."
            )
        }
    }
}

extension Secret {
    /// Refuses what ssh can't read as one line.
    func checkLine() throws(MMError) {
        if reveal().utf8.contains(where: { $0 == 0 || $0 == 0x0A || $0 == 0x0D }) || reveal().utf8.count > 4000 {
            throw MMError(
                .invalidInput, "A password or passphrase contains a line end or is longer than 4000 bytes.")
        }
    }
}

/// A secret that the copies of a target share and that one sign-in uses up. It doesn't tell targets apart: a connection
/// is the same one, whatever it was signed in with.
package final class OneTimeSecret: Sendable, Hashable {
    private let secret = Mutex<Secret?>(nil)

    /// Stores a secret for the next sign-in.
    package func set(_ new: Secret?) { secret.withLock { $0 = new } }

    /// Returns the secret once.
    func take() -> Secret? { secret.withLock { $0.take() } }

    package static func == (first: OneTimeSecret, second: OneTimeSecret) -> Bool { true }
    package func hash(into hasher: inout Hasher) {}
}

extension SSHTarget {
    /// Reads a host as people write it: `host`, `user@host`, `host:port`, `[address]:port`.
    /// - Throws: `invalidInput` for an invalid port, or for a user or port that is given twice with different values.
    package init(named text: String, user: String?, port: Int?) throws(MMError) {
        var host = Substring(text)
        var named = user
        var number = port
        if let at = host.lastIndex(of: "@") {
            let name = String(host[..<at])
            if let user, user != name {
                throw MMError(.invalidInput, "The user is \(name) in `host` and \(user) in `user`.")
            }
            named = name
            host = host[host.index(after: at)...]
        }
        var digits: Substring?
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            let rest = host[host.index(after: end)...]
            if rest.hasPrefix(":") { digits = rest.dropFirst() }
            host = host[host.index(after: host.startIndex)..<end]
        } else if let colon = host.firstIndex(of: ":"), host.lastIndex(of: ":") == colon {
            digits = host[host.index(after: colon)...]
            host = host[..<colon]
        }
        if let digits {
            guard let written = Int(digits), (1...65535).contains(written), port == nil || port == written else {
                throw MMError(.invalidInput, "`\(text.prefix(80))` has no valid port.", hint: "Write host:22.")
            }
            number = written
        }
        self.init(String(host), user: named, port: number)
    }

    /// The target as it was requested, to tell sessions apart.
    package var requestedName: String {
        (user.map { $0 + "@" } ?? "") + host + (port.map { ":\($0)" } ?? "")
    }
}
