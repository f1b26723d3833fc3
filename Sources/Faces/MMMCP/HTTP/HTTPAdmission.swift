import MMCore

/// Decides which requests are admitted, before their bodies are looked at.
struct HTTPAdmission: Sendable {
    let options: HTTPOptions

    /// Checks path, Host, Origin and bearer secret, in this order.
    /// - Returns: the sender, or the refusal.
    func admit(_ request: MCPHTTPRequest) -> Result<Principal, Refusal> {
        guard request.path == options.path || request.path == options.path + "/" else {
            return .failure(Refusal(404, "This path does not exist. The endpoint is \(options.path)."))
        }
        let given = request.value(of: "Host") ?? ""
        let host = Self.name(ofHost: given)
        guard isAllowed(host: host) else {
            return .failure(Refusal(421, "This server doesn't serve the host name `\(given.prefix(100))`."))
        }
        let origins = request.values(of: "Origin")
        guard origins.allSatisfy({ isAllowed(origin: $0, of: host) }) else {
            return .failure(Refusal(403, "Web pages of this origin can't use this server."))
        }
        if let principal = request.principal { return .success(principal) }
        guard !options.requiresPrincipal else {
            return .failure(Refusal(401, "An access token is needed.", [("WWW-Authenticate", "Bearer")]))
        }
        guard let secret = options.secret else { return .success(Principal("http")) }
        let header = request.value(of: "Authorization")
        guard let given = header.flatMap(Self.bearer),
            ConstantTime.equal(Array(given.utf8), Array(secret.reveal().utf8))
        else {
            let refusal = BearerRefusal(given: header, resourceMetadata: options.resourceMetadata)
            return .failure(Refusal(401, refusal.message, [("WWW-Authenticate", refusal.challenge)]))
        }
        return .success(.secretHolder)
    }

    /// A response that refuses a request.
    struct Refusal: Error, Sendable {
        let status: Int
        let message: String
        var headers: [(name: String, value: String)] = []

        init(_ status: Int, _ message: String, _ headers: [(name: String, value: String)] = []) {
            self.status = status
            self.message = message
            self.headers = headers
        }

        var response: MCPHTTPResponse {
            var response = MCPHTTPResponse.error(MCPError(code: -32600, message), status: status)
            response.headers += headers
            return response
        }
    }

    private static func bearer(_ header: String) -> String? {
        guard header.utf8.count > 7, header.prefix(7).lowercased() == "bearer " else { return nil }
        return header.dropFirst(7).trimmedOfSpacesAndTabs
    }

    /// Returns the name in a Host header without its port (RFC 9110, section 7.2).
    private static func name(ofHost host: String) -> String {
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            let rest = host[host.index(after: end)...]
            return isPort(rest) ? host[...end].lowercased() : ""
        }
        guard let colon = host.firstIndex(of: ":") else { return host.lowercased() }
        return isPort(host[colon...]) ? host[..<colon].lowercased() : ""
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.isEmpty
            || (text.first == ":" && text.utf8.count <= 6
                && text.utf8.dropFirst().allSatisfy { $0 >= 0x30 && $0 <= 0x39 })
    }

    private func isAllowed(host name: String) -> Bool {
        isOwn(name) || (options.allowsIPAddressHosts && Self.isNumeric(name))
    }

    private func isOwn(_ name: String) -> Bool {
        ["localhost", "127.0.0.1", "[::1]"].contains(name)
            || options.allowedHosts.contains { $0.lowercased() == name }
    }

    /// Whether a name is an IPv4 address in dotted decimal, or an address in brackets. No web page can make such a name
    /// resolve to this server (DNS rebinding).
    private static func isNumeric(_ name: String) -> Bool {
        if name.hasPrefix("["), name.hasSuffix("]") {
            return name.utf8.dropFirst().dropLast().allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x61...0x66, UInt8(ascii: ":"), UInt8(ascii: "."): true
                default: false
                }
            }
        }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }

    /// Whether a page of this origin may send requests. The origin must carry one of the server's own names. A numeric
    /// address that is admitted only because all of them are must be the address that the request was sent to: a page
    /// at another address belongs to somebody else.
    private func isAllowed(origin: String, of host: String) -> Bool {
        for scheme in ["http://", "https://"] where origin.hasPrefix(scheme) {
            let name = Self.name(ofHost: String(origin.dropFirst(scheme.count)))
            return isOwn(name) || (name == host && isAllowed(host: name))
        }
        return false
    }
}

/// An HTTP response, independent of the HTTP server that sends it.
public struct MCPHTTPResponse: Sendable {
    /// The content of the response.
    public enum Body: Sendable {
        /// The complete body.
        case bytes([UInt8])
        /// Server-Sent Events, sent as they occur.
        case events(EventStream)
        /// A single answer that is produced while it is sent.
        case streamed(StreamedBody)
    }

    /// The status code.
    public var status: Int
    /// The header fields.
    public var headers: [(name: String, value: String)]
    /// The body.
    public var body: Body

    public init(status: Int, headers: [(name: String, value: String)] = [], body: Body = .bytes([])) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    static func json(_ bytes: [UInt8], status: Int) -> MCPHTTPResponse {
        MCPHTTPResponse(status: status, headers: [("Content-Type", "application/json")], body: .bytes(bytes))
    }

    static func streamed(_ body: StreamedBody, status: Int) -> MCPHTTPResponse {
        MCPHTTPResponse(status: status, headers: [("Content-Type", "application/json")], body: .streamed(body))
    }

    /// Returns the response that refuses a request.
    package static func error(_ error: MCPError, status: Int, id: RequestID? = nil) -> MCPHTTPResponse {
        .json(Envelope.error(id, error).bytes, status: status)
    }

    static func events(_ stream: EventStream) -> MCPHTTPResponse {
        MCPHTTPResponse(
            status: 200,
            headers: [
                ("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache"), ("X-Accel-Buffering", "no"),
            ],
            body: .events(stream)
        )
    }

    /// Returns the response with one more header.
    package func with(_ name: String, _ value: String) -> MCPHTTPResponse {
        var copy = self
        copy.headers.append((name, value))
        return copy
    }
}

/// A JSON answer with long texts, produced while it is sent, so that it is never in memory as a whole.
///
/// The HTTP server that sends it calls ``forEach(_:)`` once, or ``close()`` when the client disconnects before that.
public final class StreamedBody: Sendable {
    private let reply: StreamedReply
    private let onClose: Mutex<(@Sendable () -> Void)?>

    init(_ reply: StreamedReply, onClose: @escaping @Sendable () -> Void) {
        self.reply = reply
        self.onClose = Mutex(onClose)
    }

    deinit { close() }

    /// Passes every piece to `send`, in order, and closes the body, however that ends.
    /// - Throws: what `send` throws.
    public func forEach<Failure: Error>(_ send: ([UInt8]) async throws(Failure) -> Void) async throws(Failure) {
        defer { close() }
        try await reply.send(send)
    }

    /// Ends the body, sent whole or not, and with it the call behind it.
    public func close() {
        let body = onClose.withLock { body in
            defer { body = nil }
            return body
        }
        body?()
    }
}
