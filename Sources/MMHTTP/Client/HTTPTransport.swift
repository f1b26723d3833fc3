/// Something that carries a request to a server and brings its answer: the client, or a test's stand-in.
package protocol HTTPTransport: Sendable {
    /// Sends a request and waits for the whole answer. Redirects are answers like others.
    /// - Throws: `HTTPError` where there is no answer.
    func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse

    /// Sends a request and gives the answer as soon as its headers are here.
    /// - Throws: `HTTPError` where there is no answer.
    func open(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream

    /// Connects to a request's server, through the proxy and with the checks that hold for every request. Nothing is sent.
    /// - Throws: `HTTPError` where there is no connection, or this transport makes none.
    func connect(_ request: HTTPRequest) async throws(HTTPError) -> HTTPTunnel
}

extension HTTPTransport {
    package func connect(_ request: HTTPRequest) async throws(HTTPError) -> HTTPTunnel {
        throw HTTPError(.unavailable, "Nothing here makes connections by themselves.")
    }
}
