import Glibc
import MMCore
import MMSystem
import Testing

@testable import MMHTTP

@Suite("Tunnels", .timeLimit(.minutes(5)))
struct TunnelTests {
    private let client = HTTPClient(configuration: HTTPClientConfiguration(environment: [:]))

    private func request(_ port: UInt16) -> HTTPRequest {
        HTTPRequest(url: "http://127.0.0.1:\(port)/", allowsPlainHTTP: true)
    }

    @Test("any number of bytes is passed in both directions at once")
    func bothWays() async throws {
        let server = try RawServer { connection, _ in
            var room = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = recv(connection.descriptor, &room, room.count, 0)
                guard count > 0, connection.send(Array(room.prefix(count))) else { return }
            }
        }
        let tunnel = try await client.connect(request(server.port))
        let size = 8 << 20
        let sending = Task {
            for part in 0..<128 { try await tunnel.send([UInt8](repeating: UInt8(part), count: size / 128)) }
        }
        var (count, sum) = (0, 0)
        while count < size, let bytes = try await tunnel.receive() {
            count += bytes.count
            sum = bytes.reduce(sum) { $0 &+ Int($1) }
        }
        try await sending.value
        #expect(count == size && sum == (0..<128).reduce(0, +) * (size / 128))
        tunnel.close()
        server.stop()
    }

    @Test("if the server closes, the tunnel ends, and nothing is sent to it any more")
    func ends() async throws {
        let server = try RawServer { connection, _ in connection.send("last words") }
        let tunnel = try await client.connect(request(server.port))
        var text = ""
        while let bytes = try await tunnel.receive() { text += String(decoding: bytes, as: UTF8.self) }
        #expect(text == "last words")
        await #expect(throws: HTTPError.self) {
            while true { try await tunnel.send([1]) }
        }
        server.stop()
    }

    @Test("closing on this side ends waiting reads")
    func closes() async throws {
        let isOver = ThreadSemaphore()
        let server = try RawServer { _, _ in isOver.wait() }
        let tunnel = try await client.connect(request(server.port))
        let waiting = Task { try await tunnel.receive() }
        tunnel.close()
        #expect(try await waiting.value == nil)
        isOver.post()
        server.stop()
    }

    @Test("cancelling a task that waits for the tunnel ends its wait and the connection", arguments: [true, false])
    func cancelled(whileReceiving: Bool) async throws {
        let isOver = ThreadSemaphore()
        // It sends nothing, and reads nothing until the other side has closed.
        let server = try RawServer { connection, _ in
            isOver.wait()
            connection.waitForEnd()
        }
        let tunnel = try await client.connect(request(server.port))
        let waiting = Task {
            while true {
                // More than the sockets' buffers hold.
                let bytes = [UInt8](repeating: 1, count: 8 << 20)
                if whileReceiving { _ = try await tunnel.receive() } else { try await tunnel.send(bytes) }
            }
        }
        waiting.cancel()
        await #expect { try await waiting.value } throws: { ($0 as? HTTPError)?.kind == .cancelled }
        #expect(tunnel.unacknowledged == nil)
        isOver.post()
        server.stop()
    }

    @Test("cancelling a task that opens a tunnel ends the connection, long before the time limit")
    func cancelledWhileOpening() async throws {
        let (isThere, isOver) = (OneShot<Void>(), OneShot<Void>())
        // It doesn't answer the TLS handshake.
        let server = try RawServer { connection, _ in
            isThere.resolve(())
            connection.waitForEnd()
            isOver.resolve(())
        }
        var configuration = HTTPClientConfiguration(environment: [:])
        configuration.connectTimeout = .seconds(3600)
        let client = HTTPClient(configuration: configuration)
        let opening = Task {
            try await client.connect(HTTPRequest(url: "https://127.0.0.1:\(server.port)/", timeout: .seconds(3600)))
        }
        await isThere.wait()
        opening.cancel()
        await #expect { try await opening.value } throws: { ($0 as? HTTPError)?.kind == .cancelled }
        await isOver.wait()
        server.stop()
    }

    @Test("if nothing answers there is no tunnel")
    func nothing() async throws {
        let server = try RawServer { _, _ in }
        let port = server.port
        server.stop()
        await #expect(throws: HTTPError.self) { _ = try await client.connect(request(port)) }
        await client.shutdown()
        await #expect(throws: HTTPError.self) { _ = try await client.connect(request(port)) }
    }
}
