import MMCore
import Testing

@testable import MMMCP

@Suite("Stdio", .timeLimit(.minutes(5)))
struct StdioTests {
    @Test("initialize, list and call, like every client of the legacy era")
    func legacyPath() async throws {
        let client = try TestClient(testServer())
        let hello = try await client.initialize("2025-06-18")
        #expect(hello["id"] == 0)
        #expect(hello["result"]?["protocolVersion"] == "2025-06-18")
        #expect(hello["result"]?["serverInfo"] == ["name": "test-server", "title": "Test", "version": "1.2.3"])
        #expect(hello["result"]?["instructions"] == "Call echo.")
        client.request(1, "tools/list")
        let tools = try await client.next()["result"]?["tools"]?.array ?? []
        #expect(tools.map { $0["name"]?.string } == ["echo", "wait", "fail", "refuse"])
        #expect(tools.first?["annotations"] == ["readOnlyHint": true])
        client.request("two", "tools/call", ["name": "echo", "arguments": ["text": "héllo\n😀"]])
        let answer = try await client.next()
        #expect(answer["id"] == "two")
        #expect(answer["result"] == ["content": [["type": "text", "text": "héllo\n😀"]], "isError": false])
        client.closeInput()
        try await client.end()
        #expect(try await client.line() == nil)
    }

    @Test("discover, list and call without a handshake")
    func modernPath() async throws {
        let client = try TestClient(testServer())
        client.modern("d", "server/discover")
        let found = try await client.next()
        #expect(found["result"]?["resultType"] == "complete")
        #expect(found["result"]?["supportedVersions"] == ["2026-07-28"])
        #expect(found["result"]?["ttlMs"] == 300_000)
        #expect(found["result"]?["cacheScope"] == "public")
        #expect(found["result"]?["_meta"]?[MetaKey.serverInfo]?["name"] == "test-server")
        client.modern(2, "tools/call", ["name": "say", "arguments": ["text": "hi"]])
        let answer = try await client.next()
        #expect(answer["result"]?["resultType"] == "complete")
        #expect(answer["result"]?["content"] == [["type": "text", "text": "hi"]])
        #expect(answer["result"]?["ttlMs"] == nil)
    }

    @Test("a slow call delays no other, and a cancelled one is never answered")
    func cancellation() async throws {
        let gate = Gate()
        let cancelled = Tally()
        let client = try TestClient(testServer(gate: gate, cancelled: cancelled))
        _ = try await client.initialize()
        client.request("slow", "tools/call", ["name": "wait"])
        client.request(2, "ping")
        #expect(try await client.next() == ["jsonrpc": "2.0", "id": 2, "result": [:]])
        client.send(["jsonrpc": "2.0", "method": "notifications/cancelled", "params": ["requestId": "slow"]])
        await cancelled.reaches(1)
        client.request(3, "ping")
        #expect(try await client.next()["id"] == 3)
        client.closeInput()
        try await client.end()
        #expect(try await client.line() == nil)
    }

    @Test("a cancellation in the same write as its request is not lost")
    func earlyCancellation() async throws {
        let cancelled = Tally()
        let client = try TestClient(testServer(cancelled: cancelled))
        _ = try await client.initialize()
        var text = ""
        for id in 1...200 {
            text += #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":{"name":"wait"}}"# + "\n"
            text += #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":\#(id)}}"# + "\n"
        }
        client.send(text + #"{"jsonrpc":"2.0","id":"last","method":"ping"}"#)
        #expect(try await client.next()["id"] == "last")
        await cancelled.reaches(200)
        client.closeInput()
        try await client.end()
        #expect(try await client.line() == nil)
    }
}
