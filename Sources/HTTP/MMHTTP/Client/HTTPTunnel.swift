import MMCore
import MMSystem

/// A connection to a server that carries raw bytes, for another protocol that a request has switched to. libcurl
/// establishes it, with the trust store and the proxy used for every request.
///
/// Supports one sender and one receiver at a time.
package final class HTTPTunnel: Sendable {
    private let line: TunnelTransfer

    private init(_ line: TunnelTransfer) { self.line = line }

    deinit { line.close() }

    /// Connects to a transfer's server.
    static func open(
        _ transfer: CurlTransfer, _ configuration: HTTPClientConfiguration
    ) async throws(HTTPError) -> HTTPTunnel {
        let tunnel: HTTPTunnel
        do throws(MMError) {
            let line = try TunnelTransfer()
            tunnel = HTTPTunnel(line)
            try DedicatedThread.start(configuration.threadName + "-line") { line.run(transfer, configuration) }
        } catch {
            throw HTTPError(.unavailable, error.message, hint: error.hint)
        }
        let head = await withTaskCancellationHandler {
            await transfer.head.wait()
        } onCancel: {
            transfer.cancel()
        }
        _ = try head.get()
        return tunnel
    }

    /// Sends bytes; returns once the system has accepted them.
    /// - Throws: `.connectionLost` once the connection has ended.
    package func send(_ bytes: [UInt8]) async throws(HTTPError) {
        guard !bytes.isEmpty else { return }
        try await line.send(bytes)
    }

    /// The number of sent bytes that the other machine hasn't acknowledged; nil once the connection has ended.
    package var unacknowledged: Int? { line.unacknowledged }

    /// Returns the received bytes as soon as there are some; nil when the server ends the connection.
    /// - Throws: `.connectionLost` when the connection breaks.
    package func receive() async throws(HTTPError) -> [UInt8]? { try await line.receive() }

    /// Ends the connection and wakes those who wait for it.
    package func close() { line.close() }
}
