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
        case .known: return refusal(request).map { .refused($0) } ?? .admitted(.sameUser)
        case .refused(let reason): return .refused(.refusal(403, reason))
        case .asked:
            guard let secret else { return refusal(request).map { .refused($0) } ?? .admitted(.network) }
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

    /// Returns the response that refuses a program of this machine's user that belongs to a session. A program whose
    /// process can't be determined counts as one.
    private func refusal(_ request: HTTPServerRequest) -> HTTPServerResponse? {
        guard refusesSessions, request.peerUser() == geteuid() else { return nil }
        let processes = request.peerProcesses()
        do throws(MMError) {
            var isInSession = processes.isEmpty
            for process in processes where try SessionMark.isMarked(process) { isInSession = true }
            return isInSession ? .refusal(403, "Programs in a session can't use other connections.") : nil
        } catch {
            return Problem.response(error)
        }
    }
}
