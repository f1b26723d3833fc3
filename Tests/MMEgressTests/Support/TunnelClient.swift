import Glibc
import MMCore
import MMSystem
import Testing

@testable import MMEgress

/// A client within a tunnel that sends only what a test says.
final class TunnelClient: Sendable {
    private let process: ChildProcess
    private let input: Int32

    /// Opens a tunnel with TLS to a host.
    init(
        _ wire: TestWire, host: String = "graph.microsoft.com", arguments: [String] = []
    ) async throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        input = ends[1]
        var command = ChildCommand(
            try #require(RawSession.openssl),
            [
                "s_client", "-quiet", "-proxy", "127.0.0.1:\(wire.session.port)", "-proxy_user", "session",
                "-proxy_pass",
                "env:MM_TEST_SECRET", "-connect", "\(host):443", "-servername", host, "-CAfile",
                wire.session.certificateFile, "-verify_return_error", "-verify_hostname", host,
            ] + arguments,
            environment: ["PATH": "/usr/bin:/bin", "MM_TEST_SECRET": wire.secret])
        command.input = .descriptor(ends[0])
        command.error = .null
        process = try await ChildProcess.start(command)
        close(ends[0])
    }

    deinit {
        process.signalGroup(SIGKILL)
        close(input)
    }

    /// Sends a text.
    func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Sends bytes.
    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(input, $0.baseAddress, $0.count) }
            guard count > 0 else { throw SystemError.error("Writing") }
            rest = rest.dropFirst(count)
        }
    }

    /// Reads until the proxy closes the connection; the client itself never does.
    func rest() async throws -> String {
        var bytes: [UInt8] = []
        while let piece = try await process.output?.read() { bytes += piece }
        return String(decoding: bytes, as: UTF8.self)
    }
}
