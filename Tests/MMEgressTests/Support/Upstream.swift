import Glibc
import MMCore
import MMHTTP

/// The services of a cloud in the test, which record the requests they receive.
final class Upstream: Sendable {
    let port: UInt16
    private let listener: HTTPListener
    private let requests: RequestList

    /// Starts to answer.
    init(_ answer: @escaping @Sendable (HTTPServerRequest) async -> HTTPServerResponse = { _ in .text("{}") }) throws {
        let requests = RequestList()
        self.requests = requests
        // A large body takes a while on a busy machine.
        let limits = HTTPServerLimits(idleTimeout: .seconds(600), requestTimeout: .seconds(600))
        listener = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0), limits: limits) { request in
            requests.add(request)
            return await answer(request)
        }
        port = listener.port
    }

    /// The requests received.
    var received: [HTTPServerRequest] { requests.all }

    func stop() async { await listener.stop(graceful: .zero) }
}

/// Collects requests from any thread.
final class RequestList: Sendable {
    private let requests = Mutex<[HTTPServerRequest]>([])
    func add(_ request: HTTPServerRequest) { requests.withLock { $0.append(request) } }
    var all: [HTTPServerRequest] { requests.withLock { $0 } }
}
