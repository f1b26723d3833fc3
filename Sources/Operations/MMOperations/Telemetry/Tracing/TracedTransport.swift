import MMCore
package import MMHTTP

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
        guard let current = Span.current else { return nil }
        let address = Address(request.url)
        let span = current.child("\(request.method) \(address.template)", .client)
        span.note("http.request.method", .string(request.method))
        span.note("url.template", .string(address.template))
        span.note("server.address", .string(address.host))
        span.note("server.port", address.port.map { .int($0) })
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

    /// The parts of a URL that a span shows.
    private struct Address {
        let host: String
        let port: Int64?
        let template: String

        init(_ url: String) {
            var rest = url[...]
            if let scheme = rest.firstRange(of: "://") { rest = rest[scheme.upperBound...] }
            let authority = rest.prefix { $0 != "/" && $0 != "?" }
            let target = String(rest[authority.endIndex...])
            // The user information before an @ is left out.
            let place = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? authority
            if let colon = place.lastIndex(of: ":"), let number = Int64(place[place.index(after: colon)...]) {
                (host, port) = (String(place[..<colon]), number)
            } else {
                (host, port) = (String(place), nil)
            }
            let path = PathTemplate.of(target)
            template = path.isEmpty ? "/" : path
        }
    }
}
