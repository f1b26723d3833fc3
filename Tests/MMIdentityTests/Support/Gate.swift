import MMCore
import MMHTTP

/// Holds a request until a test lets it go.
actor Gate {
    private var isOpen = false
    private var isReached = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var watchers: [CheckedContinuation<Void, Never>] = []

    func pass() async {
        isReached = true
        for watcher in watchers { watcher.resume() }
        watchers = []
        guard !isOpen else { return }
        await withCheckedContinuation { waiting.append($0) }
    }

    func open() {
        isOpen = true
        for one in waiting { one.resume() }
        waiting = []
    }

    func untilReached() async {
        guard !isReached else { return }
        await withCheckedContinuation { watchers.append($0) }
    }
}

/// Answers once the gate is open.
struct GatedTransport: HTTPTransport {
    let gate: Gate
    let answer: HTTPResponse

    func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        await gate.pass()
        return answer
    }

    func open(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream {
        HTTPStream(status: answer.status, headers: answer.headers, chunks: HTTPBody([answer.body]))
    }
}

/// Pauses that were asked for.
final class Waits: Sendable {
    private let list = Mutex<[Duration]>([])
    func add(_ wait: Duration) { list.withLock { $0.append(wait) } }
    var all: [Duration] { list.withLock { $0 } }
}

/// Answers each request with the next token, once the gate is open.
final class NumberingTransport: HTTPTransport {
    private let gate: Gate
    private let life: Int
    private let number = Mutex(0)

    init(gate: Gate, life: Int) {
        self.gate = gate
        self.life = life
    }

    var count: Int { number.withLock { $0 } }

    func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        let mine = number.withLock { number in
            number += 1
            return number
        }
        await gate.pass()
        return Contoso.tokens(access: "token-\(mine)", life: life)
    }

    func open(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream {
        let response = try await send(request)
        return HTTPStream(status: response.status, headers: response.headers, chunks: HTTPBody([response.body]))
    }
}
