import Glibc
import MMHTTP
import MMMCP

/// Judges who sent a request to an address: one rule for the pool's addresses and for those of `mm-mcp`.
///
/// This machine's own user is known by the socket's other end; everybody else needs the secret. What a browser sends for a
/// page is judged before (`PageRule`): a page is nobody's program, whoever sits before it.
struct SenderRule: Sendable {
    /// What is known of a request's sender.
    enum Entry: Sendable {
        /// It is this one.
        case known(Principal)
        /// The secret decides; without one everybody is admitted.
        case asked
        /// Nobody we know.
        case refused(String)
    }

    private let user: UInt32
    private let hasSecret: Bool
    private let trustsNetwork: Bool
    private let judgesPeers: Bool

    /// A rule.
    /// - Parameters:
    ///   - options: who may connect.
    ///   - hasSecret: whether there is a secret to ask for.
    ///   - user: the user whose programs are let in.
    init(_ options: HTTPFaceOptions, hasSecret: Bool, user: UInt32 = geteuid()) {
        self.user = user
        self.hasSecret = hasSecret
        trustsNetwork = options.trustsNetwork
        judgesPeers = !options.isBehindProxy
    }

    /// Judges one request.
    func judge(_ request: HTTPServerRequest) -> Entry {
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
}
