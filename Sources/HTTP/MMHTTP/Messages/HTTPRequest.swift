/// A request to send.
package struct HTTPRequest: Sendable {
    /// The method, a token such as `GET`, `POST` or `PATCH`.
    package var method: String
    /// The absolute URL, sent unchanged: nothing is encoded, decoded or normalised.
    package var url: String
    /// The header fields; `Content-Length` and `Host` are derived from the body and the URL.
    package var headers: HTTPHeaders
    /// The body, or nil for none.
    package var body: [UInt8]?
    /// A body that arrives while it is being sent, instead of `body`.
    package var upload: HTTPUpload?
    /// Whether the request is never resent, even if its method allows it; methods that only read are exempt.
    package var isNeverResent = false
    /// The time limit for the whole exchange; for a streamed response, until its headers have arrived.
    package var timeout: Duration
    /// The time that a body may stall once it has begun; nil for the client's default, zero for no limit.
    package var stallTimeout: Duration?
    /// The maximum size of a response for `send`, in bytes after decompression. Readers of a stream apply their own
    /// limit.
    package var maxResponseBytes: Int
    /// The path of a Unix socket to connect to instead of the URL's host.
    package var unixSocket: String?
    /// The user who must listen at that socket; nothing is sent to anyone else. Nil for any user.
    package var unixSocketOwner: UInt32?
    /// Whether `http:` is allowed; even then only to a loopback address or through a Unix socket.
    package var allowsPlainHTTP: Bool
    /// Whether `http:` is also allowed to other machines, because the network between them was declared private.
    package var allowsPlainHTTPToOtherHosts = false

    /// The permit that is checked before anything is sent; nil for the permit of the sending task.
    package var permit: SendPermit?

    /// Creates a request.
    /// - Parameters:
    ///   - method: the method.
    ///   - url: the absolute URL.
    ///   - headers: the header fields.
    ///   - body: the body.
    ///   - timeout: the time limit for the whole exchange.
    ///   - stallTimeout: the time that a body may stall.
    ///   - maxResponseBytes: the maximum size of the response in bytes.
    ///   - unixSocket: the path of a Unix socket.
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
