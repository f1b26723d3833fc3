import CMMSystem
import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMHTTP

@Suite("Client with servers that lie, stall and break off", .timeLimit(.minutes(5)))
struct HTTPClientTests {
    private let client = makeClient()

    private func answer(_ text: String, _ request: (RawServer) -> HTTPRequest) async throws -> (
        HTTPResponse?, HTTPError?
    ) {
        let server = try RawServer(answer: text)
        defer { server.stop() }
        do throws(HTTPError) {
            return (try await client.send(request(server)), nil)
        } catch {
            return (nil, error)
        }
    }

    private func get(_ text: String) async throws -> (HTTPResponse?, HTTPError?) {
        try await answer(text) { local($0.url("/")) }
    }

    @Test("a redirect is returned and not followed")
    func redirect() async throws {
        let other = try RawServer(answer: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        defer { other.stop() }
        let (response, _) = try await answer(
            "HTTP/1.1 302 Found\r\nLocation: \(other.url("/secret"))\r\nContent-Length: 0\r\n\r\n"
        ) { local($0.url("/"), headers: ["Authorization": "Bearer secret"]) }
        #expect(response?.status == 302)
        #expect(response?.headers["location"] == other.url("/secret"))
        #expect(other.seen.isEmpty)
    }

    @Test("invalid requests are refused before anything is sent")
    func refused() async throws {
        let server = try RawServer(answer: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        defer { server.stop() }
        let url = server.url("/")
        let requests = [
            HTTPRequest(url: url),
            HTTPRequest(url: "http://192.0.2.1/", allowsPlainHTTP: true),
            local(url, method: "GE T"), local(url, method: ""), local(url, method: "GET\r\nX: y"),
            local(url, headers: ["X": "a\r\nY: b"]), local(url, headers: ["X\r\nY": "b"]),
            local(url, headers: ["X": "a\0b"]), local(url, headers: ["Transfer-Encoding": "chunked"]),
            local(url, method: "POST", headers: ["Content-Length": "5"], body: [1]),
            local("http://user@127.0.0.1/"), local(server.url("/a b")), local("file:///etc/passwd"),
        ]
        for request in requests {
            let error = await failure { () async throws(HTTPError) in try await client.send(request) }
            #expect(error?.kind == .invalidRequest, "\(request.url) \(request.method)")
            #expect(error?.mayHaveBeenSent == false)
        }
        #expect(server.seen.isEmpty)
    }

    @Test(
        "each method is sent correctly",
        arguments: [
            ("GET", false), ("HEAD", false), ("POST", false), ("POST", true), ("PUT", true), ("PATCH", false),
            ("PATCH", true), ("DELETE", false), ("DELETE", true), ("OPTIONS", false), ("REPORT", true), ("GET", true),
        ])
    func methods(method: String, hasBody: Bool) async throws {
        let server = try RawServer(answer: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        defer { server.stop() }
        let body = hasBody ? Array("b=1".utf8) : nil
        let response = try await client.send(
            local(
                server.url("/x?y"), method: method, headers: ["X-Empty": "", "Accept": "application/json"], body: body))
        #expect(response.status == 200)
        let sent = try #require(server.seen.first)
        #expect(sent.hasPrefix("\(method) /x?y HTTP/1.1\r\n"))
        #expect(sent.contains("X-Empty:\r\n") || sent.contains("X-Empty: \r\n"))
        #expect(sent.contains("Accept: application/json\r\n"))
        #expect(sent.contains("User-Agent: NONISV|MicrosoftMaster|mm/\(ProductVersion.text)\r\n"))
        #expect(!sent.contains("Expect:"))
        #expect(!sent.contains("Content-Type:"))
        if hasBody {
            #expect(sent.contains("Content-Length: 3\r\n"))
            #expect(sent.hasSuffix("\r\n\r\nb=1"))
        } else {
            #expect(sent.contains("Content-Length: 0\r\n") == ["POST", "PUT", "PATCH"].contains(method))
        }
    }

    @Test("one connection serves consecutive requests")
    func reuse() async throws {
        let connections = Noted(0)
        let server = try RawServer { connection, server in
            connections.change { $0 += 1 }
            while true {
                let request = connection.readRequest()
                if request.isEmpty { return }
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
        defer { server.stop() }
        for _ in 0..<20 { #expect(try await client.send(local(server.url("/"))).status == 200) }
        #expect(connections.now == 1)
    }

    @Test("if a kept connection dies without an answer, only requests that may be repeated are")
    func dyingConnection() async throws {
        for (method, body, isRepeated) in [
            ("GET", nil, true), ("PUT", [UInt8](repeating: 0x61, count: 10), true),
            ("POST", [UInt8](repeating: 0x61, count: 10), false),
            ("PATCH", [UInt8](repeating: 0x61, count: 100_000), false),
            ("POST", nil, false),
        ] as [(String, [UInt8]?, Bool)] {
            let server = try RawServer { connection, server in
                var isFirst = true
                while true {
                    let request = connection.readRequest()
                    if request.isEmpty { return }
                    server.note(request)
                    // The first request of each connection is answered, the second is read and ignored.
                    if !isFirst { return }
                    isFirst = false
                    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                }
            }
            defer { server.stop() }
            #expect(try await client.send(local(server.url("/first"))).status == 200)
            let second = local(server.url("/second"), method: method, body: body)
            let error = await failure { () async throws(HTTPError) in try await client.send(second) }
            let count = server.seen.filter { $0.hasPrefix("\(method) /second") }.count
            if isRepeated {
                #expect(error == nil)
                #expect(count == 2)
            } else {
                #expect(count == 1, "\(method) \(body?.count ?? -1)")
                // Without a body it was sent on a new connection, whose first request is answered.
                if body != nil {
                    #expect(error?.kind == .connectionLost)
                    #expect(error?.mayHaveBeenSent == true)
                }
            }
        }
    }

    @Test("an incomplete body is a lost connection, never a shorter answer")
    func torn() async throws {
        for text in [
            "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhello",
            "HTTP/1.1 200 OK\r\nContent-Len", "",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
        ] {
            let server = try RawServer { connection, server in
                server.note(connection.readRequest())
                connection.send(text)
            }
            defer { server.stop() }
            let error = await failure { () async throws(HTTPError) in try await client.send(local(server.url("/"))) }
            #expect(error?.kind == .connectionLost, "\(text)")
            #expect(error?.mayHaveBeenSent == true)
        }
    }

    @Test(
        "an answer that isn't HTTP is a protocol violation",
        arguments: [
            "garbage\r\n\r\n", "<html>\n", "HTTP/9.9 200 OK\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n",
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        ])
    func garbage(text: String) async throws {
        let server = try RawServer { connection, server in
            server.note(connection.readRequest())
            connection.send(text)
        }
        defer { server.stop() }
        let error = await failure { () async throws(HTTPError) in try await client.send(local(server.url("/"))) }
        #expect(error?.kind == .protocolViolation)
    }

    @Test("endless headers are cut off")
    func endlessHeaders() async throws {
        let server = try RawServer { connection, server in
            server.note(connection.readRequest())
            connection.send("HTTP/1.1 200 OK\r\n")
            let line = "X-Filler: " + String(repeating: "x", count: 1_000) + "\r\n"
            while connection.send(line) {}
        }
        defer { server.stop() }
        let error = await failure { () async throws(HTTPError) in try await client.send(local(server.url("/"))) }
        #expect(error?.kind == .protocolViolation || error?.kind == .tooLarge)
    }

    @Test("interim answers, folded lines and repeated headers are understood")
    func oddHeaders() async throws {
        let (response, error) = try await get(
            "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200\r\nX-Folded: one\r\n  two\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2, c\r\nX-Empty:\r\nContent-Length: 2\r\n\r\nok"
        )
        #expect(error == nil)
        #expect(response?.status == 200)
        #expect(response?.headers["link"] == nil)
        #expect(response?.headers["x-folded"] == "one two")
        #expect(response?.headers.values(for: "set-cookie") == ["a=1", "b=2, c"])
        #expect(response?.headers["x-empty"] == "")
        #expect(response.map { text($0.body) } == "ok")
    }

    @Test("a compressed answer is decompressed, and its headers say so")
    func gzip() async throws {
        // gzip of "hello", made once with gzip -9n.
        let packed: [UInt8] = [
            0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0x02, 0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x86, 0xa6, 0x10,
            0x36,
            0x05, 0x00, 0x00, 0x00,
        ]
        let server = try RawServer { connection, server in
            server.note(connection.readRequest())
            connection.send("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: \(packed.count)\r\n\r\n")
            connection.send(packed)
        }
        defer { server.stop() }
        let response = try await client.send(local(server.url("/")))
        #expect(text(response.body) == "hello")
        #expect(!response.headers.contains("content-encoding"))
        #expect(!response.headers.contains("content-length"))
        #expect(server.seen.first?.contains("Accept-Encoding: gzip, deflate\r\n") == true)
        let asItIs = try await client.send(local(server.url("/"), headers: ["Accept-Encoding": "identity"]))
        #expect(asItIs.body == packed)
        #expect(asItIs.headers["content-encoding"] == "gzip")
    }

    @Test("an answer over the limit is refused, whatever length it announced")
    func tooLarge() async throws {
        for head in ["Content-Length: 100000", "Transfer-Encoding: identity"] {
            let server = try RawServer { connection, server in
                server.note(connection.readRequest())
                connection.send("HTTP/1.1 200 OK\r\n\(head)\r\n\r\n" + String(repeating: "x", count: 100_000))
            }
            defer { server.stop() }
            let request = local(server.url("/"), maxResponseBytes: 50_000)
            #expect(await failure { () async throws(HTTPError) in try await client.send(request) }?.kind == .tooLarge)
            let enough = local(server.url("/"), maxResponseBytes: 100_000)
            #expect(try await client.send(enough).body.count == 100_000)
        }
    }

    @Test("if a server never answers, the timeout ends it, and the error omits the query")
    func timeout() async throws {
        let server = try RawServer { connection, server in
            server.note(connection.readRequest())
            connection.waitForEnd()
        }
        defer { server.stop() }
        var request = local(server.url("/slow?sig=secret"), timeout: .milliseconds(200))
        var error = await failure { () async throws(HTTPError) in try await client.send(request) }
        // A busy machine may need longer before anything is sent.
        while error?.mayHaveBeenSent != true, request.timeout < .seconds(60) {
            request.timeout *= 4
            error = await failure { () async throws(HTTPError) in try await client.send(request) }
        }
        #expect(error?.kind == .timeout)
        #expect(error?.mayHaveBeenSent == true)
        #expect(error?.message.contains("/slow") == true)
        #expect(error?.message.contains("secret") == false)
        let opened = await failure { () async throws(HTTPError) in try await client.open(request) }
        #expect(opened?.kind == .timeout)
    }

    @Test("a stalled body ends after the stall time, a flowing one may exceed the timeout")
    func stall() async throws {
        let server = try RawServer { connection, server in
            let request = connection.readRequest()
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
            if request.contains("/stall") { return connection.waitForEnd() }
            // Together they take half as long again as the timeout, which the path has in milliseconds.
            let timeout = request.split(separator: "/", maxSplits: 2)[1].prefix { $0.isNumber }
            for _ in 0..<8 {
                usleep((UInt32(timeout) ?? 0) * 1_500 / 8)
                connection.send("1\r\n.\r\n")
            }
            connection.send("0\r\n\r\n")
        }
        defer { server.stop() }
        // The head has to arrive within the timeout; on a slow machine repeat with a longer one.
        var timeout = 1_000
        while true {
            do throws(HTTPError) {
                let request = local(server.url("/\(timeout)"), timeout: .milliseconds(timeout))
                let flowing = try await client.open(request)
                #expect(text(try await flowing.collect(limit: 100)) == "hello........")
                break
            } catch {
                guard error.kind == .timeout, timeout < 60_000 else { throw error }
                timeout *= 8
            }
        }
        let stream = try await client.open(local(server.url("/stall"), stallTimeout: .seconds(3)))
        var iterator = stream.chunks.makeAsyncIterator()
        #expect(try await iterator.next().map(text) == "hello")
        let error = await failure { () async throws(HTTPError) in try await iterator.next() }
        #expect(error?.kind == .timeout)
    }

    @Test("cancelling ends a request at once, and the server sees the connection close")
    func cancellation() async throws {
        let arrived = OneShot<Void>()
        let left = OneShot<Void>()
        let server = try RawServer { connection, server in
            server.note(connection.readRequest())
            arrived.resolve(())
            connection.waitForEnd()
            left.resolve(())
        }
        defer { server.stop() }
        let task = Task {
            await failure { () async throws(HTTPError) in try await client.send(local(server.url("/?token=secret"))) }
        }
        await arrived.wait()
        task.cancel()
        let error = await task.value
        // The server would have held it until its timeout, which is another error.
        #expect(error?.kind == .cancelled)
        #expect(error?.message.contains("secret") == false)
        await left.wait()
        let early = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await failure { () async throws(HTTPError) in try await client.send(local(server.url("/"))) }
        }
        #expect(await early.value?.kind == .cancelled)
    }

    @Test("a missing server is a failure to connect, an unknown name one to resolve")
    func unreachable() async throws {
        let server = try RawServer(answer: "")
        let url = server.url("/?secret")
        server.stop()
        let refused = await failure { () async throws(HTTPError) in try await client.send(local(url)) }
        #expect(refused?.kind == .connect)
        #expect(refused?.mayHaveBeenSent == false)
        #expect(refused?.mmError(for: "Asking").code == .unavailable)
        let unknown = await failure { () async throws(HTTPError) in
            try await client.send(HTTPRequest(url: "https://no-such-host.invalid/", timeout: .seconds(20)))
        }
        #expect(unknown?.kind == .resolve || unknown?.kind == .timeout)
        let socket = await failure { () async throws(HTTPError) in
            try await client.send(local("http://pool/", unixSocket: "/nowhere/pool.sock"))
        }
        #expect(socket?.kind == .connect)
        let long = await failure { () async throws(HTTPError) in
            try await client.send(local("http://pool/", unixSocket: "/nowhere/" + String(repeating: "x", count: 200)))
        }
        #expect(long?.kind == .connect)
    }

    @Test("a stream without a reader holds the server back, then delivers all 100 MB in constant memory")
    func backPressure() async throws {
        let total = 100 << 20
        let sent = Noted(0)
        let server = try RawServer { connection, server in
            server.note(connection.readRequest())
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
            let piece = [UInt8](repeating: 0x78, count: 64 << 10)
            for _ in 0..<(total / piece.count) {
                if !connection.send(piece) { return }
                sent.change { $0 += 64 << 10 }
            }
        }
        defer { server.stop() }
        let stream = try await client.open(local(server.url("/")))
        #expect(stream.status == 200)
        // Without a reader the number of sent bytes settles far below the total.
        var last = -1
        while sent.now != last {
            last = sent.now
            try await Task.sleep(for: .milliseconds(200))
        }
        #expect(last < 16 << 20)
        var count = 0
        var ahead = 0
        for try await chunk in stream.chunks {
            count += chunk.count
            ahead = max(ahead, sent.now - count)
        }
        #expect(count == total)
        // Everything between the server and the reader, including the kernel's buffers.
        #expect(ahead < 16 << 20)
    }

    @Test("dropping a stream, or cancelling its reader, ends the transfer")
    func abandoned() async throws {
        let left = Noted(0)
        let server = try RawServer { connection, server in
            server.note(connection.readRequest())
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
            connection.waitForEnd()
            left.change { $0 += 1 }
        }
        defer { server.stop() }
        do { #expect(try await client.open(local(server.url("/"))).status == 200) }
        #expect(await eventually { left.now == 1 })
        let stream = try await client.open(local(server.url("/")))
        let reader = Task {
            await failure { () async throws(HTTPError) in
                var iterator = stream.chunks.makeAsyncIterator()
                while try await iterator.next() != nil {}
            }
        }
        #expect(await eventually { server.seen.count == 2 })
        reader.cancel()
        #expect(await reader.value?.kind == .cancelled)
        #expect(await eventually { left.now == 2 })
    }

    @Test("the end of a client ends its thread, its descriptors and its requests")
    func leaks() async throws {
        let server = try RawServer { connection, server in
            server.note(connection.readRequest())
            connection.waitForEnd()
        }
        defer { server.stop() }
        for isExplicit in [true, false] {
            var other: HTTPClient? = makeClient()
            let request = local(server.url("/"))
            if isExplicit, let client = other {
                let pending = Task { await failure { () async throws(HTTPError) in try await client.send(request) } }
                let count = server.seen.count
                #expect(await eventually { server.seen.count > count })
                await client.shutdown()
                #expect(await pending.value?.kind == .cancelled)
                let late = await failure { () async throws(HTTPError) in try await client.send(request) }
                #expect(late?.kind == .unavailable)
            } else {
                let short = local(server.url("/"), timeout: .milliseconds(50))
                _ = try? await other?.send(short)
            }
            other = nil
        }
        await client.shutdown()
    }

    @Test("many simultaneous requests each get their own answer")
    func concurrent() async throws {
        let listener = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0), handler: ExchangeTests.echo)
        let port = listener.port
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<300 {
                group.addTask {
                    let response = try await client.send(
                        local("http://127.0.0.1:\(port)/\(number)", method: "POST", body: Array("\(number)".utf8)))
                    return text(response.body) == "\(number)" && response.headers["x-path"] == "/\(number)"
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
        await listener.stop(graceful: .seconds(1))
    }

    @Test("a proxy is used for other machines, never for this one")
    func proxy() async throws {
        let proxy = try RawServer { connection, server in
            server.note(connection.readRequest())
            connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        }
        defer { proxy.stop() }
        let server = try RawServer(answer: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        defer { server.stop() }
        let configuration = HTTPClientConfiguration(environment: [
            "https_proxy": proxy.url(""), "HTTPS_PROXY": "http://192.0.2.1:1", "no_proxy": "direct.invalid",
        ])
        let client = HTTPClient(configuration: configuration)
        #expect(try await client.send(local(server.url("/"))).status == 200)
        #expect(proxy.seen.isEmpty)
        let away = await failure { () async throws(HTTPError) in
            try await client.send(HTTPRequest(url: "https://away.invalid/?secret", timeout: .seconds(20)))
        }
        #expect(away != nil)
        #expect(proxy.seen.first?.hasPrefix("CONNECT away.invalid:443 HTTP/1.1\r\n") == true)
        let direct = await failure { () async throws(HTTPError) in
            try await client.send(HTTPRequest(url: "https://direct.invalid/", timeout: .seconds(20)))
        }
        #expect(direct != nil)
        #expect(proxy.seen.count == 1)
        await client.shutdown()
    }

    @Test("an idle client uses no processor time")
    func idle() async throws {
        let server = try RawServer(answer: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        defer { server.stop() }
        var configuration = HTTPClientConfiguration(environment: [:])
        configuration.threadName = "mm-idle-client"
        let client = HTTPClient(configuration: configuration)
        #expect(try await client.send(local(server.url("/"))).status == 200)
        let mine = TestFolder.names(in: "/proc/self/task").filter {
            Resources.contents("/proc/self/task/\($0)/comm") == "mm-idle-client"
        }
        #expect(mine.count == 1)
        // It has nothing to wait for, so each context switch would be a wake-up.
        func switches() -> Int {
            mine.reduce(0) { sum, thread in
                let status = Resources.contents("/proc/self/task/\(thread)/status") ?? ""
                let line = status.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches:") }
                return sum + (line.flatMap { Int($0.split(separator: "\t").last ?? "") } ?? 0)
            }
        }
        // It may have something to clean up first, but a polling thread would never rest.
        let isAtRest = await eventually {
            let first = switches()
            try? await Task.sleep(for: .milliseconds(700))
            return switches() - first <= mine.count
        }
        #expect(isAtRest)
        await client.shutdown()
    }
}
