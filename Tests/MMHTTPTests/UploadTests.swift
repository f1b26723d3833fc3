import MMCore
import MMSystem
import Testing

@testable import MMHTTP

@Suite("Streamed request bodies", .timeLimit(.minutes(5)))
struct UploadTests {
    private func pieces(_ count: Int, of size: Int, breakingAfter limit: Int = .max) -> HTTPBody {
        let given = Mutex(0)
        return HTTPBody(next: { () async throws(HTTPError) -> [UInt8]? in
            let number = given.withLock { given in
                given += 1
                return given
            }
            if number > limit { throw HTTPError(.connectionLost, "The source is gone.") }
            // The source is slower than the client, which has to wait for each piece.
            for _ in 0..<3 { await Task.yield() }
            return number > count ? nil : [UInt8](repeating: UInt8(number & 0xFF), count: size)
        })
    }

    @Test("the server gets every byte, with or without a known length", arguments: [true, false])
    func whole(_ isKnown: Bool) async throws {
        let listener = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0)) { request in
            let sum = request.body.reduce(0) { $0 &+ Int($1) }
            return .text(
                "\(request.method) \(request.body.count) \(sum) \(request.headers["transfer-encoding"] ?? "-")")
        }
        let client = HTTPClient(configuration: HTTPClientConfiguration(environment: [:]))
        for method in ["POST", "PUT", "PATCH"] {
            var request = HTTPRequest(method: method, url: "http://127.0.0.1:\(listener.port)/", allowsPlainHTTP: true)
            request.upload = HTTPUpload(length: isKnown ? 1_000_000 : nil, pieces: pieces(100, of: 10_000))
            let answer = try await client.send(request)
            let text = String(decoding: answer.body, as: UTF8.self)
            #expect(text == "\(method) 1000000 50500000 \(isKnown ? "-" : "chunked")")
        }
        await listener.stop(graceful: .zero)
    }

    @Test(
        "a source that fails ends the request, and the server never regards it as complete", arguments: [true, false])
    func broken(_ isKnown: Bool) async throws {
        let handled = Mutex(0)
        let listener = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0)) { _ in
            handled.withLock { $0 += 1 }
            return .text("")
        }
        let client = HTTPClient(configuration: HTTPClientConfiguration(environment: [:]))
        var request = HTTPRequest(method: "POST", url: "http://127.0.0.1:\(listener.port)/", allowsPlainHTTP: true)
        request.upload = HTTPUpload(
            length: isKnown ? 1_000_000 : nil, pieces: pieces(100, of: 10_000, breakingAfter: 50))
        await #expect(throws: HTTPError.self) { _ = try await client.send(request) }
        await client.shutdown()
        #expect(handled.withLock { $0 } == 0)
        await listener.stop(graceful: .zero)
    }

    @Test(
        "a source that still waits is told when its request fails, also before anything is sent",
        arguments: [4, 9_000_000])
    func abandoned(_ methodLength: Int) async throws {
        let isTold = OneShot<Void>()
        let body = HTTPBody(next: { () async throws(HTTPError) -> [UInt8]? in
            try? await Task.sleep(for: .seconds(1_000_000))
            isTold.resolve(())
            return nil
        })
        let client = HTTPClient(configuration: HTTPClientConfiguration(environment: [:]))
        // curl takes no text of more than 8 MB.
        let method = String(repeating: "X", count: methodLength)
        var request = HTTPRequest(method: method, url: "http://127.0.0.1:1/", allowsPlainHTTP: true)
        request.upload = HTTPUpload(length: nil, pieces: body)
        let error = await #expect(throws: HTTPError.self) { _ = try await client.send(request) }
        #expect(error?.kind == (methodLength == 4 ? .connect : .unavailable))
        await isTold.wait()
        await client.shutdown()
    }

    @Test("a source is read only as far as the server accepts it")
    func heldBack() async throws {
        let isOver = ThreadSemaphore()
        let server = try RawServer { _, _ in isOver.wait() }
        let read = Mutex(0)
        let body = HTTPBody(next: { () async throws(HTTPError) -> [UInt8]? in
            read.withLock { $0 += 1 }
            return [UInt8](repeating: 1, count: 64 << 10)
        })
        let client = HTTPClient(configuration: HTTPClientConfiguration(environment: [:]))
        var request = HTTPRequest(
            method: "POST", url: "http://127.0.0.1:\(server.port)/", timeout: .seconds(3), allowsPlainHTTP: true)
        request.upload = HTTPUpload(length: nil, pieces: body)
        await #expect(throws: HTTPError.self) { _ = try await client.send(request) }
        // Some megabytes for the kernel's buffers and ours.
        #expect(read.withLock { $0 } < 400)
        isOver.post()
        server.stop()
    }

    @Test("pieces that the server has accepted are released, even if it doesn't accept all", arguments: [1, 7, 60])
    func neverEmpty(_ pieceKilobytes: Int) async throws {
        let upload = CurlUpload()
        let size = pieceKilobytes << 10
        let body = pieces((32 << 20) / size, of: size)
        let feeding = Task { await upload.feed(body) {} }
        var room = [UInt8](repeating: 0, count: 60 << 10)
        var (most, total) = (0, 0)
        var hasEnded = false
        while !hasEnded {
            // Except at the end, some bytes are always left.
            while upload.load.waiting < 128 << 10, total + upload.load.waiting < (32 << 20) / size * size {
                await Task.yield()
            }
            room.withUnsafeMutableBytes { room in
                switch upload.take(into: room) {
                case .bytes(let count): total += count
                case .later: break
                case .end, .broken: hasEnded = true
                }
            }
            most = max(most, upload.load.held)
        }
        await feeding.value
        #expect(total == (32 << 20) / size * size)
        #expect(most < 1 << 20, "\(most)")
    }
}
