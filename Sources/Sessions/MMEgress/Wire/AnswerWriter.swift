import MMCore
import MMHTTP
import MMIdentity

/// Writes answers to a session's client.
struct AnswerWriter: Sendable {
    private let channel: WireChannel

    init(_ channel: WireChannel) { self.channel = channel }

    /// The tunnel stands.
    func established() async throws(WireFault) {
        try await channel.write(Array("HTTP/1.1 200 Connection established\r\n\r\n".utf8))
    }

    /// The client may send the body that it announced.
    func goOn() async throws(WireFault) {
        try await channel.write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
    }

    /// A refusal of ours, in the shape of the service that was asked.
    func refuse(
        _ fault: WireFault, code: String? = nil, service: CloudHost.Service? = nil,
        extra: HTTPHeaders = [:], keepsAlive: Bool, isHead: Bool = false
    ) async throws(WireFault) {
        let body = ServiceRefusal.body(fault, code: code, service: service)
        var headers = extra
        headers.set("Content-Type", "application/json")
        headers.set("Cache-Control", "no-store")
        try await whole(fault.status, headers, isHead ? [] : body, length: body.count, keepsAlive: keepsAlive)
    }

    /// An answer that is here as a whole.
    func whole(
        _ status: Int, _ headers: HTTPHeaders, _ body: [UInt8], length: Int, keepsAlive: Bool
    ) async throws(WireFault) {
        var headers = headers
        if Self.hasBody(status) { headers.set("Content-Length", String(length)) }
        try await channel.write(Self.head(status, headers, keepsAlive: keepsAlive) + body)
    }

    /// The head of an answer whose body follows.
    func head(_ status: Int, _ headers: HTTPHeaders, keepsAlive: Bool) async throws(WireFault) {
        try await channel.write(Self.head(status, headers, keepsAlive: keepsAlive))
    }

    /// A piece of a body, as a chunk where its length isn't known.
    func piece(_ bytes: [UInt8], isChunked: Bool) async throws(WireFault) {
        guard !bytes.isEmpty else { return }
        guard isChunked else {
            try await channel.write(bytes)
            return
        }
        var chunk = Array(String(bytes.count, radix: 16).utf8)
        chunk.reserveCapacity(bytes.count + 16)
        chunk += [0x0D, 0x0A]
        chunk += bytes
        chunk += [0x0D, 0x0A]
        try await channel.write(chunk)
    }

    /// The end of a chunked body.
    func end() async throws(WireFault) { try await channel.write(Array("0\r\n\r\n".utf8)) }

    /// Whether an answer of this status has a body (RFC 9112, section 6.3).
    static func hasBody(_ status: Int) -> Bool { status >= 200 && status != 204 && status != 304 }

    private static func head(_ status: Int, _ headers: HTTPHeaders, keepsAlive: Bool) -> [UInt8] {
        var text = "HTTP/1.1 \(status) \(reasons[status] ?? "Status \(status)")\r\n"
        for field in headers { text += "\(field.name): \(field.value)\r\n" }
        if !keepsAlive { text += "Connection: close\r\n" }
        return Array((text + "\r\n").utf8)
    }

    // What people read in the errors of clients.
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
