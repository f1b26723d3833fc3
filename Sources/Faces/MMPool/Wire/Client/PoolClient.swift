package import MMCore
package import MMHTTP

/// The client side of the pool's protocol: everything this process asks of a pool passes through here.
///
/// A process shares one transport among all its pools, so that libcurl is loaded once and connections are reused.
package struct PoolClient: Sendable {
    /// The pool's address.
    package let address: PoolAddress
    private let transport: any HTTPTransport

    /// Creates a client of a pool. It connects with the first request.
    /// - Parameters:
    ///   - address: the pool's address.
    ///   - transport: the transport that the process shares.
    package init(_ address: PoolAddress, transport: any HTTPTransport) {
        self.address = address
        self.transport = transport
    }

    /// A pool's answer.
    package struct Reply: Sendable {
        /// The HTTP status.
        package let status: Int
        /// The body; null if it is not JSON.
        package let body: JSONValue
    }

    /// Sends a request and returns the answer, whatever its status.
    /// - Parameters:
    ///   - method: the HTTP method.
    ///   - path: the path, such as `/v1/pool/stop`.
    ///   - body: the JSON object to send.
    ///   - limit: the time limit.
    /// - Throws: `unavailable` with the detail `pool` when nothing answers at the address.
    package func ask(
        _ method: String, _ path: String, _ body: JSONObject? = nil, within limit: Duration = .seconds(10)
    ) async throws(MMError) -> Reply {
        var headers: HTTPHeaders = ["Accept": "application/json"]
        if body != nil { headers.set("Content-Type", "application/json") }
        var request = request(method, path, headers: headers, body: body.map { JSONWriter.bytes(.object($0)) })
        request.timeout = limit
        let response = try await send(request, during: "\(method) \(path)")
        return Reply(
            status: response.status, body: (try? JSONParser.parse(response.body, limits: AnswerWire.limits)) ?? .null)
    }

    /// Fetches the pool's identity.
    /// - Parameter limit: the time limit.
    /// - Throws: `unavailable` with the detail `pool` when there is no pool.
    package func handshake(within limit: Duration = .seconds(30)) async throws(MMError) -> PoolHandshake {
        var question = request("GET", PoolHandshake.path, headers: ["Accept": "application/json"])
        question.timeout = limit
        let response = try await send(question, during: "the handshake")
        guard response.status == 200 else {
            throw PoolFailure.refusal(response.status, response.body, address, during: "the handshake")
        }
        guard let handshake = (try? JSONParser.parse(response.body)).flatMap({ PoolHandshake($0) }) else {
            throw PoolFailure.notAPool(address)
        }
        return handshake
    }

    /// Creates a request to the pool, for `send` and `open`.
    package func request(_ method: String, _ path: String, headers: HTTPHeaders = [:], body: [UInt8]? = nil)
        -> HTTPRequest
    {
        address.request(method, path, headers: headers, body: body)
    }

    /// Sends a request and returns the complete answer.
    /// - Throws: `unavailable` with the detail `pool` when nothing answers; the message contains `work`.
    package func send(_ request: HTTPRequest, during work: String) async throws(MMError) -> HTTPResponse {
        do throws(HTTPError) {
            return try await transport.send(request)
        } catch {
            throw PoolFailure.error(error, address, during: work)
        }
    }

    /// Sends a request and returns the answer as soon as its headers have arrived.
    /// - Throws: as `send`.
    func open(_ request: HTTPRequest, during work: String) async throws(MMError) -> HTTPStream {
        do throws(HTTPError) {
            return try await transport.open(request)
        } catch {
            throw PoolFailure.error(error, address, during: work)
        }
    }
}
