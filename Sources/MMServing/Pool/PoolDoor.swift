import Glibc
import MMCore
import MMHTTP
import MMPoolWire
import MMREST
import MMSystem

/// Stands in front of a face: who is not let in does not reach it.
struct PoolDoor: Sendable {
    private let door: HTTPDoor
    private let secret: Secret?
    private let names: Set<String>
    private let allowed: Set<String>
    private let admitsNumericHosts: Bool
    private let refusesSessions: Bool

    /// The door of a face at a TCP address.
    /// - Parameters:
    ///   - options: who may connect.
    ///   - secret: what clients prove themselves with.
    ///   - refusesSessions: whether programs of sessions are kept out, which would reach other connections' pools here.
    init(_ options: HTTPFaceOptions, secret: Secret?, refusesSessions: Bool = false) {
        self.refusesSessions = refusesSessions
        door = HTTPDoor(options, hasSecret: secret != nil)
        self.secret = secret
        names = Set((options.hostNames + ["localhost", "127.0.0.1", "[::1]"]).map { $0.lowercased() })
        allowed = Set(options.allowedHosts.map { $0.lowercased() })
        admitsNumericHosts = options.trustsNetwork
    }

    /// A handler behind the door.
    func inFront(of handler: @escaping PoolFace.Handler) -> HTTPHandler {
        { request in
            switch judge(request) {
            case .success(let peer): await handler(request, peer)
            case .failure(let refusal): refusal.answer
            }
        }
    }

    /// What refuses the large bodies of those who are not let in.
    var admission: HTTPAdmission {
        { request in
            if case .failure(let refusal) = judge(request) { return refusal.answer }
            return nil
        }
    }

    /// Who sent a request, or the answer to one who is not let in.
    func judge(_ request: HTTPServerRequest) -> Result<AdmittedPeer, Refusal> {
        // A page that made its name point to us (DNS rebinding) sends that name.
        guard let host = request.headers["Host"], isOwn(host: host) else {
            return Self.refuse(421, "This server is not reached under this name.")
        }
        for origin in request.headers.values(for: "Origin") where !isOwn(page: origin, host: host) {
            return Self.refuse(403, "Pages of this origin may not use this server.")
        }
        switch door.judge(request) {
        case .known where isInSession(request), .asked where secret == nil && isInSession(request):
            return Self.refuse(403, "Programs in a session of one connection may not use the others'.")
        case .known: return .success(.sameUser)
        case .refused(let reason): return Self.refuse(403, reason)
        case .asked:
            guard let secret else { return .success(.network) }
            let header = request.headers["Authorization"] ?? ""
            let given = header.dropFirst(7).drop { $0 == " " }
            guard header.prefix(7).lowercased() == "bearer ",
                ConstantTime.equal(Array(given.utf8), Array(secret.reveal().utf8))
            else {
                let refusal = BearerRefusal(given: request.headers["Authorization"])
                var answer = Self.answer(401, refusal.message)
                answer.headers.set("WWW-Authenticate", refusal.challenge)
                return .failure(Refusal(answer: answer))
            }
            return .success(.bearer)
        }
    }

    /// Whether a program of this machine's user belongs to a session; one that hides from this user counts as such.
    private func isInSession(_ request: HTTPServerRequest) -> Bool {
        guard refusesSessions, request.peerUser() == geteuid() else { return false }
        let processes = request.peerProcesses()
        return processes.isEmpty || processes.contains { SessionMark.isOn($0) }
    }

    /// A handler that lets in programs of this user alone, over a Unix socket.
    static func sameUser(_ user: UInt32, _ handler: @escaping PoolFace.Handler) -> HTTPHandler {
        { request in
            guard case .unix(user, let pid) = request.peer else {
                return answer(403, "Only programs of the user who started this pool may connect.")
            }
            // Programs speak over sockets; what a page had sent here, a proxy has forwarded.
            if request.headers["Origin"] != nil {
                return answer(403, "Pages may not use this socket.")
            }
            return await handler(request, .process(pid: pid))
        }
    }

    /// The answer to one who is not let in.
    struct Refusal: Error {
        let answer: HTTPServerResponse
    }

    private static func refuse(_ status: Int, _ message: String) -> Result<AdmittedPeer, Refusal> {
        .failure(Refusal(answer: answer(status, message)))
    }

    private static func answer(_ status: Int, _ message: String) -> HTTPServerResponse {
        .json(JSONWriter.bytes(.object(MMError(.forbidden, message).json)), status: status)
    }

    /// Whether a page was served here: at the address and port that the request came to, since another server of this
    /// machine is somebody else's; or under a name that was allowed, whose port a proxy may have changed.
    private func isOwn(page origin: String, host: String) -> Bool {
        let text = origin.lowercased()
        guard let scheme = ["http://", "https://"].first(where: { text.hasPrefix($0) }) else { return false }
        let authority = String(text.dropFirst(scheme.count))
        guard let name = HostName(authority) else { return false }
        return authority == host.lowercased() || allowed.contains(name.text)
    }

    private func isOwn(host: String) -> Bool {
        guard let name = HostName(host) else { return false }
        return names.contains(name.text) || (admitsNumericHosts && name.isNumeric)
    }
}

extension RESTRouter.Settings {
    /// The names under which an address is reached.
    init(_ options: HTTPFaceOptions) {
        self.init()
        allowedHosts = options.hostNames
        admitsNumericHosts = options.trustsNetwork
    }
}
