import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMMCP

@Suite("Difficult clients on stdio", .timeLimit(.minutes(5)))
struct StdioHardshipTests {
    private func ping(_ id: JSONValue) -> String {
        JSONValue.object(["jsonrpc": "2.0", "id": id, "method": "ping"]).description
    }

    @Test(
        "an invalid message is answered, and the next one works",
        arguments: [
            ("{", -32700), ("not json", -32700), (#"{"jsonrpc":"2.0","id":1,"method":"ping"}}"#, -32700),
            ("\"text\"", -32600),
            ("5", -32600), ("null", -32600), ("[]", -32600), (#"{"id":1,"method":"ping"}"#, -32600),
            (#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32600),
            (#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
            (#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, -32600),
            (#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600),
            (#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, -32600), (#"{"jsonrpc":"2.0","id":1,"method":5}"#, -32600),
            (#"{"jsonrpc":"2.0","id":1}"#, -32600), (#"{"jsonrpc":"2.0"}"#, -32600),
            (#"{"jsonrpc":"2.0","result":{}}"#, -32600),
            (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}"#, -32602), ("\u{0}\u{1}", -32700),
            (#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600),
        ] as [(String, Int)]
    )
    func malformed(_ line: String, _ code: Int) async throws {
        let client = try TestClient(testServer())
        client.send(line)
        let answer = try await client.next()
        #expect(answer["error"]?["code"]?.int == code)
        #expect(answer["id"] != nil)
        client.send(ping("next"))
        #expect(try await client.next()["id"] == "next")
    }

    @Test("invalid UTF-8 is a parse error")
    func binary() async throws {
        let client = try TestClient(testServer())
        client.write([0xFF, 0xFE, 0x80, 0x0A, 0x22, 0xC3, 0x28, 0x22, 0x0A])
        #expect(try await client.next()["error"]?["code"] == -32700)
        #expect(try await client.next()["error"]?["code"] == -32700)
        client.send(ping(1))
        #expect(try await client.next()["id"] == 1)
    }

    @Test(
        "ids are returned with their type and value",
        arguments: ["1", #""1""#, "0", "-1", #""""#, "9007199254740991", "18446744073709551616", #""é😀""#]
    )
    func ids(_ id: String) async throws {
        let client = try TestClient(testServer())
        client.send(#"{"method":"ping","id":\#(id),"jsonrpc":"2.0"}"#)
        #expect(try await client.line() == #"{"jsonrpc":"2.0","id":\#(id),"result":{}}"#)
    }

    @Test("notifications are never answered, not even wrong ones")
    func notifications() async throws {
        let client = try TestClient(testServer())
        for line in [
            #"{"jsonrpc":"2.0","method":"tools/call"}"#, #"{"jsonrpc":"2.0","method":"no/such"}"#,
            #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":[]}"#,
            #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{}}}"#,
            #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":77}}"#,
            #"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#, #"{"jsonrpc":"2.0","id":5,"result":{}}"#,
            #"{"jsonrpc":"2.0","id":"srv-1","result":5}"#, "", "   ", "\r",
        ] { client.send(line) }
        client.send(ping("end") + "\r")
        #expect(try await client.next()["id"] == "end")
    }

    @Test("messages arrive complete, however the bytes are divided")
    func pieces() async throws {
        let client = try TestClient(testServer())
        _ = try await client.initialize()
        let text =
            #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"é😀"}}}"#
            + "\r\n"
        for byte in text.utf8 { client.write([byte]) }
        #expect(try await client.next()["result"]?["content"]?[0]?["text"] == "é😀")
    }

    @Test("nesting up to the limit works on the reader's thread, and is refused beyond, with the request's id")
    func nesting() async throws {
        let client = try TestClient(testServer())
        _ = try await client.initialize()
        func call(_ depth: Int) -> String {
            let open = String(repeating: #"{"a":["#, count: depth / 2) + "1" + String(repeating: "]}", count: depth / 2)
            return
                #"{"method":"tools/call","params":{"name":"echo","arguments":{"text":"x","more":\#(open)}},"jsonrpc":"2.0","id":1}"#
        }
        client.send(call(252))
        #expect(try await client.next()["result"]?["content"]?[0]?["text"] == "x")
        for depth in [254, 200_000] {
            client.send(call(depth))
            let refused = try await client.next()
            #expect(refused["error"]?["code"] == -32600 && refused["id"] == 1)
        }
        client.send(String(repeating: "[", count: 300))
        let unnamed = try await client.next()
        #expect(unnamed["error"]?["code"] == -32700 && unnamed["id"]?.isNull == true)
    }

    @Test("unusual numbers and lone surrogates are passed through")
    func oddValues() async throws {
        let client = try TestClient(testServer())
        _ = try await client.initialize()
        client.send(
            #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"\ud800x","n":[1e999,-0,123456789012345678901234567890,1E-400]}}}"#
        )
        #expect(try await client.next()["result"]?["content"]?[0]?["text"] == "\u{FFFD}x")
    }

    @Test("a line over the limit is refused once, and skipped")
    func tooLong() async throws {
        var options = ServerOptions()
        options.limits.messageBytes = 100_000
        let client = try TestClient(testServer(options: options))
        client.write([UInt8](repeating: 0x78, count: 5_000_000) + [0x0A] + Array((ping(1) + "\n").utf8))
        let refused = try await client.next()
        #expect(refused["error"]?["message"] == "Invalid request: the message is longer than 100000 bytes")
        #expect(refused["id"]?.isNull == true)
        #expect(try await client.next()["id"] == 1)
    }

    @Test("a message of eight million bytes is returned completely")
    func bigMessage() async throws {
        let client = try TestClient(testServer())
        _ = try await client.initialize()
        let text = String(repeating: "0123456é", count: 900_000)
        client.request(1, "tools/call", ["name": "echo", "arguments": ["text": .string(text)]])
        #expect(try await client.next()["result"]?["content"]?[0]?["text"]?.string == text)
    }

    @Test("ten thousand calls in one write are each answered once")
    func burst() async throws {
        let client = try TestClient(testServer())
        _ = try await client.initialize()
        var text = ""
        for id in 0..<10_000 {
            text +=
                #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":{"name":"echo","arguments":{"text":"\#(id)"}}}"#
                + "\n"
        }
        client.write(Array(text.utf8))
        var seen: Set<Int> = []
        for _ in 0..<10_000 {
            let answer = try await client.next()
            let id = try #require(answer["id"]?.int)
            #expect(answer["result"]?["content"]?[0]?["text"] == .string("\(id)"))
            #expect(seen.insert(id).inserted)
        }
        client.closeInput()
        try await client.end()
        #expect(try await client.line() == nil)
    }

    @Test("calls beyond the limit are refused, and room is freed when their work ends, not when they are cancelled")
    func flood() async throws {
        let gate = Gate()
        var options = ServerOptions()
        options.limits.openCalls = 5
        options.limits.fullQueueTimeout = .milliseconds(50)
        let stubborn = Tool(name: "stubborn", description: "Ignores its cancellation.") { _, _ in
            await Task { try? await gate.pass() }.value
            return .text("done")
        }
        let client = try TestClient(testServer(options: options, more: [stubborn]))
        _ = try await client.initialize()
        for id in 0..<5 {
            client.request(.int(Int64(id)), "tools/call", ["name": "stubborn"])
            client.send([
                "jsonrpc": "2.0", "method": "notifications/cancelled", "params": ["requestId": .int(Int64(id))],
            ])
        }
        client.request("more", "tools/call", ["name": "stubborn"])
        let refused = try await client.next()
        #expect(refused["id"] == "more")
        #expect(refused["error"]?["code"] == -32603)
        #expect(refused["error"]?["message"]?.string?.hasPrefix("Too many calls are open") == true)
        gate.open()
        while true {
            client.request("again", "tools/call", ["name": "stubborn"])
            if try await client.next()["result"] != nil { break }
        }
    }

    @Test("a client that writes faster than calls end is slowed down, not refused")
    func hurry() async throws {
        var options = ServerOptions()
        options.limits.openCalls = 4096
        // No call takes so long on this machine that the client seems to wait for something else.
        options.limits.fullQueueTimeout = .seconds(600)
        let short = Tool(name: "short", description: "Ends soon.") { _, _ in
            for _ in 0..<3 { await Task.yield() }
            return .text("done")
        }
        let client = try TestClient(testServer(options: options, more: [short]))
        _ = try await client.initialize()
        let count = 30_000
        let writing = Task.detached {
            for id in 0..<count { client.request(.int(Int64(id)), "tools/call", ["name": "short"]) }
        }
        var refused: [JSONValue] = []
        for _ in 0..<count { if let error = try await client.next()["error"] { refused.append(error) } }
        #expect(refused.isEmpty, "\(refused.count) refused: \(refused.first ?? nil)")
        await writing.value
    }

    @Test("an id that is in use is refused")
    func duplicateID() async throws {
        let gate = Gate()
        let client = try TestClient(testServer(gate: gate))
        _ = try await client.initialize()
        client.request(1, "tools/call", ["name": "wait"])
        client.request(1, "tools/call", ["name": "wait"])
        #expect(try await client.next()["error"]?["code"] == -32600)
        gate.open()
        #expect(try await client.next()["result"]?["content"]?[0]?["text"] == "waited")
    }

    @Test("a client that doesn't read isn't read from, and gets everything when it reads again")
    func backPressure() async throws {
        var options = ServerOptions()
        options.limits.unreadBytes = 200_000
        let served = Tally()
        let tool = Tool(name: "big", description: "Answers much.") { _, _ in
            served.add()
            return .text(String(repeating: "x", count: 10_000))
        }
        let client = try TestClient(testServer(options: options, more: [tool]))
        _ = try await client.initialize()
        let filler = String(repeating: " ", count: 2000)
        let lines = (0..<2000).map {
            #"{"jsonrpc":"2.0","id":\#($0),"method":"tools/call","params":{"name":"big"}\#(filler)}"#
        }
        client.write(Array((lines.joined(separator: "\n") + "\n").utf8))
        // The server stops reading: while nobody reads, far fewer calls are served than were sent.
        var last = -1
        while last != served.value {
            last = served.value
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(last < 1000)
        for _ in 0..<2000 { #expect(try await client.next()["result"] != nil) }
        #expect(served.value == 2000)
    }

    @Test("a client that sends only requests with immediate answers, without reading, gets everything when it reads")
    func backPressureWithoutCalls() async throws {
        var options = ServerOptions()
        options.limits.unreadBytes = 20_000
        let client = try TestClient(testServer(options: options))
        _ = try await client.initialize()
        let count = 2000
        let line = "{" + String(repeating: " ", count: 1000) + "\n"
        client.write(Array((String(repeating: line, count: count) + ping("last") + "\n").utf8))
        for _ in 0..<count { #expect(try await client.next()["error"]?["code"] == -32700) }
        #expect(try await client.next()["id"] == "last")
    }

    @Test("the end of input ends the server in limited time, even if running work ignores everything")
    func endOfInput() async throws {
        let gate = Gate()
        let tool = Tool(name: "stubborn", description: "Ignores its cancellation.") { _, _ in
            await Task { try? await gate.pass() }.value
            return .text("done")
        }
        let client = try TestClient(testServer(more: [tool]))
        _ = try await client.initialize()
        for id in 1...50 { client.request(.int(Int64(id)), "tools/call", ["name": "stubborn"]) }
        await gate.arrivals(50)
        // The calls go on until the gate opens, which happens only after all of this.
        client.closeInput()
        var told: Set<JSONValue?> = []
        for _ in 1...50 {
            let answer = try await client.next()
            #expect(answer["error"]?["code"] == -32603)
            told.insert(answer["id"])
        }
        #expect(told.count == 50, "each call is answered once")
        try await client.end()
        #expect(try await client.line() == nil)
        gate.open()
    }

    @Test("a call that ends soon after the end of input is still answered, even without a final newline")
    func pipedInput() async throws {
        var options = ServerOptions()
        options.limits.drainGracePeriod = .seconds(120)
        let client = try TestClient(testServer(options: options))
        _ = try await client.initialize()
        client.write(
            Array(
                #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"x"}}}"#
                    .utf8))
        client.closeInput()
        #expect(try await client.next()["result"]?["content"]?[0]?["text"] == "x")
        try await client.end()
        #expect(try await client.line() == nil)
    }

    @Test(
        "a client that never reads its last answer is an error of the server, one that is gone isn't",
        arguments: [true, false])
    func unreadAnswer(isGone: Bool) async throws {
        var options = ServerOptions()
        options.limits.lastWrites = .milliseconds(50)
        let served = Tally()
        let tool = Tool(name: "big", description: "Answers more than a pipe holds.") { _, _ in
            served.add()
            return .text(String(repeating: "x", count: 1 << 20))
        }
        let client = try TestClient(testServer(options: options, more: [tool]))
        _ = try await client.initialize()
        client.request(1, "tools/call", ["name": "big"])
        while served.value == 0 { try await Task.sleep(for: .milliseconds(5)) }
        if isGone { client.closeOutput() }
        client.closeInput()
        if isGone {
            try await client.end()
        } else {
            await #expect(throws: MMError.self) { try await client.end() }
        }
    }

    @Test("cancelling the server's task ends it like the end of input, and its open calls are told so")
    func stopped() async throws {
        let gate = Gate()
        let tool = Tool(name: "held", description: "Waits until it is cancelled.") { _, _ in
            try await gate.pass()
            return .text("done")
        }
        let client = try TestClient(testServer(more: [tool]))
        _ = try await client.initialize()
        client.request(1, "tools/call", ["name": "held"])
        await gate.arrivals(1)
        client.stopServer()
        let answer = try await client.next()
        #expect(answer["id"] == 1)
        #expect(answer["error"]?["code"] == -32603)
        #expect(answer["error"]?["message"]?.string?.contains("told to end") == true)
        try await client.end()
        #expect(try await client.line() == nil)
    }

    @Test("a broken pipe ends the server quietly")
    func brokenOutput() async throws {
        let client = try TestClient(testServer())
        _ = try await client.initialize()
        client.request(1, "tools/call", ["name": "wait"])
        client.closeOutput()
        for id in 2...10 { client.request(.int(Int64(id)), "ping") }
        try await client.end()
    }

    @Test("random bytes neither end the server nor cause invalid output")
    func fuzz() async throws {
        var generator = SeededRandom(seed: 2026)
        let seeds = [
            #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"x"}}}"#,
            #"{"jsonrpc":"2.0","id":"a","method":"initialize","params":{"protocolVersion":"2025-03-26","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}"#,
            #"[{"jsonrpc":"2.0","id":3,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3}}]"#,
            JSONValue.object(modernRequest(9, "server/discover")).description,
            JSONValue.object(modernRequest(10, "tools/call", ["name": "echo", "requestState": "v1.x.y"])).description,
            #"{"jsonrpc":"2.0","id":5,"method":"tools/list","params":{"cursor":"dG9vbHM6MQ"}}"#,
        ]
        let client = try TestClient(testServer())
        for _ in 0..<3000 {
            var bytes = Array((seeds.randomElement(using: &generator) ?? "").utf8)
            for _ in 0..<Int.random(in: 0...4, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0...3, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: place)
                case 2:
                    bytes.insert(contentsOf: Array("[{\":,1e}]".utf8).shuffled(using: &generator).prefix(2), at: place)
                default: bytes.removeSubrange(place..<min(bytes.count, place + 9))
                }
                if bytes.isEmpty { bytes = [0x7B] }
            }
            client.write(bytes + [0x0A])
        }
        client.send(ping("the end"))
        while true {
            let message = try await client.next()
            if message["id"] == "the end" { break }
            for item in message.array ?? [message] { #expect(item["jsonrpc"] == "2.0") }
        }
    }
}
