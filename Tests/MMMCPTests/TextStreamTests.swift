import MMCore
import Testing

@testable import MMMCP

@Suite("Long texts", .timeLimit(.minutes(5)))
struct TextStreamTests {
    private struct Broken: Error {}

    /// A tool that returns a number of pieces, and optionally fails after them.
    private func tool(_ pieces: [String], fails: Bool = false, taken: Tally = Tally()) -> Tool {
        Tool(name: "long", description: "Says much.") { _, _ in
            let rest = Mutex(pieces[...])
            let stream = TextStream {
                let piece = rest.withLock { $0.popFirst() }
                if piece != nil { taken.add() } else if fails { throw Broken() }
                return piece
            }
            return .content(.text("before"), .text(stream), .text("after"))
        }
    }

    @Test("pieces of a text arrive as one escaped text between its neighbours, in both transports")
    func pieces() async throws {
        let pieces = ["é", "\"quoted\"\n", "", "\u{1}😀", String(repeating: "x", count: 100_000)]
        let server = try testServer(more: [tool(pieces)])
        let client = try TestClient(server)
        _ = try await client.initialize()
        client.request(1, "tools/call", ["name": "long"])
        let result = try await client.next()
        #expect(result["id"] == 1)
        #expect(
            result["result"]?["content"]?.array?.map { $0["text"]?.string } == ["before", pieces.joined(), "after"])
        let http = try await HTTPTestClient(server).modern("tools/call", ["name": "long"])
        #expect(http.message["result"]?["content"]?[1]?["text"]?.string == pieces.joined())
    }

    @Test("a text is sent completely, however soon its call begins to answer")
    func quick() async throws {
        let pieces = [String](repeating: String(repeating: "z", count: 20_000), count: 30)
        let client = try TestClient(testServer(more: [tool(pieces)]))
        _ = try await client.initialize()
        for id in 0..<20 {
            client.request(.int(Int64(id)), "tools/call", ["name": "long"])
            let answer = try await client.next()
            #expect(answer["result"]?["content"]?[1]?["text"]?.string?.utf8.count == 600_000)
        }
    }

    @Test("a text that can't be read to its end says so, and the message stays valid")
    func failure() async throws {
        let client = try TestClient(testServer(more: [tool(["start"], fails: true)]))
        _ = try await client.initialize()
        client.request(1, "tools/call", ["name": "long"])
        #expect(
            try await client.next()["result"]?["content"]?[1]?["text"]
                == "start\n[The rest of this text could not be read.]"
        )
    }

    @Test("several long texts and short answers at once never mix")
    func interleaving() async throws {
        let pieces = (0..<200).map { String(repeating: "\($0 % 10)", count: 1000) }
        let client = try TestClient(testServer(more: [tool(pieces)]))
        _ = try await client.initialize()
        for id in 0..<8 {
            client.request(.int(Int64(id)), "tools/call", ["name": "long"])
            client.request(.int(Int64(100 + id)), "ping")
            client.request(.int(Int64(200 + id)), "tools/call", ["name": "echo", "arguments": ["text": "x"]])
        }
        var seen: Set<Int> = []
        for _ in 0..<24 {
            let answer = try await client.next()
            let id = try #require(answer["id"]?.int)
            seen.insert(id)
            if id < 8 { #expect(answer["result"]?["content"]?[1]?["text"]?.string == pieces.joined()) }
        }
        #expect(seen.count == 24)
    }

    @Test(
        "over HTTP a text is produced while it is sent, in both eras, and its call ends with it",
        arguments: [true, false])
    func overHTTP(isModern: Bool) async throws {
        let taken = Tally()
        let pieces = [String](repeating: String(repeating: "y", count: 10_000), count: 50)
        let client = HTTPTestClient(try testServer(more: [tool(pieces, taken: taken)]))
        let session = isModern ? nil : try await client.session()
        let modern = modernRequest(9, "tools/call", ["name": "long"])
        for reads in [true, false] {
            let before = taken.value
            let response =
                if let session {
                    await client.open(
                        "POST", headers: session.headers,
                        body: JSONWriter.bytes([
                            "jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": ["name": "long"],
                        ]))
                } else {
                    await client.open(
                        "POST", headers: HTTPTestClient.modernHeaders(modern), body: JSONWriter.bytes(.object(modern)))
                }
            guard case .streamed(let body) = response.body else {
                throw TestClient.Silence(description: "not streamed")
            }
            #expect(response.status == 200 && taken.value == before)
            guard reads else {
                body.close()
                continue
            }
            var bytes: [UInt8] = []
            await body.forEach { bytes += $0 }
            let text = try JSONParser.parse(bytes)["result"]?["content"]?[1]?["text"]?.string
            #expect(text == pieces.joined() && taken.value == before + 50)
        }
    }

    @Test("a text is read only as fast as the client reads")
    func backPressure() async throws {
        let taken = Tally()
        let pieces = [String](repeating: String(repeating: "y", count: 10_000), count: 400)
        let client = try TestClient(testServer(more: [tool(pieces, taken: taken)]))
        _ = try await client.initialize()
        client.request(1, "tools/call", ["name": "long"])
        var last = -1
        while last != taken.value || last == 0 {
            last = taken.value
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(last < 200)
        #expect(try await client.next()["result"]?["content"]?[1]?["text"]?.string?.utf8.count == 4_000_000)
        #expect(taken.value == 400)
    }
}
