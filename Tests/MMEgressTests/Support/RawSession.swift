import CMMSystem
import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMEgress

/// A client of a session's wire that sends exactly what a test says.
enum RawSession {
    static let openssl = ExecutableSearch.find("openssl", path: "/usr/bin:/bin")

    /// Sends bytes to the proxy itself and reads what comes until it closes.
    static func plain(_ wire: TestWire, _ bytes: [UInt8], keepsSending: Bool = false) async throws -> String {
        let port = wire.session.port
        return try await BlockingWork.run { () throws(MMError) in
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            let connected = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard connected == 0 else { throw MMError(.unavailable, "The proxy can't be reached.") }
            _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            if !keepsSending { shutdown(descriptor, Int32(SHUT_WR)) }
            var answer: [UInt8] = []
            var piece = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = recv(descriptor, &piece, piece.count, 0)
                guard count > 0 else { break }
                answer += piece.prefix(count)
            }
            return String(decoding: answer, as: UTF8.self)
        }
    }

    /// What a head must hold to be let in.
    static func authorization(_ wire: TestWire) -> String {
        "Proxy-Authorization: Basic " + Base64.text(Array("session:\(wire.secret)".utf8))
    }

    /// Opens a tunnel and TLS within it, sends bytes and reads what comes until the proxy closes.
    static func tunnelled(
        _ wire: TestWire, _ bytes: [UInt8], host: String = "graph.microsoft.com", name: String? = nil,
        arguments: [String] = []
    ) async throws -> String {
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
        return String(decoding: done.output, as: UTF8.self)
    }
}
