import MMCore
import MMHTTP

/// Sends lines to a syslog server over TLS (RFC 5425): the server's certificate is checked, and frames count their octets.
actor SecureSyslogSink: AuditSink {
    private let address: String
    private let transport: any HTTPTransport
    private let patience: Duration
    private var tunnel: HTTPTunnel?

    init(host: String, port: UInt16, transport: any HTTPTransport, patience: Duration = .seconds(10)) {
        address = "https://\(host.contains(":") ? "[\(host)]" : host):\(port)"
        (self.transport, self.patience) = (transport, patience)
    }

    deinit { tunnel?.close() }

    func send(_ lines: [ArraySlice<UInt8>]) async throws(AuditSinkFault) {
        // The other side may have closed it since the last batch.
        if tunnel?.unacknowledged == nil { leave() }
        do throws(HTTPError) {
            let open: HTTPTunnel
            if let held = tunnel {
                open = held
            } else {
                open = try await transport.connect(HTTPRequest(url: address, timeout: patience))
                tunnel = open
                // A server says nothing; reading tells when it goes.
                Task { while let bytes = try? await open.receive(), !bytes.isEmpty {} }
            }
            // Whoever takes nothing is left in time, which wakes who waits for it.
            let limit = patience
            let watch = Task {
                guard (try? await Task.sleep(for: limit)) != nil else { return }
                open.close()
            }
            defer { watch.cancel() }
            var frames: [UInt8] = []
            for line in lines {
                let message = SyslogMessage.bytes(of: line)
                frames += Array("\(message.count) ".utf8) + message
            }
            try await open.send(frames)
            try await settle(open)
        } catch {
            leave()
            throw AuditSinkFault(error.message)
        }
    }

    /// Waits until the other machine has acknowledged everything, so that what it never got is sent again.
    private func settle(_ tunnel: HTTPTunnel) async throws(HTTPError) {
        while true {
            guard let left = tunnel.unacknowledged else {
                throw HTTPError(.connectionLost, "the server closed the connection, or takes nothing more")
            }
            if left == 0 { return }
            try? await Task.sleep(for: .milliseconds(2))
        }
    }

    private func leave() {
        tunnel?.close()
        tunnel = nil
    }
}
