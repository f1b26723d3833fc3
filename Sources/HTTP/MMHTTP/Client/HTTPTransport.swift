/// Sends requests and returns responses: the client, or a stand-in in tests.
package protocol HTTPTransport: Sendable {
    /// Sends a request and waits for the whole response. Redirects are returned, not followed.
    /// - Throws: `HTTPError` when there is no response.
    func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse

    /// Sends a request and returns the response as soon as its headers have arrived.
    /// - Throws: `HTTPError` when there is no response.
    func open(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream

    /// Connects to a request's server, through the proxy and with the checks that apply to every request. Nothing is
    /// sent.
    /// - Throws: `HTTPError` when no connection is established, or the transport doesn't support this.
    func connect(_ request: HTTPRequest) async throws(HTTPError) -> HTTPTunnel
}

extension HTTPTransport {
    package func connect(_ request: HTTPRequest) async throws(HTTPError) -> HTTPTunnel {
        throw HTTPError(.unavailable, "This transport doesn't support raw connections.")
    }
}
