import Glibc
import MMHTTP
import MMMCP

/// Decides who may connect, before the engine looks at a request.
///
/// This machine's own user is known by the socket's other end; everybody else needs the secret. A web page is nobody's
/// program: what a browser sends for a foreign page is refused, whoever sits before it.
struct HTTPDoor: Sendable {
    /// What the door knows of a request's sender.
    enum Entry: Sendable {
        /// It is this one.
        case known(Principal)
        /// The engine's own check of the secret decides; without a secret everybody is admitted.
        case asked
        /// Nobody we know.
        case refused(String)
    }

    private let user: UInt32
    private let hasSecret: Bool
    private let trustsNetwork: Bool
    private let judgesPeers: Bool
    private let names: Set<String>

    /// A door.
    /// - Parameters:
    ///   - options: who may connect.
    ///   - hasSecret: whether there is a secret to ask for.
    ///   - user: the user whose programs are let in.
    init(_ options: HTTPFaceOptions, hasSecret: Bool, user: UInt32 = geteuid()) {
        self.user = user
        self.hasSecret = hasSecret
        trustsNetwork = options.trustsNetwork
        judgesPeers = !options.isBehindProxy
        names = Set(options.hostNames + ["localhost", "127.0.0.1", "[::1]"])
    }

    /// Judges one request.
    func judge(_ request: HTTPServerRequest) -> Entry {
        for origin in request.headers.values(for: "Origin") where !isOwn(origin, host: request.headers["Host"]) {
            return .refused("Pages of this origin may not use this server.")
        }
        // A secret that is given must be right, also from one who would not need it.
        if hasSecret, request.headers["Authorization"] != nil { return .asked }
        if judgesPeers, !isForwarded(request), request.peerUser() == user { return .known(Principal("uid:\(user)")) }
        if hasSecret || trustsNetwork { return .asked }
        return .refused(
            "Only programs of the user who started this server may connect; others need a secret (--token-file).")
    }

    /// Behind a proxy the peer is the proxy, even where nobody told us of one.
    private func isForwarded(_ request: HTTPServerRequest) -> Bool {
        ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"].contains { request.headers[$0] != nil }
    }

    /// Whether a page is one of this server's own names, or has the name under which the request came.
    private func isOwn(_ origin: String, host: String?) -> Bool {
        guard let scheme = ["http://", "https://"].first(where: { origin.lowercased().hasPrefix($0) }) else {
            return false
        }
        let authority = origin.dropFirst(scheme.count)
        guard let name = Self.name(authority) else { return false }
        return names.contains(name) || (host.map { Self.name(Substring($0)) == name } ?? false)
    }

    /// The name of `name:port` in small letters; `nil` when it is neither that nor a name alone.
    private static func name(_ authority: Substring) -> String? {
        let text = authority.lowercased()
        var name = Substring(text)
        var rest: Substring = ""
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            name = text[...end]
            rest = text[text.index(after: end)...]
        } else if let colon = text.firstIndex(of: ":") {
            name = text[..<colon]
            rest = text[colon...]
        }
        guard rest.isEmpty || (rest.first == ":" && UInt16(rest.dropFirst()) != nil), !name.isEmpty,
            !name.contains(where: { "/@?# ".contains($0) })
        else { return nil }
        return String(name)
    }
}
