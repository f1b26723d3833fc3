import MMCore
package import MMHTTP
import MMIdentity

/// A transport that sends requests through another one, each in a span of its own if the call is traced.
///
/// A span names the method, the host, the template of the path and the grant type of a sign-in, but no query, ids,
/// headers or body.
package struct TracedTransport: HTTPTransport {
    private let inner: any HTTPTransport

    /// Creates a transport that sends through another one.
    package init(_ inner: any HTTPTransport) { self.inner = inner }

    package func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        try await traced(request, status: \.status, inner.send)
    }

    package func open(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream {
        try await traced(request, status: \.status, inner.open)
    }

    package func connect(_ request: HTTPRequest) async throws(HTTPError) -> HTTPTunnel {
        try await inner.connect(request)
    }

    /// Lets `carry` send the request in a span of its own, if the call is traced.
    private func traced<Answer>(
        _ request: HTTPRequest, status: (Answer) -> Int, _ carry: (HTTPRequest) async throws(HTTPError) -> Answer
    ) async throws(HTTPError) -> Answer {
        guard let span = span(of: request) else { return try await carry(request) }
        do throws(HTTPError) {
            let answer = try await carry(Self.passing(span, to: request))
            Self.end(span, status: status(answer))
            return answer
        } catch {
            span.end(fault: "\(error.kind)")
            throw error
        }
    }

    private func span(of request: HTTPRequest) -> Span? {
        // A request whose URL can't be read is refused before it is sent.
        guard let current = Span.current, let address = WebAddress(request.url) else { return nil }
        let path = PathTemplate.of(address.pathAndQuery)
        let template = path.isEmpty ? "/" : path
        let span = current.child("\(request.method) \(template)", .client)
        span.note("http.request.method", .string(request.method))
        span.note("url.template", .string(template))
        span.note("server.address", .string(address.host))
        span.note("server.port", address.hasDefaultPort ? nil : .int(Int64(address.port)))
        span.note("http.request.resend_count", request.headers["Retry-Attempt"].flatMap { Int64($0) }.map { .int($0) })
        span.note("mm.grant", Self.grant(of: request).map { .string($0) })
        return span
    }

    /// The grant types that spans may name. Other values are left out, since a form may hold anything.
    private static let grants = [
        "refresh_token": "refresh_token", "client_credentials": "client_credentials", "password": "password",
        "authorization_code": "authorization_code", "device_code": "device_code",
        "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code": "device_code",
        "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer": "on_behalf_of",
    ]

    private static func grant(of request: HTTPRequest) -> String? {
        guard let body = request.body else { return nil }
        let mark = Array("grant_type=".utf8)
        for field in body.split(separator: UInt8(ascii: "&")) where field.starts(with: mark) {
            return grants[String(decoding: field.dropFirst(mark.count), as: UTF8.self)]
        }
        return nil
    }

    private static func passing(_ span: Span, to request: HTTPRequest) -> HTTPRequest {
        var request = request
        request.headers.set("traceparent", span.context.parent)
        if let state = span.context.state { request.headers.set("tracestate", state) }
        return request
    }

    private static func end(_ span: Span, status: Int) {
        span.note("http.response.status_code", .int(Int64(status)))
        let fault = status >= 400 ? "\(status)" : nil
        span.note("error.type", fault.map { .string($0) })
        span.end(fault: fault)
    }
}
