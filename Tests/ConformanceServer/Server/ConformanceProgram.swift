import ConformanceFixtures
import Glibc
import MMCore
import MMHTTP
import MMMCP

/// `conformance-server` serves standard input and output; `conformance-server --http 127.0.0.1:PORT` prints its address
/// and serves HTTP until it is ended.
enum ConformanceProgram {
    static func main() async {
        do throws(MMError) {
            let server = try ConformanceServer.make()
            let arguments = CommandLine.arguments.dropFirst()
            if arguments.first == "--http", let place = arguments.dropFirst().first {
                try await serve(server, at: place)
            } else {
                try await StdioTransport.run(server)
            }
        } catch {
            let text = Array("\(error)\n".utf8)
            _ = write(STDERR_FILENO, text, text.count)
            exit(1)
        }
    }

    private static func serve(_ server: MCPServer, at place: String) async throws(MMError) {
        let parts = place.split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1]) else {
            throw MMError(.invalidInput, "\(place) is no address such as 127.0.0.1:3000.")
        }
        let engine = StreamableHTTP(server)
        let listener = try HTTPListener.start(.tcp(host: String(parts[0]), port: port), limits: HTTPServerLimits()) {
            request in
            await answer(request, by: engine)
        }
        let line = Array("http://\(parts[0]):\(listener.port)/mcp\n".utf8)
        _ = write(STDOUT_FILENO, line, line.count)
        // Until the process is ended.
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
        engine.stop()
        await listener.stop(graceful: .seconds(1))
    }

    private static func answer(_ request: HTTPServerRequest, by engine: StreamableHTTP) async -> HTTPServerResponse {
        let response = await engine.respond(
            to: MCPHTTPRequest(
                method: request.method, path: request.path, headers: request.headers.map { ($0.name, $0.value) },
                body: request.body
            )
        )
        var headers = HTTPHeaders()
        for header in response.headers { headers.add(header.name, header.value) }
        switch response.body {
        case .bytes(let bytes):
            return HTTPServerResponse(status: response.status, headers: headers, body: .bytes(bytes))
        case .streamed(let body):
            return HTTPServerResponse(
                status: response.status, headers: headers,
                body: .stream(heartbeat: nil) { (writer) async throws(HTTPError) in
                    try await body.forEach { (piece) async throws(HTTPError) in try await writer.write(piece) }
                }
            )
        case .events(let events):
            return HTTPServerResponse(
                status: response.status, headers: headers,
                body: .stream(heartbeat: .seconds(15)) { (writer) async throws(HTTPError) in
                    try await events.forEach { (piece) async throws(HTTPError) in try await writer.write(piece) }
                }
            )
        }
    }
}
