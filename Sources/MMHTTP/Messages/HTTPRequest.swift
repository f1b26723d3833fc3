/// A request to send.
package struct HTTPRequest: Sendable {
    /// The method, a token: `GET`, `POST`, `PATCH`…
    package var method: String
    /// The absolute URL, sent as it stands: nothing is encoded, decoded or normalised.
    package var url: String
    /// The header fields; `Content-Length` and `Host` are made from body and URL.
    package var headers: HTTPHeaders
    /// The body, or nil for none.
    package var body: [UInt8]?
    /// A body that arrives while it is sent, in the place of `body`.
    package var upload: HTTPUpload?
    /// Whether it is never sent a second time but where it reads alone, whatever its method allows.
    package var isSentOnce = false
    /// The time for the whole exchange; for a streamed answer, until its headers are here.
    package var timeout: Duration
    /// How long a body that has begun may stand still; nil means the client's own, zero means for ever.
    package var stallTimeout: Duration?
    /// The largest answer `send` takes, after decompression. A stream's reader counts for itself.
    package var maxResponseBytes: Int
    /// The path of a Unix socket to connect to in place of the URL's host.
    package var unixSocket: String?
    /// The user who must listen at that socket: nothing is sent to anybody else. Nil for anyone.
    package var unixSocketOwner: UInt32?
    /// Whether `http:` is allowed; even then only to a loopback address or through a Unix socket.
    package var allowsPlainHTTP: Bool
    /// Whether `http:` is allowed to other machines as well: somebody has said that the network between is closed.
    package var trustsNetwork = false

    /// A request.
    /// - Parameters:
    ///   - method: the method.
    ///   - url: the absolute URL.
    ///   - headers: the header fields.
    ///   - body: the body.
    ///   - timeout: the time for the whole exchange.
    ///   - stallTimeout: how long a body may stand still.
    ///   - maxResponseBytes: the largest answer.
    ///   - unixSocket: a Unix socket's path.
    ///   - allowsPlainHTTP: whether `http:` to this machine is allowed.
    package init(
        method: String = "GET", url: String, headers: HTTPHeaders = [:], body: [UInt8]? = nil,
        timeout: Duration = .seconds(100), stallTimeout: Duration? = nil, maxResponseBytes: Int = 64 << 20,
        unixSocket: String? = nil, allowsPlainHTTP: Bool = false
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.stallTimeout = stallTimeout
        self.maxResponseBytes = maxResponseBytes
        self.unixSocket = unixSocket
        self.allowsPlainHTTP = allowsPlainHTTP
    }
}
