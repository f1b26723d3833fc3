package import MMCore
package import MMHTTP

/// The client's side of the pool's wire: whatever this process asks of a pool goes through here.
///
/// A process keeps one transport for all its pools, so that libcurl is loaded once and connections are used again.
package struct PoolClient: Sendable {
    /// Where the pool is.
    package let address: PoolAddress
    private let transport: any HTTPTransport

    /// A client of a pool. Nothing is connected before the first request.
    /// - Parameters:
    ///   - address: where the pool is.
    ///   - transport: the process's own.
    package init(_ address: PoolAddress, transport: any HTTPTransport) {
        self.address = address
        self.transport = transport
    }

    /// What a pool answered.
    package struct Reply: Sendable {
        /// The HTTP status.
        package let status: Int
        /// The body; null where it is no JSON.
        package let body: JSONValue
    }

    /// Asks, and waits for the answer, whatever its status.
    /// - Parameters:
    ///   - method: the HTTP method.
    ///   - path: the path, such as `/v1/pool/stop`.
    ///   - body: what is sent.
    ///   - limit: how long it may take.
    /// - Throws: `unavailable` with the detail `pool` when nobody answers there.
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

    /// What the pool says of itself.
    /// - Throws: `unavailable` with the detail `pool` when there is none.
    package func handshake() async throws(MMError) -> PoolHandshake {
        let response = try await send(
            request("GET", PoolHandshake.path, headers: ["Accept": "application/json"]), during: "the handshake")
        guard response.status == 200 else {
            throw PoolFailure.refusal(response.status, response.body, address, during: "the handshake")
        }
        guard let handshake = (try? JSONParser.parse(response.body)).flatMap({ PoolHandshake($0) }) else {
            throw PoolFailure.foreign(address)
        }
        return handshake
    }

    /// A request to the pool, for `send` and `open`.
    package func request(_ method: String, _ path: String, headers: HTTPHeaders = [:], body: [UInt8]? = nil)
        -> HTTPRequest
    {
        address.request(method, path, headers: headers, body: body)
    }

    /// Sends a request and waits for the whole answer.
    /// - Throws: `unavailable` with the detail `pool` when nobody answers; what the work is called stands in the message.
    package func send(_ request: HTTPRequest, during work: String) async throws(MMError) -> HTTPResponse {
        do throws(HTTPError) {
            return try await transport.send(request)
        } catch {
            throw PoolFailure.error(error, address, during: work)
        }
    }

    /// Sends a request and gives the answer as soon as its headers are here.
    /// - Throws: as `send`.
    func open(_ request: HTTPRequest, during work: String) async throws(MMError) -> HTTPStream {
        do throws(HTTPError) {
            return try await transport.open(request)
        } catch {
            throw PoolFailure.error(error, address, during: work)
        }
    }
}
