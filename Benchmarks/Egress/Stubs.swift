import MMCore
import MMEgress
import MMHTTP

/// Allows every request.
struct Everything: WireJudge {
    func judge(_ request: DescribedRequest) async -> RequestVerdict { .allow(class: "read") }
}

/// Has one token for each account.
struct OneToken: TokenSource {
    func token(for need: TokenNeed) async throws(MMError) -> Secret { Secret("real-token-of-\(need.account)") }
}

/// A token for Graph, as long as real ones.
func benchmarkToken() -> Secret {
    let claims = Base64.text(Array(#"{"aud":"https://graph.microsoft.com","exp":4000000000}"#.utf8), alphabet: .url)
    return Secret("eyJhbGciOiJSUzI1NiJ9.\(claims).\(RandomBytes.text(bytes: 256))")
}

/// Sends requests for any host to the server of this process.
struct ToService: HTTPTransport {
    private let client = HTTPClient(configuration: HTTPClientConfiguration(environment: [:]))
    let port: UInt16
    let look: @Sendable (HTTPRequest) -> Void

    init(port: UInt16, look: @escaping @Sendable (HTTPRequest) -> Void = { _ in }) {
        self.port = port
        self.look = look
    }

    func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse { try await client.send(turned(request)) }
    func open(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream { try await client.open(turned(request)) }

    private func turned(_ request: HTTPRequest) -> HTTPRequest {
        look(request)
        var request = request
        let path = request.url.dropFirst(8).drop { $0 != "/" }
        request.url = "http://127.0.0.1:\(port)\(path)"
        request.allowsPlainHTTP = true
        return request
    }
}
