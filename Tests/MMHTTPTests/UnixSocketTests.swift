import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMHTTP

@Suite("Requests over a Unix socket", .timeLimit(.minutes(5)))
struct UnixSocketTests {
    /// Sends a request to a server that gives exactly this answer.
    private func answer(
        _ raw: String, method: String = "GET", body: [UInt8]? = nil, maxResponseBytes: Int = 64 << 20
    ) async throws -> Result<HTTPResponse, HTTPError> {
        let home = try TestHome()
        let server = try RawServer(path: home.path + "/s") { connection, server in
            server.note(connection.readRequest())
            connection.send(raw)
        }
        defer { server.stop() }
        let client = makeClient()
        let request = local(
            "http://pool/v1/x?a=b", method: method, body: body, maxResponseBytes: maxResponseBytes,
            unixSocket: home.path + "/s")
        let result = await Result { () async throws(HTTPError) in try await client.send(request) }
        let asked = try #require(server.seen.first)
        #expect(asked.hasPrefix("\(method) /v1/x?a=b HTTP/1.1\r\nHost: pool\r\n"))
        if let body {
            #expect(asked.hasSuffix("Content-Length: \(body.count)\r\nConnection: close\r\n\r\n" + text(body)))
        }
        return result
    }

    static let bodies: [(String, String, [UInt8])] = [
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Array("hello".utf8)),
        ("GET", "HTTP/1.1 200 OK\r\n\r\nuntil the end", Array("until the end".utf8)),
        (
            "GET",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=1\r\nhello\r\nA\r\n, everyone\r\n0\r\nT: 1\r\n\r\n",
            Array("hello, everyone".utf8)
        ),
        ("GET", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Array("ok".utf8)),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n", []), ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", []),
        ("GET", "HTTP/1.0 200 OK\nContent-Length: 2\n\nok", Array("ok".utf8)),
        ("GET", "HTTP/1.1 404 Not Found\r\nX:  a  \r\n b\r\nContent-Length: 0\r\n\r\n", []),
    ]

    @Test("a body ends where the answer says", arguments: bodies.indices)
    func body(_ index: Int) async throws {
        let (method, raw, body) = Self.bodies[index]
        let response = try await answer(raw, method: method).get()
        #expect(response.body == body)
        if response.status == 404 { #expect(response.headers["x"] == "a b") }
    }

    @Test("the given body is sent with its length", arguments: ["POST", "PUT", "PATCH"])
    func sends(_ method: String) async throws {
        let response = try await answer(
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", method: method, body: [0x61, 0x62])
        #expect(try response.get().status == 200)
    }

    static let broken: [(String, HTTPError.Kind)] = [
        ("", .connectionLost), ("HTTP/1.1 200 OK\r\nContent-Le", .connectionLost),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", .connectionLost),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello", .connectionLost),
        ("SSH-2.0-OpenSSH\r\n", .protocolViolation), ("HTTP/1.1 two OK\r\n\r\n", .protocolViolation),
        ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", .protocolViolation),
        ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", .protocolViolation),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", .protocolViolation),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", .protocolViolation),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n", .protocolViolation),
        ("HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: 300 << 10) + "\r\n\r\n", .protocolViolation),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + String(repeating: "x", count: 2000), .tooLarge),
    ]

    @Test("an invalid answer is an error with its reason", arguments: broken.indices)
    func faults(_ index: Int) async throws {
        let (raw, kind) = Self.broken[index]
        let result = try await answer(raw, maxResponseBytes: 1000)
        guard case .failure(let error) = result else {
            Issue.record("it was taken for an answer")
            return
        }
        #expect(error.kind == kind, "\(error)")
        #expect(error.mayHaveBeenSent)
        #expect(!error.message.contains("a=b"))
    }

    /// A server that answers with a head and then waits until its client has gone.
    private func waiting(
        _ head: String, _ body: (HTTPClient, HTTPRequest, _ arrived: OneShot<Void>) async throws -> Void
    ) async throws {
        let (home, arrived, gone) = (try TestHome(), OneShot<Void>(), OneShot<Void>())
        let server = try RawServer(path: home.path + "/s") { connection, _ in
            _ = connection.readRequest()
            arrived.resolve(())
            connection.send(head)
            connection.waitForEnd()
            gone.resolve(())
        }
        defer { server.stop() }
        let client = makeClient()
        try await body(client, local("http://pool/", unixSocket: home.path + "/s"), arrived)
        await gone.wait()
    }

    @Test("a silent server and one that stalls in its answer are given up in time")
    func slow() async throws {
        try await waiting("") { client, request, _ in
            // A busy machine may need longer before anything is sent.
            var error: HTTPError?
            for timeout in [50, 2_000, 60_000] where error?.mayHaveBeenSent != true {
                var asked = request
                asked.timeout = .milliseconds(timeout)
                let sent = asked
                error = await failure { () async throws(HTTPError) in try await client.send(sent) }
            }
            #expect(error?.kind == .timeout)
        }
        try await waiting("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhell") { client, request, _ in
            var request = request
            request.stallTimeout = .milliseconds(50)
            let asked = request
            let stream = try await client.open(asked)
            #expect(
                await failure { () async throws(HTTPError) in try await stream.collect(limit: 100) }?.kind == .timeout)
        }
    }

    @Test("cancelling a request, or dropping its stream, closes the connection")
    func calledOff() async throws {
        try await waiting("") { client, request, arrived in
            let call = Task { await failure { () async throws(HTTPError) in try await client.send(request) } }
            await arrived.wait()
            call.cancel()
            #expect(await call.value?.kind == .cancelled)
        }
        try await waiting("HTTP/1.1 200 OK\r\n\r\nfirst") { client, request, _ in
            var stream: HTTPStream? = try await client.open(request)
            var pieces = stream?.chunks.makeAsyncIterator()
            #expect(try await pieces?.next().map(text) == "first")
            (stream, pieces) = (nil, nil)
        }
    }

    @Test("a stream without a reader holds the server back, then delivers everything")
    func backPressure() async throws {
        let (home, total, sent) = (try TestHome(), 64 << 20, Noted(0))
        let server = try RawServer(path: home.path + "/s") { connection, _ in
            _ = connection.readRequest()
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
            let piece = [UInt8](repeating: 0x78, count: 64 << 10)
            for _ in 0..<(total / piece.count) where connection.send(piece) { sent.change { $0 += piece.count } }
        }
        defer { server.stop() }
        let stream = try await makeClient().open(local("http://pool/", unixSocket: home.path + "/s"))
        var pieces = stream.chunks.makeAsyncIterator()
        var read = try await pieces.next()?.count ?? 0
        #expect(sent.now < total / 2)
        while let piece = try await pieces.next() { read += piece.count }
        #expect(read == total)
    }

    @Test("an upload of unknown length is sent in chunks, and an early answer to it is read")
    func upload() async throws {
        let home = try TestHome()
        let server = try RawServer(path: home.path + "/s") { connection, server in
            server.note(connection.readRequest())
            connection.send("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        }
        defer { server.stop() }
        var request = local("http://pool/", method: "POST", unixSocket: home.path + "/s")
        request.upload = HTTPUpload(
            length: nil, pieces: HTTPBody((0..<200).map { _ in [UInt8](repeating: 1, count: 64 << 10) }))
        #expect(try await makeClient().send(request).status == 413)
        #expect(server.seen.first?.contains("Transfer-Encoding: chunked") == true)
    }
}
