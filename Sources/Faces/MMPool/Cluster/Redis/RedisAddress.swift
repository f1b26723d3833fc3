package import MMCore

/// The address of a Redis, as `--cluster` takes it.
///
/// `redis://[user:secret@]host:port/db`, `rediss://…` (TLS; `?ca=FILE&cert=FILE&key=FILE`), `redis+unix:///path`,
/// `redis+sentinel://a:26379,b:26379/NAME`, `redis+cluster://a:6379,b:6379`. The last two take `tls=1` too.
package struct RedisAddress: Sendable, Hashable, CustomStringConvertible {
    /// One server.
    package struct Server: Sendable, Hashable, CustomStringConvertible {
        /// The host's name or IP address; the path for a socket.
        package let host: String
        /// The port; zero for a socket.
        package let port: Int

        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }

        /// Creates an address with a port that somebody wrote.
        /// - Returns: `nil` if no server can have that port.
        init?(host: String, named port: some StringProtocol) {
            guard let number = Int(port), (1...65535).contains(number) else { return nil }
            self.init(host: host, port: number)
        }

        package var description: String {
            port == 0 ? host : host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }

    /// How several servers work together.
    package enum Kind: Sendable, Hashable {
        /// A single server.
        case one
        /// Sentinels, which know the server of the given master name.
        case sentinels(String)
        /// Some of the servers of a Redis Cluster, which divide the keys among themselves.
        case cluster
    }

    /// The files for an encrypted connection.
    package struct Encryption: Sendable, Hashable {
        /// The certificates to trust; `nil` for the machine's own.
        package var authority: String?
        /// The client certificate, if the server requires one.
        package var certificate: String?
        /// The client certificate's key.
        package var key: String?
    }

    package let kind: Kind
    /// The servers to connect to, or to ask for the right one.
    package let servers: [Server]
    package let database: Int
    package let user: String?
    package let secret: Secret?
    /// The files for TLS; `nil` for unencrypted connections.
    package let encryption: Encryption?

    private static let schemes: [(String, Kind, Bool, Int)] = [
        ("redis+sentinel://", .sentinels(""), false, 26379), ("redis+cluster://", .cluster, false, 6379),
        ("redis+unix://", .one, false, 0), ("rediss://", .one, true, 6379), ("redis://", .one, false, 6379),
    ]

    /// Creates an address.
    /// - Parameters:
    ///   - text: the URL.
    ///   - secret: the password of Redis, if the URL has none.
    /// - Throws: `invalidInput` that names the invalid part.
    package init(_ text: String, secret given: Secret? = nil) throws(MMError) {
        guard let (scheme, kind, isEncrypted, port) = Self.schemes.first(where: { text.hasPrefix($0.0) }) else {
            throw Self.wrong("its scheme is not one of redis, rediss, redis+unix, redis+sentinel, redis+cluster")
        }
        var rest = Substring(text.dropFirst(scheme.utf8.count))
        var options: [String: String] = [:]
        if let mark = rest.lastIndex(of: "?") {
            options = try Self.options(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        let (user, secret) = try Self.takeUser(&rest)
        (self.user, self.secret) = (user, secret ?? given)
        let isSocket = scheme == "redis+unix://"
        var path: Substring = ""
        if !isSocket, let slash = rest.firstIndex(of: "/") {
            path = rest[rest.index(after: slash)...]
            rest = rest[..<slash]
        }
        if isSocket {
            guard rest.hasPrefix("/") else { throw Self.wrong("the socket needs an absolute path") }
            servers = [Server(host: try Self.decoded(rest, "the path"), port: 0)]
        } else {
            var list: [Server] = []
            for one in rest.split(separator: ",", omittingEmptySubsequences: false) {
                list.append(try Self.server(one, port: port))
            }
            servers = list
        }
        let named = try Self.target(kind, path, hosts: servers.count)
        self.kind = named.kind
        if let number = options["db"] {
            guard let number = Int(number), (0..<1024).contains(number) else { throw Self.wrong("db is not a number") }
            database = number
        } else {
            database = named.database
        }
        let isAsked = options["tls"].map { $0 == "1" } ?? isEncrypted
        encryption =
            isAsked
            ? Encryption(authority: options["ca"], certificate: options["cert"], key: options["key"]) : nil
        guard isAsked || options["ca"] ?? options["cert"] ?? options["key"] == nil else {
            throw Self.wrong("ca, cert and key can only be used with rediss:// or tls=1")
        }
        guard (options["cert"] == nil) == (options["key"] == nil) else {
            throw Self.wrong("cert and key must be given together")
        }
    }

    /// Removes the user and password from an address, if it has them, and returns them.
    private static func takeUser(_ rest: inout Substring) throws(MMError) -> (user: String?, secret: Secret?) {
        guard let at = rest.lastIndex(of: "@") else { return (nil, nil) }
        let parts = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let texts = try parts.map { (part) throws(MMError) in try decoded(part, "the user or secret") }
        rest = rest[rest.index(after: at)...]
        guard texts.count == 2 else { return (texts[0], nil) }
        return (texts[0].isEmpty ? nil : texts[0], Secret(texts[1]))
    }

    /// Returns what the path of an address names: a master, nothing, or a database.
    private static func target(
        _ kind: Kind, _ path: Substring, hosts: Int
    ) throws(MMError) -> (kind: Kind, database: Int) {
        switch kind {
        case .sentinels:
            guard !path.isEmpty else { throw wrong("the name of the master is missing: …/NAME") }
            return (.sentinels(try decoded(path, "the name of the master")), 0)
        case .cluster:
            guard path.isEmpty || path == "0" else { throw wrong("a cluster has no databases: \(path.prefix(20))") }
            return (.cluster, 0)
        case .one:
            guard hosts == 1 else { throw wrong("it has \(hosts) hosts instead of one") }
            guard !path.isEmpty else { return (.one, 0) }
            guard let number = Int(path), (0..<1024).contains(number) else {
                throw wrong("the database can't be `\(path.prefix(20))`")
            }
            return (.one, number)
        }
    }

    /// Creates an address with the password from the file that the environment names: `MM_CLUSTER_SECRET_FILE`.
    /// - Throws: `notFound` and `forbidden` for the file, and the errors of `init(_:secret:)`.
    package init(_ text: String, environment: [String: String]) throws(MMError) {
        var secret: Secret?
        if let file = environment["MM_CLUSTER_SECRET_FILE"], !file.isEmpty {
            guard let found = try SecretFile.read(file) else {
                throw MMError(
                    .notFound, "The file \(file) from MM_CLUSTER_SECRET_FILE does not exist.",
                    hint: "Save the Redis secret there, readable only by you (0600).")
            }
            secret = found
        }
        try self.init(text, secret: secret)
    }

    /// The address without the password.
    package var description: String {
        let all = servers.map(\.description).joined(separator: ",")
        switch kind {
        case .one:
            if servers[0].port == 0 { return "redis+unix://\(all)" }
            return "\(encryption == nil ? "redis" : "rediss")://\(all)/\(database)"
        case .sentinels(let name): return "redis+sentinel://\(all)/\(name)"
        case .cluster: return "redis+cluster://\(all)"
        }
    }

    private static func options(_ text: Substring) throws(MMError) -> [String: String] {
        var found: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, ["ca", "cert", "key", "tls", "db"].contains(parts[0]) else {
                throw wrong("`\(pair.prefix { $0 != "=" }.prefix(20))` is not one of ca, cert, key, tls, db")
            }
            found[String(parts[0])] = try decoded(parts[1], String(parts[0]))
        }
        return found
    }

    private static func server(_ text: Substring, port: Int) throws(MMError) -> Server {
        var (host, rest) = (text, Substring())
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            host = text[text.index(after: text.startIndex)..<end]
            rest = text[text.index(after: end)...]
        } else if let colon = text.lastIndex(of: ":") {
            host = text[..<colon]
            rest = text[colon...]
        }
        guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw wrong("the host is missing")
        }
        guard !rest.isEmpty else { return Server(host: String(host), port: port) }
        guard rest.hasPrefix(":"), let server = Server(host: String(host), named: rest.dropFirst()) else {
            throw wrong("the port can't be `\(rest.dropFirst().prefix(20))`")
        }
        return server
    }

    private static func decoded(_ text: Substring, _ part: String) throws(MMError) -> String {
        guard let plain = PercentCoding.decode(text.utf8), !plain.utf8.contains(0) else {
            throw wrong("\(part) is not percent-encoded")
        }
        return plain
    }

    private static func wrong(_ what: String) -> MMError {
        MMError(
            .invalidInput, "The address of Redis (--cluster, MM_CLUSTER) is wrong: \(what).",
            hint:
                "Use redis://host:6379/0, rediss://host:6379?ca=FILE, redis+sentinel://a,b,c/NAME or "
                + "redis+cluster://a,b,c; put the secret into the file in MM_CLUSTER_SECRET_FILE.")
    }
}
