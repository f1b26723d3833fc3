import MMCore
import MMSystem

/// A connection to a server over which bytes pass as they are: for what goes on in another protocol once a request has opened
/// it. libcurl makes it, with the trust store and the proxy of every other request.
///
/// For one sender and one receiver at a time.
package final class HTTPTunnel: Sendable {
    private let line: CurlLine

    private init(_ line: CurlLine) { self.line = line }

    deinit { line.close() }

    /// Connects to a transfer's server.
    static func open(
        _ transfer: CurlTransfer, _ configuration: HTTPClientConfiguration
    ) async throws(HTTPError) -> HTTPTunnel {
        let tunnel: HTTPTunnel
        do throws(MMError) {
            let line = try CurlLine()
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

    /// Sends bytes; returns when the system has taken them.
    /// - Throws: `.connectionLost` once the connection has ended.
    package func send(_ bytes: [UInt8]) async throws(HTTPError) {
        guard !bytes.isEmpty else { return }
        try await line.send(bytes)
    }

    /// What has come, as soon as there is something; nil at the server's end.
    /// - Throws: `.connectionLost` where the connection broke.
    package func receive() async throws(HTTPError) -> [UInt8]? { try await line.receive() }

    /// Ends the connection; who waits is told.
    package func close() { line.close() }
}
