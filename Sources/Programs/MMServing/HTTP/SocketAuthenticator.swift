import Glibc
import MMCore
import MMHTTP
import MMPool

/// The authenticator of a pool at a Unix socket: only programs of the same user are admitted.
struct SocketAuthenticator: HTTPAuthenticator {
    /// The user whose programs are let in.
    var user = geteuid()
    /// The only process that is let in; `nil`: every one of the user's.
    var process: Int32?

    func authenticate(_ request: HTTPServerRequest) -> AuthenticationResult<AdmittedPeer> {
        guard case .unix(user, let pid) = request.peer, process == nil || pid == process else {
            return .refused(
                .refusal(
                    403,
                    process == nil
                        ? "Only programs of the user who started this pool may connect."
                        : "Only the router may connect."))
        }
        // Programs speak over sockets; what a page had sent here, a proxy has forwarded.
        guard request.headers["Origin"] == nil else { return .refused(.refusal(403, "Pages may not use this socket.")) }
        return .admitted(.process(pid: pid))
    }
}

extension HTTPServerResponse {
    /// The answer to one whom a pool does not let in.
    static func refusal(_ status: Int, _ message: String) -> HTTPServerResponse {
        Problem.response(MMError(.forbidden, message), status: status)
    }
}
