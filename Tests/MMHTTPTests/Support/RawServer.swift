import CMMSystem
import Glibc
import MMCore
import MMSystem

/// A server that does exactly what a test says, however invalid: one thread per connection, raw bytes.
final class RawServer: Sendable {
    /// An accepted connection, used on its own thread.
    struct Connection {
        let descriptor: Int32

        /// Reads a request's headers and its announced body.
        func readRequest() -> String {
            var bytes: [UInt8] = []
            while true {
                var piece = [UInt8](repeating: 0, count: 65536)
                let count = recv(descriptor, &piece, piece.count, 0)
                if count <= 0 { break }
                bytes += piece.prefix(count)
                let text = String(decoding: bytes, as: UTF8.self)
                if let end = text.firstRange(of: "\r\n\r\n") {
                    let head = text[..<end.lowerBound].lowercased()
                    let announced =
                        head.firstRange(of: "content-length: ")
                        .map { head[$0.upperBound...].prefix { $0.isNumber } }.flatMap { Int($0) } ?? 0
                    if text[end.upperBound...].utf8.count >= announced { return text }
                }
            }
            return String(decoding: bytes, as: UTF8.self)
        }

        /// Sends these bytes; false if the other side is gone.
        @discardableResult
        func send(_ text: String) -> Bool { send(Array(text.utf8)) }

        /// Sends these bytes; false if the other side is gone.
        @discardableResult
        func send(_ bytes: [UInt8]) -> Bool {
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                if count <= 0 { return false }
                rest = rest.dropFirst(count)
            }
            return true
        }

        /// Waits until the other side closes.
        func waitForEnd() {
            var piece = [UInt8](repeating: 0, count: 4096)
            while recv(descriptor, &piece, piece.count, 0) > 0 {}
        }
    }

    let port: UInt16
    private let listener: Int32
    private let requests = Mutex<[String]>([])
    private let open = Mutex<Set<Int32>>([])

    /// The requests that were read, in order.
    var seen: [String] { requests.withLock { $0 } }

    /// Serves each connection with `serve` on its own thread.
    /// - Parameter path: of a Unix socket; a port of this machine without one.
    init(path: String? = nil, _ serve: @escaping @Sendable (Connection, RawServer) -> Void) throws {
        var port: UInt16 = 0
        if let path {
            listener = try UnixSocket.listen(at: path).take().descriptor
        } else {
            listener = mm_tcp_listen("127.0.0.1", &port, 128)
        }
        self.port = port
        let listener = listener
        try DedicatedThread.start("raw-server") {
            while true {
                let accepted = mm_accept(listener)
                if accepted < 0 {
                    // Closed only here: otherwise its number could be reused by another test while this thread accepts
                    // from it.
                    close(listener)
                    return
                }
                self.open.withLock { _ = $0.insert(accepted) }
                _ = try? DedicatedThread.start("raw-connection") {
                    serve(Connection(descriptor: accepted), self)
                    self.open.withLock { _ = $0.remove(accepted) }
                    close(accepted)
                }
            }
        }
    }

    /// Answers every request of every connection with these bytes.
    convenience init(answer: String) throws {
        try self.init { connection, server in
            while true {
                let request = connection.readRequest()
                if request.isEmpty { return }
                server.note(request)
                if !connection.send(answer) { return }
            }
        }
    }

    /// Records a request.
    func note(_ request: String) {
        requests.withLock { $0.append(request) }
    }

    /// Ends all connections and the listener.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        open.withLock { for descriptor in $0 { shutdown(descriptor, Int32(SHUT_RDWR)) } }
    }

    /// The address of a path here.
    func url(_ path: String) -> String { port == 0 ? "http://pool\(path)" : "http://127.0.0.1:\(port)\(path)" }
}
