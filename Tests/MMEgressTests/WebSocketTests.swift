import CMMSystem
import Glibc
import MMCore
import MMHTTP
import MMIdentity
import MMSystem
import TestSupport
import Testing

@testable import MMEgress

@Suite("Web sockets of a session", .timeLimit(.minutes(5)), .enabled(if: RawSession.openssl != nil, "needs openssl"))
struct WebSocketTests {
    /// A service that opens web sockets, or answers otherwise, and echoes what it gets.
    private final class Echo: Sendable {
        let port: UInt16
        private let listener: Int32
        private let said = Mutex<(heads: [String], bytes: String)>(([], ""))

        var heads: [String] { said.withLock { $0.heads } }
        var bytes: String { said.withLock { $0.bytes } }

        init(_ answer: String) throws {
            var port: UInt16 = 0
            let listener = mm_tcp_listen("127.0.0.1", &port, 16)
            (self.port, self.listener) = (port, listener)
            try DedicatedThread.start("echo") {
                while true {
                    let accepted = mm_accept(listener)
                    guard accepted >= 0 else {
                        close(listener)
                        return
                    }
                    _ = try? DedicatedThread.start("echo-one") {
                        self.serve(accepted, answer)
                        close(accepted)
                    }
                }
            }
        }

        func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

        private func serve(_ descriptor: Int32, _ answer: String) {
            func read() -> String? {
                var room = [UInt8](repeating: 0, count: 65_536)
                let count = recv(descriptor, &room, room.count, 0)
                return count > 0 ? String(decoding: room.prefix(count), as: UTF8.self) : nil
            }
            func write(_ text: String) {
                let bytes = Array(text.utf8)
                _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            }
            var head = ""
            while !head.contains("\r\n\r\n") {
                guard let more = read() else { return }
                head += more
            }
            said.withLock { $0.heads.append(head) }
            write(answer)
            guard answer.hasPrefix("HTTP/1.1 101") else { return }
            while let text = read() {
                said.withLock { $0.bytes += text }
                if text.contains("farewell") { return }
                write("echo of \(text)")
            }
        }
    }

    private static let opened =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Accept: x\r\n\r\nfirst words;"

    private static func handshake(_ more: String = "", method: String = "GET", host: String = "graph.microsoft.com")
        -> String
    {
        "\(method) /v1.0/live HTTP/1.1\r\nHost: \(host)\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\(more)\r\n"
    }

    @Test("bytes are passed both ways, and only the headers of the handshake get tokens")
    func passes() async throws {
        let service = try Echo(Self.opened)
        let wire = try await TestWire(upstream: service.port)
        let placeholder = try wire.placeholder()
        let client = try await TunnelClient(wire)
        try client.send(Self.handshake("Authorization: Bearer \(placeholder)\r\n") + "early;")
        #expect(await eventually { service.bytes == "early;" })
        try client.send("late \(placeholder);")
        #expect(await eventually { service.bytes.hasSuffix("late \(placeholder);") })
        try client.send("farewell")
        let answer = try await client.rest()
        #expect(
            answer.hasPrefix("HTTP/1.1 101 ") && answer.contains("first words;") && answer.contains("echo of early;"))
        let head = try #require(service.heads.first)
        #expect(head.contains("Authorization: Bearer real-token-of-admin@contoso.com") && !head.contains(placeholder))
        #expect(head.contains("Upgrade: websocket\r\n") && head.contains("Connection: Upgrade\r\n"))
        #expect(head.hasPrefix("GET /v1.0/live HTTP/1.1\r\nHost: graph.microsoft.com\r\n"), "\(head)")
        #expect(!head.contains("Proxy-Authorization"))
        #expect(wire.judge.judged.first?.headers["upgrade"] == "websocket")
        #expect(await eventually { !wire.records.isEmpty })
        let record = try #require(wire.records.first)
        #expect(record.status == 101 && record.wasSent && record.bytesUp > 20 && record.bytesDown > 20)
        await wire.session.close()
        service.stop()
    }

    @Test("one that may not send any more can't finish its handshake, and sends nothing more")
    func permit() async throws {
        let service = try Echo(Self.opened)
        let may = MayBe(true)
        let wire = try await TestWire(upstream: service.port) { configuration in
            configuration.permit = { _ in SendPermit { may.value ? nil : "the lease is over" } }
        }
        let client = try await TunnelClient(wire)
        try client.send(Self.handshake() + "early;")
        #expect(await eventually { service.bytes == "early;" })
        may.value = false
        try client.send("late;")
        _ = try await client.rest()
        #expect(service.bytes == "early;")
        let answer = try await RawSession.tunnelled(
            wire, Array(Self.handshake().replacing("keep-alive", with: "close").utf8))
        #expect(answer.hasPrefix("HTTP/1.1 502 ") && answer.contains("the lease is over"), "\(answer)")
        #expect(service.heads.count == 1)
        await wire.session.close()
        service.stop()
    }

    /// A value that a test changes while others read it.
    private final class MayBe: Sendable {
        private let held: Mutex<Bool>
        init(_ value: Bool) { held = Mutex(value) }
        var value: Bool {
            get { held.withLock { $0 } }
            set { held.withLock { $0 = newValue } }
        }
    }

    @Test("a refused one reaches nobody")
    func refused() async throws {
        let service = try Echo(Self.opened)
        let wire = try await TestWire(upstream: service.port)
        wire.judge.say { _ in .refuse(class: "write", RequestRefusal(code: "denied", message: "No.")) }
        let client = try await TunnelClient(wire)
        try client.send(Self.handshake("Connection: close\r\n"))
        #expect(await eventually { !wire.records.isEmpty })
        #expect(wire.records.first?.status == 403 && service.heads.isEmpty)
        await wire.session.close()
        service.stop()
    }

    @Test(
        "another protocol, another method and a host outside of the cloud get none",
        arguments: [
            (handshake(method: "POST"), "graph.microsoft.com"),
            (handshake("Content-Length: 1\r\n") + "x", "graph.microsoft.com"),
            (handshake("HTTP2-Settings: AAMAAABk\r\n"), "graph.microsoft.com"),
            (handshake("Upgrade: h2c\r\n"), "graph.microsoft.com"),
            (handshake().replacing("websocket", with: "h2c"), "graph.microsoft.com"),
            (handshake().replacing("keep-alive, Upgrade", with: "keep-alive"), "graph.microsoft.com"),
            (handshake().replacing("Version: 13", with: "Version: 8"), "graph.microsoft.com"),
            (handshake(host: "api.contoso.com"), "api.contoso.com"),
            (handshake(host: "contoso.blob.core.windows.net"), "contoso.blob.core.windows.net"),
            (handshake(host: "login.microsoftonline.com"), "login.microsoftonline.com"),
        ])
    func others(_ request: String, _ host: String) async throws {
        let service = try Echo(Self.opened)
        let wire = try await TestWire(upstream: service.port, allow: ["api.contoso.com"])
        let answer = try await RawSession.tunnelled(wire, Array(request.utf8), host: host)
        #expect(answer.hasPrefix("HTTP/1.1 501 "), "\(answer)")
        #expect(service.heads.isEmpty && wire.judge.judged.isEmpty)
        await wire.session.close()
        service.stop()
    }

    @Test(
        "if the service opens none, its answer is passed on, and the connection ends",
        arguments: [
            ("HTTP/1.1 403 Forbidden\r\nX-Why: policy\r\nContent-Length: 5\r\n\r\nnever", 403),
            ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", 502), ("nonsense\r\n\r\n", 502), ("", 502),
        ])
    func notOpened(_ said: String, _ status: Int) async throws {
        let service = try Echo(said)
        let wire = try await TestWire(upstream: service.port)
        let answer = try await RawSession.tunnelled(
            wire, Array(Self.handshake().replacing("keep-alive", with: "close").utf8))
        #expect(answer.hasPrefix("HTTP/1.1 \(status) ") && !answer.contains("never"), "\(answer)")
        await wire.session.close()
        service.stop()
    }

    @Test("nothing more is sent after the call that opened it has ended")
    func callEnds() async throws {
        let service = try Echo(Self.opened)
        let wire = try await TestWire(upstream: service.port)
        let client = try await TunnelClient(wire)
        try client.send(Self.handshake() + "during;")
        #expect(await eventually { service.bytes == "during;" })
        wire.judge.isOver = true
        try client.send("after;")
        _ = try await client.rest()
        #expect(service.bytes == "during;")
        #expect(await eventually { !wire.records.isEmpty })
        await wire.session.close()
        service.stop()
    }

    @Test("the end of a session closes its web sockets")
    func sessionEnds() async throws {
        let service = try Echo(Self.opened)
        let wire = try await TestWire(upstream: service.port)
        let client = try await TunnelClient(wire)
        try client.send(Self.handshake() + "x;")
        #expect(await eventually { service.bytes == "x;" })
        await wire.session.close()
        _ = try await client.rest()
        service.stop()
    }
}
