import CMMSystem
import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMHTTP

@Suite("Listener with clients that lie, stall and leave", .timeLimit(.minutes(5)))
struct HTTPListenerTests {
    private func listen(
        _ limits: HTTPServerLimits = HTTPServerLimits(), _ handler: @escaping HTTPHandler = ExchangeTests.echo
    ) throws -> HTTPListener {
        try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0), limits: limits, handler: handler)
    }

    private static let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test(
        "a request with an ambiguous length or head is refused, and nothing after it is read as another one",
        arguments: [
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\nContent-Length: 0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello",
            "POST / HTTP/1.1\r\nHost: a\r\n Content-Length: 5\r\n\r\nhello",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX(y): 1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
            "GET http://other/ HTTP/1.1\r\nHost: a\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET * HTTP/1.1\r\nHost: a\r\n\r\n", "GET /\u{1} HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /ä HTTP/1.1\r\nHost: a\r\n\r\n", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: a\u{1}b\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}",
        ])
    func smuggling(request: String) async throws {
        let seen = Noted<[String]>([])
        let listener = try listen { request in
            seen.change { $0.append(request.target) }
            return .text("no")
        }
        let answer = try await rawExchange(listener.port, request + Self.smuggled)
        #expect(!seen.now.contains("/smuggled"), "\(answer)")
        #expect(seen.now.isEmpty, "\(answer)")
        #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4") || answer.hasPrefix("HTTP/1.1 501"))
        await listener.stop(graceful: .zero)
    }

    @Test("a NUL in the target or a header never reaches a handler as a shortened text")
    func nul() async throws {
        let seen = Noted<[String]>([])
        let listener = try listen { request in
            seen.change { $0.append(request.target + (request.headers["x"] ?? "")) }
            return .text("no")
        }
        _ = try await rawExchange(listener.port, "GET /short\0long HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        _ = try await rawExchange(
            listener.port, "GET /b HTTP/1.1\r\nHost: a\r\nX: short\0long\r\nConnection: close\r\n\r\n")
        #expect(seen.now.isEmpty)
        // White space around a value isn't part of it, and hides nothing.
        _ = try await rawExchange(
            listener.port, "GET /c?d HTTP/1.1\r\nHost: a\r\nX:  spaced\t \r\nY:\r\nConnection: close  \r\n\r\n")
        #expect(seen.now == ["/c?dspaced"])
        await listener.stop(graceful: .zero)
    }

    @Test("trailers follow the last chunk unless they could be read as a second answer")
    func trailers() async throws {
        let listener = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0)) { _ in
            HTTPServerResponse(
                headers: ["Trailer": "X-Note"],
                body: .stream(heartbeat: nil) { (writer) async throws(HTTPError) in
                    try await writer.write("rows")
                    writer.addTrailer("X-Note", "one")
                    writer.addTrailer("X-Note", "two")
                    writer.addTrailer("X-Evil", "a\r\nHTTP/1.1 200 OK")
                })
        }
        let answer = try await rawExchange(
            listener.port, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(answer.contains("Trailer: X-Note\r\n"))
        #expect(answer.hasSuffix("4\r\nrows\r\n0\r\nX-Note: one\r\nX-Note: two\r\n\r\n"), "\(answer)")
        await listener.stop(graceful: .seconds(5))
    }

    @Test("chunked bodies, pipelined requests and divided requests are read alike")
    func framing() async throws {
        let listener = try listen()
        let chunked =
            "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-T: 1\r\n\r\n"
        let last = "GET /l HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        let together = try await rawExchange(listener.port, chunked + chunked + last)
        #expect(together.split(separator: "abcde").count == 3)
        #expect(together.contains("X-Path: /l"))
        let client = try RawClient(port: listener.port)
        for byte in (chunked + last).utf8 { await client.send([byte]) }
        let apart = await client.readToEnd()
        client.close()
        #expect(apart.contains("abcde"))
        #expect(apart.contains("X-Path: /l"))
        let old = try await rawExchange(listener.port, "GET /old HTTP/1.0\r\n\r\n")
        #expect(old.contains("X-Path: /old"))
        await listener.stop(graceful: .zero)
    }

    @Test("bodies over the limit get 413, announced or not; others arrive")
    func bodyLimit() async throws {
        let listener = try listen(HTTPServerLimits(maxBodyBytes: 1_000))
        let client = makeClient()
        let url = "http://127.0.0.1:\(listener.port)/"
        let fits = try await client.send(local(url, method: "POST", body: [UInt8](repeating: 0x61, count: 1_000)))
        #expect(fits.body.count == 1_000)
        let large = try await client.send(local(url, method: "POST", body: [UInt8](repeating: 0x61, count: 1_001)))
        #expect(large.status == 413)
        // Clients read every refusal in the same form, also those that no handler sees.
        #expect(large.headers["Content-Type"] == Problem.contentType)
        let problem = try JSONParser.parse(large.body)
        #expect(problem["status"] == 413 && problem["detail"] == "The body is larger than 1000 bytes.")
        let chunk = "3e9\r\n" + String(repeating: "x", count: 1_001) + "\r\n"
        let chunked = try await rawExchange(
            listener.port, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + "0\r\n\r\n")
        #expect(chunked.hasPrefix("HTTP/1.1 413"))
        // An endless one is cut off.
        let endless = try RawClient(port: listener.port)
        await endless.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        let piece = "10000\r\n" + String(repeating: "x", count: 65_536) + "\r\n"
        var sent = 0
        while await endless.send(piece), sent < 2_000 { sent += 1 }
        #expect(sent < 2_000)
        endless.close()
        await client.shutdown()
        await listener.stop(graceful: .zero)
    }

    /// Counts what arrives.
    private final class Counter: HTTPBodyReceiver {
        private let bytes = Mutex(0)
        var count: Int { bytes.withLock { $0 } }

        func take(_ piece: UnsafeRawBufferPointer) { bytes.withLock { $0 += piece.count } }
    }

    @Test("a body that is streamed to a receiver may have any size, and none of it is kept; others are limited")
    func received() async throws {
        var limits = HTTPServerLimits(maxBodyBytes: 1_000)
        limits.receiver = { method, target, _ in method == "PUT" && target == "/large" ? Counter() : nil }
        let listener = try listen(limits) { request in
            .text("\((request.receiver as? Counter)?.count ?? -1) \(request.body.count)")
        }
        let client = makeClient()
        let large = [UInt8](repeating: 0x61, count: 3 << 20)
        let base = "http://127.0.0.1:\(listener.port)"
        let taken = try await client.send(local(base + "/large", method: "PUT", body: large))
        #expect(String(decoding: taken.body, as: UTF8.self) == "\(3 << 20) 0")
        #expect(try await client.send(local(base + "/other", method: "PUT", body: large)).status == 413)
        let kept = try await client.send(local(base + "/large", method: "POST", body: [1, 2]))
        #expect(String(decoding: kept.body, as: UTF8.self) == "-1 2")
        let chunked = try await rawExchange(
            listener.port,
            "PUT /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "5dc\r\n" + String(repeating: "x", count: 1_500) + "\r\n0\r\n\r\n")
        #expect(chunked.hasSuffix("1500 0"), "\(chunked)")
        await client.shutdown()
        await listener.stop(graceful: .zero)
    }

    @Test(
        "a client that sends a refused body completely before it reads gets its answer",
        arguments: ["Content-Length: \(40 << 20)\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n2800000\r\n"])
    func sendingFirst(_ head: String) async throws {
        let listener = try listen(HTTPServerLimits(maxBodyBytes: 1_000))
        let client = try RawClient(port: listener.port)
        let body = [UInt8](repeating: 0x78, count: 40 << 20)
        let end = head.hasSuffix("2800000\r\n") ? "\r\n0\r\n\r\n" : ""
        let sent = await client.send(Array("POST / HTTP/1.1\r\nHost: a\r\n\(head)".utf8) + body + Array(end.utf8))
        #expect(sent)
        #expect(await client.readToEnd().hasPrefix("HTTP/1.1 413 "))
        client.close()
        await listener.stop(graceful: .zero)
    }

    @Test("a client that isn't admitted gets the answer before a large body is waited for")
    func admission() async throws {
        let listener = try HTTPListener.start(
            .tcp(host: "127.0.0.1", port: 0),
            admission: { $0.headers["X-Name"] == "own" ? nil : .text("who?", status: 403) }
        ) { request in .text("\(request.body.count)") }
        for length in ["Content-Length: 16000000", "Transfer-Encoding: chunked"] {
            // The body never arrives.
            let refused = try await rawExchange(listener.port, "POST / HTTP/1.1\r\nHost: a\r\n\(length)\r\n\r\n")
            #expect(refused.hasPrefix("HTTP/1.1 403") && refused.hasSuffix("who?"), "\(refused)")
        }
        let client = makeClient()
        let url = "http://127.0.0.1:\(listener.port)/"
        let body = [UInt8](repeating: 0x61, count: 100_000)
        let taken = try await client.send(local(url, method: "POST", headers: ["X-Name": "own"], body: body))
        #expect(text(taken.body) == "100000")
        // Small ones reach the handler.
        #expect(try await text(client.send(local(url, method: "POST", body: [0x61])).body) == "1")
        await client.shutdown()
        await listener.stop(graceful: .zero)
    }

    @Test("headers over the limit are refused")
    func headerLimit() async throws {
        let listener = try listen(HTTPServerLimits(maxHeaderBytes: 8 << 10))
        let client = makeClient()
        let url = "http://127.0.0.1:\(listener.port)/"
        let fits = try await client.send(local(url, headers: ["X-Big": String(repeating: "x", count: 4_000)]))
        #expect(fits.status == 200)
        let big = try await rawExchange(
            listener.port, "GET / HTTP/1.1\r\nHost: a\r\nX-Big: \(String(repeating: "x", count: 20_000))\r\n\r\n")
        #expect(big.isEmpty || big.hasPrefix("HTTP/1.1 4"))
        await client.shutdown()
        await listener.stop(graceful: .zero)
    }

    @Test("clients that send too slowly are cut off, silent or not; a slow handler isn't")
    func slowClients() async throws {
        let limits = HTTPServerLimits(idleTimeout: .seconds(2), requestTimeout: .seconds(2))
        let handled = Noted(false)
        let listener = try listen(limits) { request in
            handled.change { $0 = true }
            if request.path == "/slow" { try? await Task.sleep(for: .seconds(4)) }
            return .text("done")
        }
        let drip = Task {
            let client = try RawClient(port: listener.port)
            defer { client.close() }
            var sent = 0
            await client.send("GET / HTTP/1.1\r\nHost: a\r\nX: ")
            while await client.send("x"), sent < 2_000 {
                sent += 1
                try await Task.sleep(for: .milliseconds(50))
            }
            return sent
        }
        let body = Task {
            let client = try RawClient(port: listener.port)
            defer { client.close() }
            await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
            var sent = 0
            while await client.send("x"), sent < 2_000 {
                sent += 1
                try await Task.sleep(for: .milliseconds(50))
            }
            return sent
        }
        #expect(try await rawExchange(listener.port) == "")
        #expect(try await drip.value < 2_000)
        #expect(try await body.value < 2_000)
        #expect(!handled.now)
        let client = makeClient()
        // On a busy machine the request itself may arrive too slowly.
        var answer: HTTPResponse?
        while answer == nil, !handled.now {
            answer = try? await client.send(local("http://127.0.0.1:\(listener.port)/slow"))
        }
        #expect(answer?.status == 200)
        await client.shutdown()
        await listener.stop(graceful: .zero)
    }

    @Test(
        "a connection that sends no request, or no complete head, is closed long before one that is idle between requests"
    )
    func halfOpen() async throws {
        // Long enough for a busy machine: the first one's heads have to arrive in time.
        let limits = HTTPServerLimits(
            idleTimeout: .seconds(600), headTimeout: .seconds(20), requestTimeout: .seconds(600))
        let listener = try listen(limits) { _ in .text("done") }
        #expect(HTTPServerLimits().headTimeout == .seconds(15))
        let used = try RawClient(port: listener.port)
        defer { used.close() }
        await used.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await used.read(until: "done").contains("200"))
        var others: [(client: RawClient, start: String)] = []
        for start in ["", "GET", "GET / HTTP/1.1\r\nHost: a\r\n"] {
            let client = try RawClient(port: listener.port)
            if !start.isEmpty { await client.send(start) }
            others.append((client, start))
        }
        for (client, start) in others {
            #expect(await client.readToEnd() == "", "\(start)")
            client.close()
        }
        // The others were closed after it had been idle for longer.
        await used.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await used.read(until: "done").contains("200"))
        await listener.stop(graceful: .zero)
    }

    @Test("a body that stalls ends the connection, one that continues to arrive doesn't")
    func silentBodies() async throws {
        let limits = HTTPServerLimits(
            idleTimeout: .seconds(600), headTimeout: .seconds(600), silenceTimeout: .seconds(15),
            requestTimeout: .seconds(600))
        let listener = try listen(limits) { _ in .text("done") }
        #expect(HTTPServerLimits().silenceTimeout == .seconds(15))
        var stalled: [(client: RawClient, piece: String)] = []
        for piece in ["", "{\"half\""] {
            let client = try RawClient(port: listener.port)
            await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n" + piece)
            stalled.append((client, piece))
        }
        // The whole body takes longer than the allowed silence.
        let client = try RawClient(port: listener.port)
        defer { client.close() }
        await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n")
        for _ in 0..<30 {
            try await Task.sleep(for: .milliseconds(600))
            await client.send("x")
        }
        #expect(await client.read(until: "done").contains("200"))
        for (client, piece) in stalled {
            #expect(await client.readToEnd() == "", "\(piece)")
            client.close()
        }
        await listener.stop(graceful: .zero)
    }

    @Test("a client that leaves cancels its handler, during its work and while it streams")
    func clientGone() async throws {
        let started = Noted<[String]>([])
        let cancelled = Noted<[String]>([])
        let listener = try listen { request in
            let path = request.path
            if path == "/work" {
                started.change { $0.append(path) }
                try? await Task.sleep(for: .seconds(1_000))
                cancelled.change { $0.append(path) }
                return .text("late")
            }
            return .events(heartbeat: .seconds(1_000)) { (events) async throws(HTTPError) in
                try await events.send(SSEEvent(data: "first"))
                started.change { $0.append(path) }
                try? await Task.sleep(for: .seconds(1_000))
                let error = await failure { () async throws(HTTPError) in try await events.send(SSEEvent(data: "late"))
                }
                cancelled.change { $0.append("\(path) \(error.map { "\($0.kind)" } ?? "")") }
            }
        }
        for path in ["/work", "/stream"] {
            let client = try RawClient(port: listener.port)
            await client.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(await eventually { started.now.contains(path) })
            client.close()
            #expect(await eventually { cancelled.now.contains { $0.hasPrefix(path) } })
        }
        #expect(cancelled.now == ["/work", "/stream cancelled"])
        await listener.stop(graceful: .zero)
    }

    @Test("events arrive one by one, also through nginx, with a heartbeat in every silence")
    func events() async throws {
        let go = OneShot<Void>()
        let listener = try listen { _ in
            .events(heartbeat: .milliseconds(50)) { (events) async throws(HTTPError) in
                try await events.send(SSEEvent(data: "one\ntwo", event: "greeting", id: "1"))
                await go.wait()
                try await events.send(SSEEvent(data: "last", retry: 10))
            }
        }
        let client = makeClient()
        let stream = try await client.open(local("http://127.0.0.1:\(listener.port)/"))
        #expect(stream.headers["content-type"] == "text/event-stream")
        #expect(stream.headers["x-accel-buffering"] == "no")
        var parser = SSEParser()
        var seen: [SSEEvent] = []
        var raw = ""
        var isReleased = false
        for try await chunk in stream.chunks {
            raw += text(chunk)
            seen += try parser.consume(chunk)
            if !isReleased, raw.contains(": keep-alive\n\n: keep-alive\n\n") {
                isReleased = true
                go.resolve(())
            }
        }
        #expect(isReleased)
        #expect(
            seen == [
                SSEEvent(data: "one\ntwo", event: "greeting", id: "1"), SSEEvent(data: "last", id: "1", retry: 10),
            ])
        await client.shutdown()
        await listener.stop(graceful: .zero)
    }

    @Test("a stream whose writer fails ends as incomplete, also for a client of HTTP/1.0")
    func failedStream() async throws {
        let listener = try listen { _ in
            HTTPServerResponse(
                body: .stream(heartbeat: nil) { (writer) async throws(HTTPError) in
                    try await writer.write("begun")
                    throw HTTPError(.timeout, "too slow")
                })
        }
        let client = makeClient()
        let error = await failure { () async throws(HTTPError) in
            try await client.send(local("http://127.0.0.1:\(listener.port)/"))
        }
        #expect(error?.kind == .connectionLost)
        // Without chunks only a reset differs from a complete body.
        let old = try await rawExchange(listener.port, "GET / HTTP/1.0\r\n\r\n")
        #expect(old.hasPrefix("(no end)") && old.hasSuffix("\r\n\r\nbegun"), "\(old)")
        await client.shutdown()
        await listener.stop(graceful: .zero)
    }

    @Test("100 MB stream in constant memory, the reader holds the writer back")
    func largeStream() async throws {
        let total = 100 << 20
        let written = Noted(0)
        let listener = try listen { _ in
            HTTPServerResponse(
                body: .stream(heartbeat: nil) { (writer) async throws(HTTPError) in
                    let piece = [UInt8](repeating: 0x78, count: 64 << 10)
                    for _ in 0..<(total / piece.count) {
                        try await writer.write(piece)
                        written.change { $0 += 64 << 10 }
                    }
                })
        }
        let client = makeClient()
        let stream = try await client.open(local("http://127.0.0.1:\(listener.port)/"))
        var last = -1
        while written.now != last {
            last = written.now
            try await Task.sleep(for: .milliseconds(200))
        }
        #expect(last < 24 << 20)
        var count = 0
        var ahead = 0
        for try await chunk in stream.chunks {
            count += chunk.count
            ahead = max(ahead, written.now - count)
        }
        #expect(count == total)
        // Everything between the writer and the reader, including the kernel's buffers.
        #expect(ahead < 24 << 20)
        await client.shutdown()
        await listener.stop(graceful: .zero)
    }

    @Test("stopping lets requests finish for a while, then cancels them, and accepts no new ones")
    func gracefulStop() async throws {
        let started = Noted(0)
        let outcomes = Noted<[String]>([])
        let go = OneShot<Void>()
        let listener = try listen { request in
            started.change { $0 += 1 }
            if request.path == "/finishes" {
                await go.wait()
                return .text("finished")
            }
            try? await Task.sleep(for: .seconds(1_000))
            outcomes.change { $0.append("cancelled") }
            return .text("cancelled", status: 503)
        }
        let client = makeClient()
        let base = "http://127.0.0.1:\(listener.port)"
        let finishing = Task { try await client.send(local(base + "/finishes")) }
        #expect(await eventually { started.now == 1 })
        let stopping = Task { await listener.stop(graceful: .seconds(60)) }
        // The port is free as soon as nothing listens there any more.
        #expect(await eventually { (try? RawClient(port: listener.port))?.close() == nil })
        go.resolve(())
        #expect(text(try await finishing.value.body) == "finished")
        await stopping.value

        started.change { $0 = 0 }
        let other = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0)) { request in
            started.change { $0 += 1 }
            try? await Task.sleep(for: .seconds(1_000))
            outcomes.change { $0.append("cancelled") }
            return .text("cancelled", status: 503)
        }
        let hanging = Task { try await client.send(local("http://127.0.0.1:\(other.port)/hangs")) }
        #expect(await eventually { started.now == 1 })
        await other.stop(graceful: .milliseconds(20))
        // It has only a moment for its last bytes, which may not suffice on a busy machine.
        let last = try? await hanging.value
        #expect(last == nil || last?.status == 503)
        #expect(await eventually { outcomes.now == ["cancelled"] })
        await client.shutdown()
    }

    @Test("a handler that ignores its cancellation doesn't delay the stop")
    func deafHandler() async throws {
        let started = Noted(0)
        let go = OneShot<Void>()
        let listener = try listen { _ in
            started.change { $0 += 1 }
            await go.wait()
            return .text("too late")
        }
        let client = makeClient()
        let request = Task {
            await failure { () async throws(HTTPError) in
                try await client.send(local("http://127.0.0.1:\(listener.port)/"))
            }
        }
        #expect(await eventually { started.now == 1 })
        await listener.stop(graceful: .zero)
        #expect(await request.value?.kind == .connectionLost)
        go.resolve(())
        await client.shutdown()
    }

    @Test("a handler's error after the head doesn't send a second head")
    func handlerMistakes() async throws {
        let listener = try listen { request in
            switch request.path {
            case "/header": HTTPServerResponse(headers: ["X": "a\r\nSet-Cookie: b"], body: .bytes([]))
            case "/status": HTTPServerResponse(status: 99)
            case "/empty": HTTPServerResponse(status: 204, body: .bytes(Array("ignored".utf8)))
            default:
                HTTPServerResponse(headers: ["Content-Length": "999", "Transfer-Encoding": "x"], body: .bytes([0x61]))
            }
        }
        let client = makeClient()
        let base = "http://127.0.0.1:\(listener.port)"
        let header = try await client.send(local(base + "/header"))
        #expect(header.status == 500)
        #expect(!header.headers.contains("set-cookie"))
        #expect(try await client.send(local(base + "/status")).status == 500)
        let empty = try await client.send(local(base + "/empty"))
        #expect(empty.status == 204)
        #expect(empty.body.isEmpty)
        #expect(text(try await client.send(local(base + "/length")).body) == "a")
        let head = try await client.send(local(base + "/length", method: "HEAD"))
        #expect(head.headers["content-length"] == "1")
        #expect(head.body.isEmpty)
        await client.shutdown()
        await listener.stop(graceful: .zero)
    }

    @Test("the handler learns the peer's identity, over TCP and over a Unix socket with a path of any length")
    func peers() async throws {
        let seen = Noted<[HTTPServerRequest]>([])
        let handler: HTTPHandler = { request in
            seen.change { $0.append(request) }
            return .text("\(request.peerUser().map { "\($0)" } ?? "nobody")")
        }
        let client = makeClient()
        // IPv6 may be missing.
        let others = Resources.contents("/proc/net/if_inet6")?.contains(" lo") == true ? ["::1", "::"] : []
        if others.isEmpty { print("skipped: listening on ::1 and ::: there is no IPv6 here") }
        for host in ["127.0.0.1", "localhost", "0.0.0.0"] + others {
            let listener = try HTTPListener.start(.tcp(host: host, port: 0), handler: handler)
            let name = host == "::1" ? "[::1]" : "127.0.0.1"
            let response = try await client.send(local("http://\(name):\(listener.port)/"))
            #expect(text(response.body) == "\(geteuid())")
            guard case .tcp(let address, _, let localPort) = try #require(seen.now.last).peer else {
                Issue.record("no TCP peer")
                continue
            }
            #expect(address == (host == "::1" ? "::1" : "127.0.0.1"))
            #expect(localPort == listener.port)
            #expect(listener.address == .tcp(host: host, port: listener.port))
            await listener.stop(graceful: .zero)
        }
        let folder = "/tmp/mm-http-\(RandomBytes.text(bytes: 9))"
        for path in [folder + "/s.sock", folder + "/" + String(repeating: "d", count: 120) + "/s.sock"] {
            mkdir(folder, 0o700)
            let listener = try HTTPListener.start(.unix(path: path), handler: handler)
            for _ in 0..<2 {
                let response = try await client.send(local("http://pool/status", unixSocket: path))
                #expect(text(response.body) == "\(geteuid())")
            }
            #expect(seen.now.last?.peer == .unix(uid: geteuid(), pid: getpid()))
            let taken = await failureOfStart(.unix(path: path))
            #expect(taken?.code == .conflict)
            await listener.stop(graceful: .zero)
            #expect(access(path, F_OK) != 0)
            unlink(path + ".lock")
        }
        rmdir(folder + "/" + String(repeating: "d", count: 120))
        rmdir(folder)
        await client.shutdown()
    }

    private func failureOfStart(_ address: ListenAddress) async -> MMError? {
        do throws(MMError) {
            let listener = try HTTPListener.start(address) { _ in .text("") }
            await listener.stop(graceful: .zero)
            return nil
        } catch {
            return error
        }
    }

    @Test("an address that isn't available is reported with the reason")
    func addresses() async throws {
        let listener = try listen()
        #expect(await failureOfStart(.tcp(host: "127.0.0.1", port: listener.port))?.code == .conflict)
        #expect(await failureOfStart(.tcp(host: "example.com", port: 0))?.code == .invalidInput)
        #expect(await failureOfStart(.tcp(host: "", port: 0))?.code == .invalidInput)
        #expect(await failureOfStart(.tcp(host: "192.0.2.1", port: 0))?.code == .invalidInput)
        #expect(await failureOfStart(.unix(path: "relative"))?.code == .invalidInput)
        await listener.stop(graceful: .zero)
    }

    @Test("connections over the limit wait for their turn, and the listener stops at the limit, too")
    func connectionLimit() async throws {
        let listener = try listen(HTTPServerLimits(maxConnections: 2))
        let first = try RawClient(port: listener.port)
        let second = try RawClient(port: listener.port)
        let third = try RawClient(port: listener.port)
        let request = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
        for client in [first, second] {
            await client.send(request)
            #expect(await client.read(until: "/x").contains("200"))
        }
        await third.send(request)
        let waiting = Task { await third.read(until: "/x") }
        first.close()
        #expect(await waiting.value.contains("200"))
        await listener.stop(graceful: .zero)
        #expect(throws: (any Error).self) { try RawClient(port: listener.port) }
        second.close()
        third.close()
    }

    @Test("a client for which no descriptor is left is refused at once with the reason, and the next one as well")
    func noDescriptor() async {
        await #expect(processExitsWith: .success) {
            Signals.ignoreBrokenPipes()
            // The scheduler of tasks takes some descriptors for good with its first timer.
            try await Task.sleep(for: .milliseconds(1))
            let listener = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0)) { _ in .text("served") }
            var clients = (0..<6).map { _ in RawClient() }
            func refused() async throws {
                limitDescriptors(to: 64)
                while dup(0) >= 0 {}
                let answer = try await ask(clients.removeFirst()) { await $0.readToEnd() }
                #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("Too many open files"), "\(answer)")
            }
            func ask(_ client: RawClient, _ read: (RawClient) async -> String) async throws -> String {
                try client.connect(to: listener.port)
                await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                return await read(client)
            }
            try await refused()
            try await refused()
            limitDescriptors(to: 128)
            let open = clients.removeFirst()
            #expect(try await ask(open) { await $0.read(until: "served") }.contains("served"))
            // A connection may stay for long: nobody waits for its end.
            try await refused()
            try await refused()
            await open.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(await open.read(until: "served").contains("served"))
            limitDescriptors(to: 128)
            #expect(try await ask(clients.removeFirst()) { await $0.read(until: "served") }.contains("served"))
            await listener.stop(graceful: .zero)
        }
    }

    @Test("hundreds of idle event streams end with the listener, and leave nothing behind")
    func manyStreams() async throws {
        _ = mm_raise_descriptor_limit()
        let running = Noted(0)
        let ended = Noted(0)
        let listener = try listen { _ in
            .events { (events) async throws(HTTPError) in
                try await events.send(SSEEvent(data: "hello"))
                running.change { $0 += 1 }
                try? await Task.sleep(for: .seconds(1_000))
                ended.change { $0 += 1 }
            }
        }
        var clients: [RawClient] = []
        for _ in 0..<300 {
            let client = try RawClient(port: listener.port)
            await client.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
            clients.append(client)
        }
        #expect(await eventually { running.now == 300 })
        for client in clients.prefix(150) { client.close() }
        #expect(await eventually { ended.now == 150 })
        await listener.stop(graceful: .zero)
        #expect(await eventually { ended.now == 300 })
        for client in clients.suffix(150) { client.close() }
    }

    @Test("random bytes never reach a handler as a broken request, nor end the listener", arguments: 0..<40)
    func fuzz(seed: UInt64) async throws {
        var random = SeededRandom(seed: seed)
        let listener = try listen(HTTPServerLimits(idleTimeout: .seconds(1))) { request in
            #expect(HTTPFieldRules.isToken(request.method))
            #expect(HTTPFieldRules.fault(in: request.headers) == nil)
            #expect(request.target.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
            return .text("ok")
        }
        let whole = Array(
            "POST /a?b HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello".utf8)
        for _ in 0..<10 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                case 2:
                    bytes.insert([0x00, 0x0A, 0x0D, 0x20, 0x3A, 0xFF].randomElement(using: &random) ?? 0, at: place)
                default: bytes.insert(contentsOf: bytes[place...].prefix(20), at: place)
                }
            }
            let client = try RawClient(port: listener.port)
            await client.send(bytes)
            // The request is completed afterwards, so that each of them ends.
            await client.finishSending()
            #expect(!(await client.readToEnd().hasPrefix("(no end)")))
            client.close()
        }
        let client = makeClient()
        // On a busy machine this client may be cut off too.
        #expect(
            await eventually {
                (try? await client.send(local("http://127.0.0.1:\(listener.port)/")))?.status == 200
            })
        await client.shutdown()
        await listener.stop(graceful: .zero)
    }
}

/// Limits how many files this process may open.
private func limitDescriptors(to number: UInt64) {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = rlim_t(number)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
