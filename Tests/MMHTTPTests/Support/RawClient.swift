import CMMSystem
import Glibc
import MMCore
import MMSystem

/// A client that sends exactly what a test says, however invalid. Its calls block, so they need threads of their own.
struct RawClient: Sendable {
    fileprivate let descriptor: Int32

    /// Creates a client that isn't connected yet.
    init() {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    }

    /// Connects to a port of this machine.
    init(port: UInt16) throws {
        self.init()
        try connect(to: port)
    }

    /// Connects to a port of this machine.
    func connect(to port: UInt16) throws {
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = port.bigEndian
        inet_pton(AF_INET, "127.0.0.1", &target.sin_addr)
        let result = withUnsafePointer(to: &target) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            Glibc.close(descriptor)
            throw SystemError.error("Connecting to port \(port)")
        }
        var patience = timeval(tv_sec: 300, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Sends these bytes; false if the other side is gone.
    @discardableResult
    func send(_ text: String) async -> Bool { await send(Array(text.utf8)) }

    /// Sends these bytes; false if the other side is gone.
    @discardableResult
    func send(_ bytes: [UInt8]) async -> Bool {
        let descriptor = descriptor
        return
            (try? await BlockingWork.run { () throws(MMError) in
                RawServer.Connection(descriptor: descriptor).send(bytes)
            }) ?? false
    }

    /// Reads until the other side closes, or five minutes have passed in silence.
    func readToEnd() async -> String {
        await read { _ in false }
    }

    /// Reads until the text contains `part`.
    func read(until part: String) async -> String {
        await read { $0.contains(part) }
    }

    private func read(_ isEnough: @escaping @Sendable (String) -> Bool) async -> String {
        let descriptor = descriptor
        let text = try? await BlockingWork.run { () throws(MMError) in
            var bytes: [UInt8] = []
            var piece = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = recv(descriptor, &piece, piece.count, 0)
                if count < 0 { return "(no end)" + String(decoding: bytes, as: UTF8.self) }
                if count == 0 { break }
                bytes += piece.prefix(count)
                if isEnough(String(decoding: bytes, as: UTF8.self)) { break }
            }
            return String(decoding: bytes, as: UTF8.self)
        }
        return text ?? "(no thread)"
    }

    /// Closes the connection.
    func close() {
        Glibc.close(descriptor)
    }
}

/// Sends these bytes to a port in pieces, and returns everything received until the other side closes.
func rawExchange(_ port: UInt16, _ pieces: String...) async throws -> String {
    let client = try RawClient(port: port)
    defer { client.close() }
    for piece in pieces { await client.send(piece) }
    return await client.readToEnd()
}

extension RawClient {
    /// Closes the writing side.
    func finishSending() async {
        shutdown(descriptor, Int32(SHUT_WR))
    }
}
