import CMMSystem
import Glibc
import MMCore
import MMSystem
import Testing

@testable import MMEgress

@Suite(
    "Requests to a service that closes connections", .timeLimit(.minutes(10)),
    .enabled(if: Curl.path != nil, "needs curl"))
struct SentOnceTests {
    /// Answers `/warm` and keeps the connection; otherwise closes it after reading the head.
    private final class Fickle: Sendable {
        let port: UInt16
        private let listener: Int32
        private let heads = Mutex<[String]>([])

        /// The request lines received, without those of `/warm`.
        var lines: [String] { heads.withLock { $0 } }

        init() throws {
            var port: UInt16 = 0
            let listener = mm_tcp_listen("127.0.0.1", &port, 16)
            self.port = port
            self.listener = listener
            try DedicatedThread.start("fickle") {
                while true {
                    let accepted = mm_accept(listener)
                    guard accepted >= 0 else {
                        close(listener)
                        return
                    }
                    _ = try? DedicatedThread.start("fickle-one") {
                        self.serve(accepted)
                        close(accepted)
                    }
                }
            }
        }

        func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

        private func serve(_ descriptor: Int32) {
            var text = ""
            var room = [UInt8](repeating: 0, count: 65_536)
            while true {
                while !text.contains("\r\n\r\n") {
                    let count = recv(descriptor, &room, room.count, 0)
                    guard count > 0 else { return }
                    text += String(decoding: room.prefix(count), as: UTF8.self)
                }
                guard text.hasPrefix("GET /warm ") else {
                    let line = String(text.prefix { $0 != "\r\n" && $0 != "\r" })
                    heads.withLock { $0.append(line) }
                    return
                }
                text = ""
                let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".utf8)
                send(descriptor, answer, answer.count, Int32(MSG_NOSIGNAL))
            }
        }
    }

    @Test(
        "what may change something reaches it once, on a new connection and on a kept one",
        arguments: ["POST", "PUT", "PATCH", "DELETE"], [true, false])
    func once(_ method: String, _ isWarm: Bool) async throws {
        let service = try Fickle()
        let wire = try await TestWire(upstream: service.port)
        let warm = isWarm ? ["https://graph.microsoft.com/warm", "--next", "-sS", "-w", "\n%{http_code}"] : []
        let body = method == "DELETE" ? [] : ["-d", "{}"]
        let answer = try await Curl.run(wire, warm + ["-X", method] + body + ["https://graph.microsoft.com/v1.0/x"])
        #expect(answer.status == "502")
        #expect(service.lines == ["\(method) /v1.0/x HTTP/1.1"])
        let record = try #require(await wire.records(isWarm ? 2 : 1).last)
        #expect(record.fault == "service_unreachable" && record.wasSent)
        await wire.session.close()
        service.stop()
    }
}
