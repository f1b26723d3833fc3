import Glibc
import MMCore
import MMHTTP
import MMPool

/// The authenticator of a pool at a Unix socket: only programs of the same user are admitted.
struct SocketAuthenticator: HTTPAuthenticator {
    /// The user whose programs are admitted.
    var user = geteuid()
    /// The only process that is admitted; `nil` for all of the user's processes.
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
        // Programs send no Origin header. A request that has one comes from a web page, forwarded by a proxy.
        guard request.headers["Origin"] == nil else {
            return .refused(.refusal(403, "Web pages can't use this socket."))
        }
        return .admitted(.process(pid: pid))
    }
}

extension HTTPServerResponse {
    /// Returns the response to a client that a pool does not admit.
    static func refusal(_ status: Int, _ message: String) -> HTTPServerResponse {
        Problem.response(MMError(.forbidden, message), status: status)
    }
}
