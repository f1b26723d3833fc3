import CMMSystem
import Glibc
import MMCore
import MMSystem

/// A cheap server with one thread per connection: it gives small answers and a large one, and takes large bodies.
final class Service: Sendable {
    let port: UInt16
    private let taken = Mutex(0)
    private let answerBytes: Int

    /// How many bytes of bodies have arrived.
    var bytesTaken: Int { taken.withLock { $0 } }

    /// Starts to serve.
    init(answerBytes: Int) throws {
        self.answerBytes = answerBytes
        var port: UInt16 = 0
        let listener = mm_tcp_listen("127.0.0.1", &port, 64)
        guard listener >= 0 else { throw SystemError.error("Listening") }
        self.port = port
        try DedicatedThread.start("service") {
            while true {
                let accepted = mm_accept(listener)
                guard accepted >= 0 else { return }
                mm_send_at_once(accepted)
                _ = try? DedicatedThread.start("connection") {
                    self.serve(accepted)
                    close(accepted)
                }
            }
        }
    }

    private func serve(_ descriptor: Int32) {
        var room = [UInt8](repeating: 0, count: 256 << 10)
        var bytes: [UInt8] = []
        while true {
            while !Self.hasHead(bytes) {
                let count = recv(descriptor, &room, room.count, 0)
                guard count > 0 else { return }
                bytes += room.prefix(count)
            }
            let text = String(decoding: bytes.prefix(16 << 10), as: UTF8.self)
            guard let end = text.firstRange(of: "\r\n\r\n") else { return }
            let head = text[..<end.lowerBound].lowercased()
            var body = bytes.count - text[..<end.upperBound].utf8.count
            let length =
                head.firstRange(of: "content-length: ").flatMap { Int(head[$0.upperBound...].prefix { $0.isNumber }) }
                ?? 0
            while body < length {
                let count = recv(descriptor, &room, room.count, 0)
                guard count > 0 else { return }
                body += count
            }
            taken.withLock { $0 += body }
            bytes = []
            let isLarge = head.hasPrefix("get") && head.contains("/large")
            let size = isLarge ? answerBytes : 11
            guard send(descriptor, Array("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n".utf8)) else { return }
            guard isLarge else {
                guard send(descriptor, Array("{\"ok\":true}".utf8)) else { return }
                continue
            }
            let piece = [UInt8](repeating: 7, count: 256 << 10)
            var left = size
            while left > 0 {
                guard send(descriptor, left < piece.count ? Array(piece.prefix(left)) : piece) else { return }
                left -= piece.count
            }
        }
    }

    private static func hasHead(_ bytes: [UInt8]) -> Bool {
        bytes.count >= 4 && String(decoding: bytes.prefix(16 << 10), as: UTF8.self).contains("\r\n\r\n")
    }

    private func send(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress.map { $0 + done }, bytes.count - done, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }
}
