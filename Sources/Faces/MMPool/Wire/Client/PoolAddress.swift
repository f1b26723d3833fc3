import Glibc
public import MMCore
import MMHTTP
import MMIdentity

/// The address of a pool: a socket on this machine, or a URL.
public struct PoolAddress: Sendable, Hashable, CustomStringConvertible {
    package enum Place: Sendable, Hashable {
        case socket(String)
        case url(String)
    }

    package let place: Place
    package let bearer: Secret?
    /// Whether the pool is behind a socket of this machine, which only programs of one user can use.
    package var isSocket: Bool { if case .socket = place { true } else { false } }
    /// Whether unencrypted `http://` may leave this machine.
    private let trustsNetwork: Bool

    /// Creates the address of a pool behind a Unix socket, which admits the same user only; the client in turn talks
    /// only to a pool of the same user.
    /// - Parameter socket: the absolute path.
    public init(socket: String) {
        self.init(place: .socket(socket), bearer: nil, trustsNetwork: false)
    }

    /// Creates the address of a pool behind a URL.
    /// - Parameters:
    ///   - url: `https://host[:port][/path]`, or `http://` to this machine; `unix:/path` names a socket.
    ///   - bearer: the secret that the pool requires.
    ///   - trustsNetwork: whether `http://` may leave this machine; only for a closed network of containers.
    /// - Throws: `invalidInput` that describes a valid pool address.
    public init(url: String, bearer: Secret? = nil, trustsNetwork: Bool = false) throws(MMError) {
        if url.hasPrefix("unix:") {
            var path = String(url.dropFirst(5))
            while path.hasPrefix("//") { path.removeFirst() }
            guard path.hasPrefix("/") else { throw Self.wrong(url) }
            self.init(socket: path)
            return
        }
        var base = url
        while base.hasSuffix("/") { base.removeLast() }
        let isHTTP = ["http://", "https://"].contains { base.lowercased().hasPrefix($0) && base.count > $0.count }
        guard isHTTP, !base.contains(where: { $0 == "?" || $0 == "#" || $0 == "@" }) else { throw Self.wrong(url) }
        if base.lowercased().hasPrefix("http:"), !trustsNetwork, WebAddress(base)?.isLoopback != true {
            throw MMError(
                .invalidInput,
                "The pool at \(base.prefix(80)) is on another machine, and plain http would show commands, answers and "
                    + "secrets to everyone on the network.",
                hint: "Use https://…; or, only in a closed network of containers, set MM_TRUST_NETWORK=1.")
        }
        self.init(place: .url(base), bearer: bearer, trustsNetwork: trustsNetwork)
    }

    private init(place: Place, bearer: Secret?, trustsNetwork: Bool) {
        self.place = place
        self.bearer = bearer
        self.trustsNetwork = trustsNetwork
    }

    /// Creates the address of the pool behind a URL, with the secret and the permissions of an environment.
    /// - Throws: `invalidInput` that describes a valid pool address, or for `MM_TRUST_NETWORK`; the errors of the
    ///   secret's file.
    package init(url: String, environment: [String: String]) throws(MMError) {
        try self.init(
            url: url, bearer: try Self.bearer(environment: environment),
            trustsNetwork: try Self.trustsNetwork(environment: environment))
    }

    /// Returns whether the environment declares the network to other machines closed.
    /// - Throws: `invalidInput` for `MM_TRUST_NETWORK`.
    package static func trustsNetwork(environment: [String: String]) throws(MMError) -> Bool {
        try EnvironmentSwitch.isOn("MM_TRUST_NETWORK", of: environment)
    }

    /// Returns the secret for a pool behind a URL: `MM_POOL_TOKEN`, or the contents of the file that
    /// `MM_POOL_TOKEN_FILE` names.
    /// - Parameter environment: the environment of the process.
    /// - Throws: `notFound` or `forbidden` for the file.
    package static func bearer(environment: [String: String]) throws(MMError) -> Secret? {
        if let token = environment["MM_POOL_TOKEN"], !token.isEmpty {
            return try checked(Secret(token), "MM_POOL_TOKEN")
        }
        guard let path = environment["MM_POOL_TOKEN_FILE"], !path.isEmpty else { return nil }
        guard let secret = try SecretFile.read(path) else {
            throw MMError(
                .notFound, "The file \(path) from MM_POOL_TOKEN_FILE does not exist.",
                hint: "Save the pool's secret there, readable only by you (0600).")
        }
        return try checked(secret, path)
    }

    private static func checked(_ secret: Secret, _ place: String) throws(MMError) -> Secret {
        guard !secret.isEmpty, secret.reveal().utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw MMError(
                .invalidInput, "\(place) can't be a bearer secret: it must be one line without spaces.",
                hint: "Use the pool's secret (--token-file).")
        }
        return secret
    }

    /// The address without any secret, as people write it.
    public var description: String {
        switch place {
        case .socket(let path): path
        case .url(let url): url
        }
    }

    /// Creates a request to the pool.
    func request(_ method: String, _ path: String, headers: HTTPHeaders = [:], body: [UInt8]? = nil)
        -> HTTPRequest
    {
        var headers = headers
        if let bearer { headers.set("Authorization", "Bearer \(bearer.reveal())") }
        switch place {
        case .socket(let socket):
            var request = HTTPRequest(
                method: method, url: "http://localhost\(path)", headers: headers, body: body, timeout: .seconds(30),
                unixSocket: socket, allowsPlainHTTP: true)
            request.unixSocketOwner = geteuid()
            return request
        case .url(let base):
            var request = HTTPRequest(
                method: method, url: base + path, headers: headers, body: body, timeout: .seconds(30),
                allowsPlainHTTP: true)
            request.allowsPlainHTTPToOtherHosts = trustsNetwork
            return request
        }
    }

    private static func wrong(_ url: String) -> MMError {
        // A password may stand before an @, and a secret behind a question mark.
        let mayHoldSecret = url.contains { $0 == "@" || $0 == "?" }
        return MMError(
            .invalidInput,
            "A pool's address can't be \(mayHoldSecret ? "one with `@` or `?`" : "`\(url.prefix(80))`").",
            hint: "Use https://host:port, http://127.0.0.1:port or unix:/path/to/socket.")
    }
}
