import MMCore
import MMHTTP

/// What is known of a request so far.
final class RecordDraft: Sendable {
    private struct State {
        var requestClass: String?
        var status = 0
        var fault: String?
        var bytesUp = 0
        var bytesDown = 0
        var requestID: String?
        var wasSent = false
    }

    /// What services call a request.
    private static let names = ["request-id", "x-ms-request-id", "x-ms-correlation-request-id", "sprequestguid"]

    private let session: String
    private let number: UInt64
    private let time: Timestamp
    private let begin = ContinuousClock.now
    private let method: String
    private let host: String
    private let target: String
    private let state = Mutex(State())

    init(session: String, number: UInt64, time: Timestamp, method: String, host: String, target: String) {
        self.session = session
        self.number = number
        self.time = time
        self.method = method
        self.host = host
        self.target = target
    }

    /// Whether the client has got the head of an answer.
    var hasAnswered: Bool { state.withLock { $0.status != 0 } }

    func judged(_ name: String) { state.withLock { $0.requestClass = name } }
    func sent() { state.withLock { $0.wasSent = true } }
    func notSent() { state.withLock { $0.wasSent = false } }
    func answered(_ status: Int) { state.withLock { $0.status = status } }
    func raised(_ bytes: Int) { state.withLock { $0.bytesUp += bytes } }
    func passed(_ bytes: Int) { state.withLock { $0.bytesDown += bytes } }
    func failed(_ fault: WireFault) { state.withLock { $0.fault = fault.kind.rawValue } }

    /// The service has begun to answer.
    func heard(_ headers: HTTPHeaders) {
        let id = Self.names.lazy.compactMap { headers[$0] }.first.map { String($0.prefix(80)) }
        state.withLock { $0.requestID = id }
    }

    /// The record of a request that has ended.
    func finished(bytesUp: Int) -> EgressRecord {
        state.withLock { state in
            EgressRecord(
                session: session, number: number, time: time, duration: ContinuousClock.now - begin, method: method,
                host: host,
                pathTemplate: PathTemplate.of(target), requestClass: state.requestClass, status: state.status,
                fault: state.fault, bytesUp: bytesUp + state.bytesUp, bytesDown: state.bytesDown,
                requestID: state.requestID,
                wasSent: state.wasSent)
        }
    }
}
