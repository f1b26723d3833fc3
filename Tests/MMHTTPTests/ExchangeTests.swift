import MMCore
import Testing

@testable import MMHTTP

@Suite("Client and listener together", .timeLimit(.minutes(5)))
struct ExchangeTests {
    /// Echoes the request.
    static let echo: HTTPHandler = { request in
        var headers: HTTPHeaders = ["Content-Type": "text/plain", "X-Method": request.method, "X-Path": request.path]
        if let query = request.query { headers.add("X-Query", query) }
        if let sent = request.headers["x-sent"] { headers.add("X-Sent", sent) }
        return HTTPServerResponse(status: 200, headers: headers, body: .bytes(request.body))
    }

    @Test(
        "a request arrives unchanged, and so does its answer",
        arguments: ["GET", "POST", "PUT", "PATCH", "DELETE"])
    func roundTrip(method: String) async throws {
        let listener = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0), handler: Self.echo)
        let client = makeClient()
        let body = method == "GET" ? nil : Array("{\"name\": \"Jürgen\"}".utf8)
        let response = try await client.send(
            local(
                "http://127.0.0.1:\(listener.port)/a%2Fb/../c?q=%20x&y", method: method,
                headers: ["X-Sent": "one, two", "Content-Type": "application/json"], body: body))
        #expect(response.status == 200)
        #expect(response.headers["x-method"] == method)
        #expect(response.headers["x-path"] == "/a%2Fb/../c")
        #expect(response.headers["x-query"] == "q=%20x&y")
        #expect(response.headers["x-sent"] == "one, two")
        #expect(response.body == body ?? [])
        await client.shutdown()
        await listener.stop(graceful: .seconds(1))
    }
}
