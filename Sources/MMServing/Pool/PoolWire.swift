import Glibc
import MMCore
import MMSystem

/// Short questions to a pool over its socket, without the HTTP client: it would have to be loaded first, and finding the
/// pool is part of every command.
enum PoolWire {
    /// What a pool answered.
    struct Answer: Sendable {
        let status: Int
        let body: JSONValue
    }

    private static let limit = 1 << 20

    /// Asks and waits for the answer.
    /// - Parameters:
    ///   - method: the HTTP method.
    ///   - path: the path, such as `/v1/handshake`.
    ///   - body: what is sent.
    ///   - socket: where the pool listens.
    ///   - seconds: how long each step may take.
    /// - Throws: `unavailable` when nobody answers there, `forbidden` when somebody else does.
    static func ask(_ method: String, _ path: String, _ body: JSONValue? = nil, at socket: String, seconds: Int = 10)
        async throws(MMError) -> Answer
    {
        guard PoolPlace.isSafe(socket) else {
            throw MMError(.unavailable, "Nobody listens at \(socket), or its folder is open to others.")
        }
        return try await BlockingWork.run { () throws(MMError) in
            let connection = try UnixSocket.connect(to: socket)
            let peer = try UnixSocket.peer(of: connection.raw)
            guard peer.uid == geteuid() else {
                throw MMError(.forbidden, "The process at \(socket) belongs to another user.")
            }
            var wait = timeval(tv_sec: seconds, tv_usec: 0)
            let size = socklen_t(MemoryLayout<timeval>.size)
            setsockopt(connection.raw, SOL_SOCKET, SO_RCVTIMEO, &wait, size)
            setsockopt(connection.raw, SOL_SOCKET, SO_SNDTIMEO, &wait, size)
            let content = body.map { JSONWriter.bytes($0) } ?? []
            var head = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            if body != nil { head += "Content-Type: application/json\r\n" }
            head += "Content-Length: \(content.count)\r\n\r\n"
            try send(Array(head.utf8) + content, connection.raw, socket)
            return try parse(try receive(connection.raw, socket), socket)
        }
    }

    private static func send(_ bytes: [UInt8], _ descriptor: Int32, _ socket: String) throws(MMError) {
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw silent(socket) }
            done += count
        }
    }

    private static func receive(_ descriptor: Int32, _ socket: String) throws(MMError) -> [UInt8] {
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 16_384)
        while bytes.count < limit {
            let count = recv(descriptor, &room, room.count, 0)
            if count < 0, errno == EINTR { continue }
            // Only the end of the connection ends the answer: half of one is none.
            guard count >= 0 else { throw silent(socket) }
            if count == 0 { return bytes }
            bytes += room.prefix(count)
        }
        throw MMError(.remoteFailed, "The process at \(socket) sends more than a pool would.")
    }

    private static func parse(_ bytes: [UInt8], _ socket: String) throws(MMError) -> Answer {
        guard !bytes.isEmpty else { throw silent(socket) }
        var line: [UInt8] = []
        var end: Int?
        for index in bytes.indices.dropLast(3) where bytes[index] == 0x0D && bytes[index + 2] == 0x0D {
            end = index
            break
        }
        if let first = bytes.firstIndex(of: 0x0D) { line = Array(bytes[..<first]) }
        let words = line.split(separator: 0x20)
        guard let end, words.count > 1, words[0].starts(with: Array("HTTP/1.".utf8)),
            let status = Int(String(decoding: words[1], as: UTF8.self))
        else { throw MMError(.remoteFailed, "The process at \(socket) speaks no HTTP.") }
        let body = Array(bytes[(end + 4)...])
        return Answer(status: status, body: (try? JSONParser.parse(body)) ?? .null)
    }

    private static func silent(_ socket: String) -> MMError {
        MMError(.unavailable, "The process at \(socket) does not answer.", retry: .now)
    }
}
