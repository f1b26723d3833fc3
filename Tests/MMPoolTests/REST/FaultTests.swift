import Glibc
import MMCore
import MMHTTP
import MMOperations
import MMSystem
import Testing

@testable import MMPool

@Suite("Misbehaving clients", .timeLimit(.minutes(5)))
struct FaultTests {
    /// A plain connection to a pool's socket that sends these bytes.
    private static func connect(_ socket: String, _ text: String) throws(MMError) -> Int32 {
        let connection = try UnixSocket.connect(to: socket)
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                send(connection.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { break }
            sent += count
        }
        return connection.release()
    }

    private final class Connections: Sendable {
        private let raw = Mutex<[Int32]>([])
        func add(_ descriptor: Int32) { raw.withLock { $0.append(descriptor) } }
        func read(_ index: Int) -> String {
            let number = raw.withLock { $0[index] }
            var bytes = [UInt8](repeating: 0, count: 16_384)
            let count = recv(number, &bytes, bytes.count, 0)
            return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        }
        func closeAll() {
            for number in raw.withLock({ raw in
                defer { raw = [] }
                return raw
            }) { close(number) }
        }
    }

    @Test("a thousand idle watchers cost nothing, and are forgotten when they leave")
    func watchers() async throws {
        ResourceLimits.raiseDescriptors()
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(7), &limit)
        // Each watcher needs a descriptor on both sides.
        let count = limit.rlim_cur >= 4_096 ? 1_000 : 100
        let home = try RESTHome()
        let pool = try SocketPool(home, home.service([ScriptedOperation("works") { _, _ in .value("done") }]))
        let connections = Connections()
        let socket = pool.socket
        for _ in 0..<count {
            connections.add(
                try Self.connect(
                    socket, "GET /v1/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"))
        }
        let first = try await BlockingWork.run { () throws(MMError) in connections.read(count - 1) }
        #expect(first.hasPrefix("HTTP/1.1 200"))
        for _ in 0..<20 {
            #expect(try await pool.send("POST", "/v1/operations/works").json == "done")
        }
        connections.closeAll()
        #expect(try await pool.send("POST", "/v1/operations/works").json == "done")
        await pool.stop()
    }

    @Test("a client that vanishes during an answer ends its call, whatever that was doing")
    func vanishing() async throws {
        let home = try RESTHome()
        let ended = Mutex(0)
        let begun = Mutex(0)
        let pool = try SocketPool(
            home,
            home.service([
                ScriptedOperation("endless") { _, _ in
                    OperationAnswer(
                        .items(
                            ItemStream { () async throws(MMError) in
                                guard !Task.isCancelled else {
                                    ended.withLock { $0 += 1 }
                                    throw MMError(.cancelled, "gone")
                                }
                                begun.withLock { $0 += 1 }
                                return [[UInt8](repeating: 0x31, count: 20_000)[...]]
                            }))
                },
                ScriptedOperation("waits") { (_, _) async throws(MMError) in
                    begun.withLock { $0 += 1 }
                    while (try? await Task.sleep(for: .seconds(600))) != nil {}
                    ended.withLock { $0 += 1 }
                    throw MMError(.cancelled, "gone")
                },
            ]))
        let socket = pool.socket
        for accept in ["text/event-stream", "application/json"] {
            let before = begun.withLock { $0 }
            let connection = try Self.connect(
                socket,
                "POST /v1/operations/waits HTTP/1.1\r\nHost: x\r\nAccept: \(accept)\r\nContent-Length: 0\r\n\r\n")
            while begun.withLock({ $0 }) == before { try await Task.sleep(for: .milliseconds(5)) }
            close(connection)
        }
        while ended.withLock({ $0 }) < 2 { try await Task.sleep(for: .milliseconds(5)) }
        // A client that doesn't read holds the source back; when it leaves, the source is released.
        for accept in ["text/event-stream", "application/x-ndjson"] {
            let before = begun.withLock { $0 }
            let connection = try Self.connect(
                socket,
                "POST /v1/operations/endless HTTP/1.1\r\nHost: x\r\nAccept: \(accept)\r\nContent-Length: 0\r\n\r\n")
            while begun.withLock({ $0 }) == before { try await Task.sleep(for: .milliseconds(5)) }
            var seen = -1
            var now = begun.withLock { $0 }
            while now != seen {
                seen = now
                try await Task.sleep(for: .milliseconds(200))
                now = begun.withLock { $0 }
            }
            #expect(now - before < 2_000)
            close(connection)
            #expect(try await pool.send("GET", "/v1/handshake").status == 200)
        }
        await pool.stop()
    }

    @Test("floods of headers and endless bodies are refused, and others still get answers")
    func floods() async throws {
        let home = try RESTHome()
        let pool = try SocketPool(home, home.service([ScriptedOperation("works") { _, _ in .value("done") }]))
        let socket = pool.socket
        let headers = (0..<20_000).map { "X-Flood-\($0): \(String(repeating: "a", count: 50))\r\n" }.joined()
        let floods = [
            "GET /v1/handshake HTTP/1.1\r\nHost: x\r\n\(headers)\r\n",
            "GET /\(String(repeating: "a", count: 200_000)) HTTP/1.1\r\nHost: x\r\n\r\n",
            "POST /v1/operations/works HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
            "POST /v1/operations/works HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        ]
        for flood in floods {
            let answer = try await BlockingWork.run { () throws(MMError) in
                let connection = try Self.connect(socket, flood)
                defer { close(connection) }
                var bytes = [UInt8](repeating: 0, count: 4_096)
                let count = recv(connection, &bytes, bytes.count, 0)
                return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
            }
            // Some get a 4xx, some are just closed; none is served.
            #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"), "\(answer.prefix(60))")
            #expect(try await pool.send("POST", "/v1/operations/works").json == "done")
        }
        await pool.stop()
    }
}
