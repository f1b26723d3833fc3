import MMCore
import MMHTTP
import MMMCP

/// The authenticator of `mm-mcp` at an address: this machine's own user is known by the socket's other end, everybody else as the
/// engine admits them. What is let in is the request as the engine takes it, with its sender.
struct MCPAuthenticator: HTTPAuthenticator {
    private let pages: PageRule
    private let senders: SenderRule
    private let engine: StreamableHTTP
    private let gate: OAuthGate?
    private let open: Set<String>

    /// Creates an authenticator.
    /// - Parameters:
    ///   - pages: judges names and web pages.
    ///   - senders: judges who sent a request.
    ///   - engine: judges the names under which it is reached, and the secret.
    ///   - gate: judges access tokens, where they and nothing else admit.
    ///   - open: the paths of pages that hold nothing of anybody's.
    init(
        _ pages: PageRule, _ senders: SenderRule, _ engine: StreamableHTTP, gate: OAuthGate? = nil, open: Set<String>
    ) {
        self.pages = pages
        self.gate = gate
        self.senders = senders
        self.engine = engine
        self.open = open
    }

    func authenticate(_ request: HTTPServerRequest) -> AuthenticationResult<MCPHTTPRequest> {
        var admitted = MCPHTTPRequest(
            method: request.method, path: request.path, headers: request.headers.map { ($0.name, $0.value) },
            body: request.body)
        if FaceProbes.isProbe(request) { return .admitted(admitted) }
        if gate == nil, open.contains(request.path) { return .admitted(admitted) }
        if let refusal = pages.refusal(of: request) { return .refused(Self.foreign(refusal.message, refusal.status)) }
        if let gate { return admit(request, admitted, gate) }
        switch senders.judge(request) {
        case .known(let known): admitted.principal = known
        case .asked: break
        case .refused(let reason):
            return .refused(Self.foreign(reason))
        }
        return refusal(of: admitted).map { .refused($0) } ?? .admitted(admitted)
    }

    /// Where access tokens admit, pages of this server are open under its own names alone: what they say of it depends on
    /// the name.
    private func admit(
        _ request: HTTPServerRequest, _ given: MCPHTTPRequest, _ gate: OAuthGate
    ) -> AuthenticationResult<MCPHTTPRequest> {
        var looked = given
        looked.principal = Principal("unknown")
        if open.contains(request.path) { looked.path = engine.path }
        if let refused = refusal(of: looked) { return .refused(refused) }
        guard !open.contains(request.path) else { return .admitted(given) }
        var admitted = given
        switch gate.judge(request) {
        case .known(let principal): admitted.principal = principal
        case .open: break
        case .refused(let refusal): return .refused(gate.response(to: request, refusal))
        }
        return .admitted(admitted)
    }

    /// The engine's refusal of a request's head.
    private func refusal(of request: MCPHTTPRequest) -> HTTPServerResponse? {
        guard let refused = engine.refusal(forHeadOf: request), case .bytes(let bytes) = refused.body else {
            return nil
        }
        return HTTPServerResponse(status: refused.status, headers: HTTPHeaders(of: refused), body: .bytes(bytes))
    }

    private static func foreign(_ reason: String, _ status: Int = 403) -> HTTPServerResponse {
        let error: JSONValue = ["jsonrpc": "2.0", "id": nil, "error": ["code": -32600, "message": .string(reason)]]
        return .json(JSONWriter.bytes(error), status: status)
    }
}

extension HTTPHeaders {
    /// The header fields of an answer of the engine.
    init(of response: MCPHTTPResponse) {
        self.init()
        for header in response.headers { add(header.name, header.value) }
    }
}
