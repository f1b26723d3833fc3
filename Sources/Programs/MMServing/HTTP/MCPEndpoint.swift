import MMHTTP
import MMMCP

/// The end of the way at an address of `mm-mcp`: the engine's one path, whose methods and refusals are the protocol's own.
struct MCPEndpoint: HTTPMiddleware {
    private let engine: StreamableHTTP
    private let watching: WatchingStreams
    private let places: RequestPlaces?

    /// The engine's path.
    /// - Parameters:
    ///   - engine: answers.
    ///   - watching: keeps the streams that only wait for news.
    ///   - places: limits each caller; `nil` where one person has the server.
    init(_ engine: StreamableHTTP, _ watching: WatchingStreams, places: RequestPlaces? = nil) {
        self.engine = engine
        self.watching = watching
        self.places = places
    }

    func respond(
        to request: HTTPServerRequest, from admitted: MCPHTTPRequest, next: HTTPResponder<MCPHTTPRequest>
    ) async -> HTTPServerResponse {
        var place: RequestPlaces.Place?
        var refusal: MCPHTTPResponse?
        if let places, let principal = admitted.principal {
            place = places.take(principal)
            if place == nil { refusal = places.refusal }
        }
        let response: MCPHTTPResponse
        if let refusal { response = refusal } else { response = await engine.respond(to: admitted) }
        let headers = HTTPHeaders(of: response)
        switch response.body {
        case .bytes(let bytes):
            return HTTPServerResponse(status: response.status, headers: headers, body: .bytes(bytes))
        case .streamed(let streamed):
            return HTTPServerResponse(
                status: response.status, headers: headers,
                body: .stream(heartbeat: nil) { [place] (writer) async throws(HTTPError) in
                    defer { withExtendedLifetime(place) {} }
                    try await streamed.forEach { (piece) async throws(HTTPError) in try await writer.write(piece) }
                })
        case .events(let events):
            let token = request.method == "GET" ? watching.add(events) : nil
            return HTTPServerResponse(
                status: response.status, headers: headers,
                body: .stream(heartbeat: .seconds(15)) { [place] (writer) async throws(HTTPError) in
                    defer {
                        if let token { watching.remove(token) }
                        withExtendedLifetime(place) {}
                    }
                    try await events.forEach { (piece) async throws(HTTPError) in try await writer.write(piece) }
                })
        }
    }
}
