internal import MMCore
internal import MMHTTP

/// How a response's body is wanted.
enum BodyDelivery: Sendable {
    /// In memory, when all of it is there.
    case whole
    /// While it arrives, where the response is a success; errors and redirects come whole.
    case streamed

    /// Sends a request and returns its response.
    func exchange(_ wire: HTTPRequest, over transport: any HTTPTransport) async throws(HTTPError) -> GraphResponse {
        switch self {
        case .whole:
            let response = try await transport.send(wire)
            return GraphResponse(status: response.status, headers: response.headers, body: response.body)
        case .streamed:
            let response = try await transport.open(wire)
            guard (200..<300).contains(response.status) else {
                let body = try await response.collect(limit: 1 << 20)
                return GraphResponse(status: response.status, headers: response.headers, body: body)
            }
            return GraphResponse(
                status: response.status, headers: response.headers, body: [], stream: response.chunks)
        }
    }
}
