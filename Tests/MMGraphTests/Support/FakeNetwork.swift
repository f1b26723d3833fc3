import MMCore
import MMHTTP
import MMIdentity

/// A network in memory that answers by script and records the requests.
final class FakeNetwork: HTTPTransport {
    typealias Script = @Sendable (HTTPRequest, Int) throws(HTTPError) -> HTTPResponse

    private let script: Script
    /// What the sign-in service answers; tokens unless set.
    let signIn: HTTPResponse?
    private let log = Mutex<(services: [HTTPRequest], tokens: [HTTPRequest])>(([], []))

    /// - Parameters:
    ///   - signIn: what the sign-in service answers; `nil` for tokens.
    ///   - script: gets each request to a service and the number of earlier ones.
    init(signIn: HTTPResponse? = nil, _ script: @escaping Script) {
        self.signIn = signIn
        self.script = script
    }

    /// Answers in this order; the last one repeats.
    convenience init(_ answers: HTTPResponse...) {
        self.init { _, number in answers[min(number, answers.count - 1)] }
    }

    /// What the script answers.
    func answer(_ request: HTTPRequest, _ number: Int) throws(HTTPError) -> HTTPResponse { try script(request, number) }

    var requests: [HTTPRequest] { log.withLock { $0.services } }
    var tokenRequests: [HTTPRequest] { log.withLock { $0.tokens } }

    func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        if request.url.hasPrefix("https://login.") {
            let number = log.withLock { log in
                log.tokens.append(request)
                return log.tokens.count
            }
            return signIn ?? Contoso.tokens("renewed-\(number)")
        }
        let number = log.withLock { log in
            log.services.append(request)
            return log.services.count - 1
        }
        return try script(request, number)
    }

    func open(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream {
        let response = try await send(request)
        return HTTPStream(status: response.status, headers: response.headers, chunks: HTTPBody([response.body]))
    }
}

extension HTTPResponse {
    static func json(_ text: String, status: Int = 200, headers: HTTPHeaders = [:]) -> HTTPResponse {
        var headers = headers
        headers.set("Content-Type", "application/json; charset=utf-8")
        return HTTPResponse(status: status, headers: headers, body: Array(text.utf8))
    }

    /// The recorded answer of an exchange.
    static func recorded(_ exchange: JSONValue) -> HTTPResponse {
        var headers: HTTPHeaders = [:]
        for (name, value) in exchange["response"]?["headers"]?.object ?? [:] { headers.add(name, value.string ?? "") }
        let body: [UInt8] =
            switch exchange["response"]?["body"] {
            case nil, .null: []
            case .string(let text): Array(text.utf8)
            case let value?: JSONWriter.bytes(value)
            }
        return HTTPResponse(status: exchange["response"]?["status"]?.int ?? 0, headers: headers, body: body)
    }
}
