import CMMSystem
import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMEgress

/// A client of a session's proxy that sends exactly what a test says.
enum RawSession {
    static let openssl = ExecutableSearch.find("openssl", path: "/usr/bin:/bin")

    /// Sends bytes to the proxy itself and reads until it closes.
    static func plain(_ wire: TestWire, _ bytes: [UInt8], keepsSending: Bool = false) async throws -> String {
        let port = wire.session.port
        return try await BlockingWork.run { () throws(MMError) in
            let proxy = try connected(to: port)
            _ = send(proxy.raw, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            if !keepsSending { shutdown(proxy.raw, Int32(SHUT_WR)) }
            return answer(proxy)
        }
    }

    /// Sends all bytes before it reads, like simple clients.
    /// - Returns: the answer; nil if not all bytes were accepted.
    static func sendingFirst(_ wire: TestWire, _ bytes: [UInt8]) async throws -> String? {
        let port = wire.session.port
        return try await BlockingWork.run { () throws(MMError) in
            let proxy = try connected(to: port)
            guard send(proxy.raw, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else { return nil }
            return answer(proxy)
        }
    }

    /// Sends bytes, reads, and continues to send a little endlessly.
    /// - Returns: whether the proxy closed the connection within a minute of its answer.
    static func neverEnding(_ wire: TestWire, _ bytes: [UInt8]) async throws -> Bool {
        let port = wire.session.port
        return try await BlockingWork.run { () throws(MMError) in
            let proxy = try connected(to: port)
            _ = send(proxy.raw, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            _ = answer(proxy)
            let limit = ContinuousClock.now + .seconds(60)
            while ContinuousClock.now < limit {
                guard send(proxy.raw, "x", 1, Int32(MSG_NOSIGNAL)) == 1 else { return true }
                usleep(20_000)
            }
            return false
        }
    }

    /// A connection to a port of this machine.
    static func connected(to port: UInt16) throws(MMError) -> FileDescriptor {
        let proxy = FileDescriptor(owning: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(proxy.raw, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw MMError(.unavailable, "The proxy can't be reached.") }
        return proxy
    }

    private static func answer(_ proxy: borrowing FileDescriptor) -> String {
        var answer: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(proxy.raw, &piece, piece.count, 0)
            guard count > 0 else { break }
            answer += piece.prefix(count)
        }
        return String(decoding: answer, as: UTF8.self)
    }

    /// The header that the proxy requires.
    static func authorization(_ wire: TestWire) -> String {
        "Proxy-Authorization: Basic " + Base64.text(Array("session:\(wire.secret)".utf8))
    }

    /// Opens a tunnel with TLS, sends bytes and reads until the proxy closes.
    static func tunnelled(
        _ wire: TestWire, _ bytes: [UInt8], host: String = "graph.microsoft.com", name: String? = nil,
        arguments: [String] = []
    ) async throws -> String {
        String(
            decoding: try await tunnelledBytes(wire, bytes, host: host, name: name, arguments: arguments), as: UTF8.self
        )
    }

    /// The same for an answer that isn't text.
    static func tunnelledBytes(
        _ wire: TestWire, _ bytes: [UInt8], host: String = "graph.microsoft.com", name: String? = nil,
        arguments: [String] = []
    ) async throws -> [UInt8] {
        let command = ChildCommand(
            try #require(openssl),
            [
                "s_client", "-quiet", "-proxy", "127.0.0.1:\(wire.session.port)", "-proxy_user", "session",
                "-proxy_pass",
                "env:MM_TEST_SECRET", "-connect", "\(host):443", "-servername", name ?? host, "-CAfile",
                wire.session.certificateFile, "-verify_return_error", "-verify_hostname", host,
            ] + arguments,
            environment: ["PATH": "/usr/bin:/bin", "MM_TEST_SECRET": wire.secret])
        let done = try await ChildProcess.run(command, input: bytes, timeout: .seconds(300))
        return Array(done.output)
    }
}
