import MMCore
import MMHTTP

/// A collector in this process: keeps what it is sent, and answers as a test says.
final class StandInCollector: Sendable {
    struct Received: Sendable {
        let path: String
        let headers: HTTPHeaders
        let body: [UInt8]
        var json: JSONValue? { try? JSONParser.parse(body) }
        /// The body as JSON lines.
        var lines: [String] { String(decoding: body, as: UTF8.self).split(separator: "\n").map(String.init) }
    }

    private struct State {
        var accepted: [Received] = []
        var tries = 0
        var statuses: [Int] = []
        var longest: Int?
        var text: [UInt8] = []
        var isHeld = false
    }

    /// What the listener's requests and the test share.
    private final class Records: Sendable {
        let state: Mutex<State>

        init(_ statuses: [Int]) { state = Mutex(State(statuses: statuses)) }
    }

    private let records: Records
    private let listener: HTTPListener

    /// - Parameter port: 0 for any.
    init(port: UInt16 = 0, statuses: [Int] = []) throws {
        let records = Records(statuses)
        self.records = records
        listener = try HTTPListener.start(.tcp(host: "127.0.0.1", port: port)) { request in
            let received = Received(path: request.path, headers: request.headers, body: request.body)
            records.state.withLock { $0.tries += 1 }
            while records.state.withLock({ $0.isHeld }), !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(5))
            }
            let (status, text): (Int, [UInt8]) = records.state.withLock { state in
                if let longest = state.longest, received.body.count > longest { return (413, []) }
                let status = state.statuses.isEmpty ? 200 : state.statuses.removeFirst()
                if status == 200 { state.accepted.append(received) }
                return (status, state.text)
            }
            var answer = HTTPServerResponse(status: status, body: .bytes(text))
            if status == 429 { answer.headers.set("Retry-After", "0") }
            return answer
        }
    }

    var port: UInt16 { listener.port }
    var url: String { "http://127.0.0.1:\(port)" }
    var accepted: [Received] { records.state.withLock { $0.accepted } }
    var tries: Int { records.state.withLock { $0.tries } }

    /// What the next requests are answered with; 200 after them.
    func answer(_ statuses: [Int]) { records.state.withLock { $0.statuses = statuses } }

    /// The body of each answer.
    func say(_ text: String) { records.state.withLock { $0.text = Array(text.utf8) } }

    /// Refuses longer bodies.
    func take(atMost bytes: Int) { records.state.withLock { $0.longest = bytes } }

    /// Holds requests back, or lets them go on.
    func hold(_ isHeld: Bool) { records.state.withLock { $0.isHeld = isHeld } }

    func stop() async { await listener.stop(graceful: .zero) }
}
