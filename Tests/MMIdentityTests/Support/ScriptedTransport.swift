import MMCore
import MMHTTP

/// A network in memory that answers by script and records the requests.
final class ScriptedTransport: HTTPTransport {
    typealias Script = @Sendable (HTTPRequest, Int) throws(HTTPError) -> HTTPResponse

    private let script: Script
    private let log = Mutex<[HTTPRequest]>([])

    /// - Parameter script: gets the request and the number of earlier ones.
    init(_ script: @escaping Script) {
        self.script = script
    }

    var requests: [HTTPRequest] { log.withLock { $0 } }

    func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        let number = log.withLock { log in
            log.append(request)
            return log.count - 1
        }
        return try script(request, number)
    }

    func open(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream {
        let response = try await send(request)
        return HTTPStream(status: response.status, headers: response.headers, chunks: HTTPBody([response.body]))
    }
}

extension HTTPRequest {
    /// The fields of a form.
    var form: [String: String] {
        let text = String(decoding: body ?? [], as: UTF8.self)
        return Dictionary(
            text.split(separator: "&").map { pair in
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (String(parts[0]), PercentCoding.decode(parts.count > 1 ? parts[1].utf8.map { $0 } : []) ?? "")
            }, uniquingKeysWith: { first, _ in first })
    }
}

extension HTTPResponse {
    static func json(_ value: JSONValue, status: Int = 200, headers: HTTPHeaders = [:]) -> HTTPResponse {
        var headers = headers
        headers.set("Content-Type", "application/json; charset=utf-8")
        return HTTPResponse(status: status, headers: headers, body: JSONWriter.bytes(value))
    }
}
