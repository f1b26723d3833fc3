import MMCore
import MMHTTP

/// Writes answers to a session's client.
///
/// An answer that is complete is sent in one write: each separate part would wake its client.
final class AnswerWriter: AnswerSink {
    private static let mostHeld = 32 << 10
    private let channel: WireChannel
    private let held = Mutex<[UInt8]>([])

    init(_ channel: WireChannel) { self.channel = channel }

    /// Reports that the tunnel is established.
    func established() async throws(WireFault) {
        try await channel.write(Array("HTTP/1.1 200 Connection established\r\n\r\n".utf8))
    }

    /// Tells the client to send the announced body.
    func goOn() async throws(WireFault) {
        try await channel.write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
    }

    /// Writes a complete answer.
    func whole(
        _ status: Int, _ headers: HTTPHeaders, _ body: [UInt8], length: Int, keepsAlive: Bool
    ) async throws(WireFault) {
        var headers = headers
        if Self.hasBody(status) { headers.set("Content-Length", String(length)) }
        hold(Self.head(status, headers, keepsAlive: keepsAlive) + body)
        try await flush()
    }

    /// Writes the head of an answer whose body follows.
    func head(_ status: Int, _ headers: HTTPHeaders, keepsAlive: Bool) async throws(WireFault) {
        hold(Self.head(status, headers, keepsAlive: keepsAlive))
    }

    /// Writes a piece of a body, as a chunk if the body's length isn't known.
    func piece(_ bytes: [UInt8], isChunked: Bool) async throws(WireFault) {
        guard !bytes.isEmpty else { return }
        if isChunked {
            hold(Array((String(bytes.count, radix: 16) + "\r\n").utf8))
            hold(bytes)
            hold([0x0D, 0x0A])
        } else {
            hold(bytes)
        }
        if held.withLock({ $0.count >= Self.mostHeld }) { try await flush() }
    }

    /// Writes the end of a chunked body.
    func end() async throws(WireFault) {
        hold(Array("0\r\n\r\n".utf8))
        try await flush()
    }

    func flush() async throws(WireFault) {
        let bytes: [UInt8] = held.withLock { held in
            defer { held = [] }
            return held
        }
        if !bytes.isEmpty { try await channel.write(bytes) }
    }

    private func hold(_ bytes: [UInt8]) { held.withLock { $0 += bytes } }

    /// Returns whether an answer of this status has a body (RFC 9112, section 6.3).
    static func hasBody(_ status: Int) -> Bool { status >= 200 && status != 204 && status != 304 }

    private static func head(_ status: Int, _ headers: HTTPHeaders, keepsAlive: Bool) -> [UInt8] {
        var text = "HTTP/1.1 \(status) \(reasons[status] ?? "Status \(status)")\r\n"
        for field in headers { text += "\(field.name): \(field.value)\r\n" }
        if !keepsAlive { text += "Connection: close\r\n" }
        return Array((text + "\r\n").utf8)
    }

    // The reason phrases that people see in the errors of clients.
    private static let reasons = [
        200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 206: "Partial Content", 301: "Moved Permanently",
        302: "Found", 303: "See Other", 304: "Not Modified", 307: "Temporary Redirect", 308: "Permanent Redirect",
        400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
        407: "Proxy Authentication Required", 408: "Request Timeout", 409: "Conflict", 410: "Gone",
        412: "Precondition Failed", 413: "Content Too Large", 415: "Unsupported Media Type", 417: "Expectation Failed",
        421: "Misdirected Request", 429: "Too Many Requests", 431: "Request Header Fields Too Large",
        500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
        504: "Gateway Timeout", 505: "HTTP Version Not Supported",
    ]
}

/// The reason why a session's request isn't forwarded; its client is told, and it is recorded.
package struct WireFault: Error, Sendable, Hashable {
    /// The kind of a fault: a stable word for records and answers.
    package struct Kind: Sendable, Hashable, RawRepresentable {
        /// The word.
        package let rawValue: String

        /// Creates a kind from its word.
        package init(rawValue: String) { self.rawValue = rawValue }

        /// The message violates HTTP, or is ambiguous.
        package static let malformed = Kind(rawValue: "malformed_request")
        /// The head or the body is too large.
        package static let tooLarge = Kind(rawValue: "too_large")
        /// Nothing arrived in time.
        package static let tooSlow = Kind(rawValue: "too_slow")
        /// The body ended before its announced end.
        package static let torn = Kind(rawValue: "torn_body")
        /// A protocol that isn't forwarded: HTTP/2, HTTP/1.0, web sockets.
        package static let otherProtocol = Kind(rawValue: "protocol_not_passed")
        /// CONNECT, the TLS handshake and `Host` do not name the same server.
        package static let nameMismatch = Kind(rawValue: "name_mismatch")
        /// The session may not reach the host.
        package static let foreignHost = Kind(rawValue: "host_not_allowed")
        /// The proxy's secret is missing or wrong.
        package static let notAuthenticated = Kind(rawValue: "proxy_secret_needed")
        /// The process doesn't belong to the session.
        package static let foreignProcess = Kind(rawValue: "process_not_of_session")
        /// The TLS handshake failed.
        package static let tls = Kind(rawValue: "tls_failed")
        /// A placeholder arrived at a host where its token isn't accepted.
        package static let placeholderElsewhere = Kind(rawValue: "placeholder_at_other_host")
        /// The request contains a token or another credential that this session wasn't given.
        package static let foreignCredential = Kind(rawValue: "credential_not_of_session")
        /// The judge refused.
        package static let refused = Kind(rawValue: "refused")
        /// The command that sent it is being stopped.
        package static let stopped = Kind(rawValue: "command_stopped")
        /// No valid token was available.
        package static let noToken = Kind(rawValue: "no_token")
        /// The service could not be reached, or gave an invalid answer.
        package static let upstream = Kind(rawValue: "service_unreachable")
        /// The service requests a delay that is longer than a client waits.
        package static let throttled = Kind(rawValue: "throttled")
        /// The client is gone.
        package static let clientGone = Kind(rawValue: "client_gone")
        /// The sign-in service's answer could not be parsed, or another account signed in.
        package static let signIn = Kind(rawValue: "sign_in_refused")
    }

    /// The status that the client receives.
    package let status: Int
    /// The kind of the fault.
    package let kind: Kind
    /// What happened and what to do, in one or two sentences; contains no secrets.
    package let message: String

    /// Creates a fault.
    package init(_ status: Int, _ kind: Kind, _ message: String) {
        self.status = status
        self.kind = kind
        self.message = message
    }
}
