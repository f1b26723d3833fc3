import MMCore
import MMHTTP
import MMMCP

/// The authenticator of `mm-mcp` at an address: this machine's own user is known by the socket's other end, everybody else as the
/// engine admits them. What is let in is the request as the engine takes it, with its sender.
struct MCPAuthenticator: HTTPAuthenticator {
    private let senders: SenderRule
    private let engine: StreamableHTTP
    private let open: Set<String>

    /// Creates an authenticator.
    /// - Parameters:
    ///   - senders: judges who sent a request.
    ///   - engine: judges the names under which it is reached, and the secret.
    ///   - open: the paths of pages that hold nothing of anybody's.
    init(_ senders: SenderRule, _ engine: StreamableHTTP, open: Set<String>) {
        self.senders = senders
        self.engine = engine
        self.open = open
    }

    func authenticate(_ request: HTTPServerRequest) -> AuthenticationResult<MCPHTTPRequest> {
        var admitted = MCPHTTPRequest(
            method: request.method, path: request.path, headers: request.headers.map { ($0.name, $0.value) },
            body: request.body)
        guard !open.contains(request.path) else { return .admitted(admitted) }
        switch senders.judge(request) {
        case .known(let known): admitted.principal = known
        case .asked: break
        case .refused(let reason):
            let error: JSONValue = [
                "jsonrpc": "2.0", "id": nil, "error": ["code": -32600, "message": .string(reason)],
            ]
            return .refused(.json(JSONWriter.bytes(error), status: 403))
        }
        guard let refused = engine.refusal(forHeadOf: admitted), case .bytes(let bytes) = refused.body else {
            return .admitted(admitted)
        }
        return .refused(
            HTTPServerResponse(status: refused.status, headers: HTTPHeaders(of: refused), body: .bytes(bytes)))
    }
}

extension HTTPHeaders {
    /// The header fields of an answer of the engine.
    init(of response: MCPHTTPResponse) {
        self.init()
        for header in response.headers { add(header.name, header.value) }
    }
}
