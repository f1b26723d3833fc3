import Glibc
import MMCore
import MMHTTP
import MMPool
import MMSystem

/// The authenticator of a pool at a TCP address: it admits programs of the same user and callers with the secret, and
/// only under host names of this pool.
struct AddressAuthenticator: HTTPAuthenticator {
    private let senders: SenderRule
    private let secret: Secret?
    private let pages: PageRule
    private let refusesSessions: Bool

    /// Creates the authenticator of an address.
    /// - Parameters:
    ///   - options: who may connect.
    ///   - secret: the secret that clients present.
    ///   - refusesSessions: whether programs in sessions are refused, because they could reach other connections' pools
    ///     here.
    init(_ options: HTTPFaceOptions, secret: Secret?, refusesSessions: Bool = false) {
        self.refusesSessions = refusesSessions
        senders = SenderRule(options, hasSecret: secret != nil)
        self.secret = secret
        pages = options.pageRule
    }

    /// Returns the sender of a request, or the response that refuses it.
    func authenticate(_ request: HTTPServerRequest) -> AuthenticationResult<AdmittedPeer> {
        // A supervisor's probe only knows the address and has no secret. A web page's request has an Origin header and
        // is not a probe.
        if ProbeRoutes.isProbe(request), request.headers["Origin"] == nil { return .admitted(.network) }
        if let refusal = pages.refusal(of: request) {
            return .refused(.refusal(refusal.status, refusal.message))
        }
        switch senders.judge(request) {
        case .known where isInSession(request), .asked where secret == nil && isInSession(request):
            return .refused(.refusal(403, "Programs in a session can't use other connections."))
        case .known: return .admitted(.sameUser)
        case .refused(let reason): return .refused(.refusal(403, reason))
        case .asked:
            guard let secret else { return .admitted(.network) }
            let header = request.headers["Authorization"] ?? ""
            let given = header.dropFirst(7).drop { $0 == " " }
            guard header.prefix(7).lowercased() == "bearer ",
                ConstantTime.equal(Array(given.utf8), Array(secret.reveal().utf8))
            else {
                let refusal = BearerRefusal(given: request.headers["Authorization"])
                var answer = Problem.response(MMError(.forbidden, refusal.message), status: 401)
                answer.headers.set("WWW-Authenticate", refusal.challenge)
                return .refused(answer)
            }
            return .admitted(.bearer)
        }
    }

    /// Returns whether a program of this machine's user belongs to a session. A program whose process can't be
    /// determined counts as one.
    private func isInSession(_ request: HTTPServerRequest) -> Bool {
        guard refusesSessions, request.peerUser() == geteuid() else { return false }
        let processes = request.peerProcesses()
        return processes.isEmpty || processes.contains { SessionMark.isMarked($0) }
    }
}
