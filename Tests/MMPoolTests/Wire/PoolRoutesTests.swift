import MMCore
import MMHTTP
import Testing

@testable import MMPool

@Suite("The routes of a pool itself", .timeLimit(.minutes(10)))
struct PoolLifeRoutesTests {
    @Test(
        "answer their methods, name them for others, and pass on other paths",
        arguments: [
            ("GET", "/v1/pool", 200), ("HEAD", "/v1/pool", 200), ("POST", "/v1/pool", 405),
            ("GET", "/v1/pool/stop", 405),
            ("DELETE", "/v1/pool/drain", 405), ("POST", "/v1/pool/stop", 202), ("POST", "/v1/pool/drain", 409),
            ("GET", "/v1/pools", 404),
        ])
    func methods(method: String, path: String, status: Int) async {
        let routes = PoolLifeRoutes(status: { [:] }, stop: {}, drain: { false })
        let chain = HTTPChain([routes]) { _, _ in .text("", status: 404) }
        let answer = await chain.respond(to: HTTPServerRequest(method: method, target: path), from: .sameUser)
        #expect(answer.status == status)
        #expect((answer.headers["Allow"] != nil) == (status == 405))
        let stranger = await chain.respond(to: HTTPServerRequest(method: method, target: path), from: .network)
        #expect(stranger.status == 403)
    }
}

@Suite("The gate of a pool", .timeLimit(.minutes(10)))
struct PoolGateTests {
    private let peer = AdmittedPeer.process(pid: 1)

    @Test("counts calls until their last byte, except those that only look")
    func counting() async {
        let gate = PoolGate()
        let handler = HTTPChain([gate]) { request, _ in
            request.path == "/stream"
                ? HTTPServerResponse(body: .stream(heartbeat: nil) { (_) async throws(HTTPError) in })
                : .text("\(gate.calls)")
        }.respond
        #expect(await text(handler(HTTPServerRequest(method: "POST", target: "/v1/operations/run"), peer)) == "1")
        #expect(await text(handler(HTTPServerRequest(method: "GET", target: "/v1/pool"), peer)) == "0")
        #expect(await text(handler(HTTPServerRequest(method: "POST", target: "/v1/calls/x/questions/y"), peer)) == "0")
        var streamed: HTTPServerResponse? = await handler(HTTPServerRequest(method: "POST", target: "/stream"), peer)
        #expect(gate.calls == 1)
        #expect(await gate.empty(within: .milliseconds(1)) == false)
        // The client left before the stream began: a stream that is never written must not count for ever.
        streamed = nil
        #expect(streamed == nil && gate.calls == 0)
        #expect(await gate.empty(within: .seconds(300)))
        #expect(gate.total == 2)
    }

    @Test("after closing refuses calls so that clients try another pool")
    func closed() async throws {
        let gate = PoolGate()
        let handler = HTTPChain([gate]) { _, _ in .text("done") }.respond
        gate.close()
        let refused = await handler(HTTPServerRequest(method: "POST", target: "/v1/operations/run"), peer)
        #expect(refused.status == 503)
        let body = try JSONParser.parse(text(refused))
        #expect(body["code"] == "unavailable")
        #expect(body["details"]?["pool"] == "draining")
        #expect(body["retryAfterSeconds"]?.int == 0)
        #expect(await text(handler(HTTPServerRequest(method: "GET", target: "/v1/pool"), peer)) == "done")
    }

    private func text(_ response: HTTPServerResponse) -> String {
        guard case .bytes(let bytes) = response.body else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }
}
