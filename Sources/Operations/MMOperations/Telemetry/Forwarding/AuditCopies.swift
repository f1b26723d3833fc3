package import MMCore
import MMHTTP
import MMSystem

/// The copies of the audit log that a user's environment asks for.
package final class AuditCopies: Sendable {
    private let destinations: [AuditDestination]
    private let environment: [String: String]
    private let audit: AuditLog
    private let paths: StatePaths
    private let log: Log
    /// The error in the configuration, if any.
    package let fault: MMError?
    /// Resolved when `run` ends; `nil` before it begins.
    private let end = Mutex<OneShot<Void>?>(nil)

    /// Reads the environment.
    package init(environment: [String: String], audit: AuditLog, paths: StatePaths, log: Log) {
        (self.environment, self.audit, self.paths, self.log) = (environment, audit, paths, log)
        do throws(MMError) {
            destinations = try AuditDestination.all(environment: environment)
            fault = nil
        } catch {
            (destinations, fault) = ([], error)
        }
    }

    /// Sends lines as they come. When the task is cancelled, the lines already written are still sent. For long-running
    /// processes.
    package func run() async {
        tellFault()
        guard !destinations.isEmpty else { return }
        let end = OneShot<Void>()
        self.end.withLock { $0 = end }
        defer { end.resolve(()) }
        await each(destinations) { await $0.run() }
    }

    /// Sends the waiting lines, unless another process does. For short-lived processes, which may run without a pool;
    /// not each of them waits for a destination that is away.
    package func sendRest(at now: Timestamp = .now) async {
        tellFault()
        guard !destinations.isEmpty, let states = try? states() else { return }
        let open = zip(destinations, states).filter { $0.1.waiting > 0 && !$0.1.state.isAway(at: now) }.map(\.0)
        if !open.isEmpty { await each(open) { await $0.sendRest() } }
    }

    private func tellFault() {
        if let fault { log.from("audit-copies").error("the audit log is not forwarded: \(fault.message)") }
    }

    private func each(
        _ destinations: [AuditDestination], _ work: @escaping @Sendable (AuditForwarder) async -> Void
    ) async {
        var network = HTTPClientConfiguration(environment: environment)
        (network.threadName, network.connectTimeout) = ("mm-audit", .seconds(10))
        let transport = HTTPClient(configuration: network)
        let forwarders = destinations.map { destination in
            AuditForwarder(to: destination, by: sink(destination, transport), of: audit, paths: paths, log: log)
        }
        await forwarders.concurrentForEach(work)
    }

    /// Waits until `run`, whose task was cancelled, has ended. If the process ended earlier, its last lines would be
    /// left to the next process, and lines whose arrival it hadn't noted would be sent twice.
    package func finish() async {
        guard let end = end.withLock({ $0 }) else { return }
        await end.wait(until: .after(.seconds(4)), late: ())
    }

    private func sink(_ destination: AuditDestination, _ transport: any HTTPTransport) -> any AuditSink {
        switch destination {
        case .localSyslog, .syslogOverUDP, .syslogOverTCP: SyslogSink(destination)
        case .syslogOverTLS(let host, let port): SecureSyslogSink(host: host, port: port, transport: secureTransport)
        case .file(let path):
            FileSink(path: path, isAfterFault: (try? AuditCopyState.read(destination, paths))?.fault != nil)
        case .collector(let url), .cluster(let url):
            CollectorSink(
                url: url, tokenFile: environment[AuditDestination.tokenVariable].flatMap { $0.isEmpty ? nil : $0 },
                transport: transport)
        }
    }

    /// The client for syslog servers over TLS. Like the connections over plain TCP, it uses no proxy.
    private var secureTransport: HTTPClient {
        func file(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        var network = HTTPClientConfiguration(environment: environment)
        (network.threadName, network.connectTimeout, network.proxy) = ("mm-audit", .seconds(10), nil)
        if let authorities = file(AuditDestination.authoritiesVariable) { network.certificateFile = authorities }
        network.clientCertificate = file(AuditDestination.certificateVariable).map { certificate in
            (certificate: certificate, key: file(AuditDestination.keyVariable) ?? certificate)
        }
        return HTTPClient(configuration: network)
    }

    /// Returns the state of each destination and how many bytes wait for it.
    /// - Throws: an error if a file can't be read.
    package func states() throws(MMError) -> [(state: AuditCopyState, waiting: Int)] {
        var states: [(AuditCopyState, Int)] = []
        for destination in destinations {
            let state = try AuditCopyState.read(destination, paths)
            states.append((state, try audit.bytes(after: state.position)))
        }
        return states.map { (state: $0.0, waiting: $0.1) }
    }

    /// The states of the destinations, for `mm pool status`.
    package var json: [JSONValue] {
        ((try? states()) ?? []).map { state, waiting in
            var json = state.json
            json["offset"] = nil
            json["hash"] = nil
            json["nextAttempt"] = nil
            json["waitingBytes"] = .int(Int64(waiting))
            return .object(json)
        }
    }
}

/// A sink that sends lines to a syslog server over TLS (RFC 5425), with a check of the server's certificate and
/// octet-counted frames.
actor SecureSyslogSink: AuditSink {
    private let address: String
    private let transport: any HTTPTransport
    private static let patience = Duration.seconds(10)
    private var tunnel: HTTPTunnel?

    init(host: String, port: UInt16, transport: any HTTPTransport) {
        address = "https://\(host.contains(":") ? "[\(host)]" : host):\(port)"
        self.transport = transport
    }

    deinit { tunnel?.close() }

    func send(_ lines: [ArraySlice<UInt8>]) async throws(AuditSinkFault) {
        // The server may have closed the connection since the last batch.
        if tunnel?.unacknowledged == nil { leave() }
        do throws(HTTPError) {
            let open: HTTPTunnel
            if let held = tunnel {
                open = held
            } else {
                open = try await transport.connect(HTTPRequest(url: address, timeout: Self.patience))
                tunnel = open
                // The server sends nothing; the read ends when the server closes the connection.
                Task { while let bytes = try? await open.receive(), !bytes.isEmpty {} }
                // TLS's handshake ends before the server has checked this machine's certificate.
                try? await Task.sleep(for: SyslogSocket.proof)
                guard open.unacknowledged != nil else { throw HTTPError(.connectionLost, SyslogSocket.refusal) }
            }
            // If the server stops reading, closing the tunnel after the timeout wakes the waiting send.
            let watch = Task {
                guard (try? await Task.sleep(for: Self.patience)) != nil else { return }
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

    /// Waits until the server's machine has acknowledged everything, so that lines it never received are sent again.
    private func settle(_ tunnel: HTTPTunnel) async throws(HTTPError) {
        while true {
            guard let left = tunnel.unacknowledged else {
                throw HTTPError(.connectionLost, "the server closed the connection or accepts no more data")
            }
            if left == 0 { return }
            try? await Task.sleep(for: .milliseconds(2))
        }
    }

    func close() async {
        guard let open = tunnel else { return }
        tunnel = nil
        await open.closeInOrder(within: .seconds(1))
    }

    private func leave() {
        tunnel?.close()
        tunnel = nil
    }
}

/// A sink that appends lines to a file, such as one on an append-only share.
final class FileSink: AuditSink {
    private let path: String
    /// Whether the file may end with an incomplete line, as after a full disk.
    private let mayBeTorn: Mutex<Bool>

    /// Creates a sink for a file.
    /// - Parameter isAfterFault: whether the last write of an earlier process to it failed.
    init(path: String, isAfterFault: Bool) {
        self.path = path
        mayBeTorn = Mutex(isAfterFault)
    }

    func send(_ lines: [ArraySlice<UInt8>]) async throws(AuditSinkFault) {
        // Starting on a new line keeps an incomplete line from making the next one unreadable, too.
        let start: [UInt8] = mayBeTorn.withLock { $0 } ? [0x0A] : []
        let bytes = start + Array(lines.joined(separator: [0x0A])) + [0x0A]
        let path = path
        do throws(MMError) {
            try await BlockingWork.run { () throws(MMError) in try ProtectedFile.append(bytes, to: path) }
            mayBeTorn.withLock { $0 = false }
        } catch {
            mayBeTorn.withLock { $0 = true }
            throw AuditSinkFault(error.message)
        }
    }
}

/// A sink that sends lines to an HTTPS collector, as JSON lines with a bearer token from a file.
struct CollectorSink: AuditSink {
    let url: String
    let tokenFile: String?
    let transport: any HTTPTransport

    func send(_ lines: [ArraySlice<UInt8>]) async throws(AuditSinkFault) {
        var headers: HTTPHeaders = ["Content-Type": "application/x-ndjson"]
        // The token file is read each time, so that a renewed token needs no restart.
        if let secret = try await secret() { headers.set("Authorization", "Bearer " + secret.reveal()) }
        let body = Array(lines.joined(separator: [0x0A])) + [0x0A]
        let request = HTTPRequest(
            method: "POST", url: url, headers: headers, body: body, timeout: .seconds(30), maxResponseBytes: 1 << 20,
            allowsPlainHTTP: true)
        let status: Int
        let rest: Duration?
        do throws(HTTPError) {
            let response = try await transport.send(request)
            status = response.status
            rest = response.headers["Retry-After"].flatMap { Int64($0) }.map {
                min(.seconds($0), AuditSinkFault.longestRest)
            }
        } catch {
            throw AuditSinkFault(error.message)
        }
        guard !(200..<300).contains(status) else { return }
        throw AuditSinkFault("it answered \(status)", after: rest, isTooMuch: status == 413)
    }

    private func secret() async throws(AuditSinkFault) -> Secret? {
        guard let tokenFile else { return nil }
        do throws(MMError) {
            return try await BlockingWork.run { () throws(MMError) in
                guard let secret = try SecretFile.read(tokenFile) else {
                    throw MMError(.notFound, "the token file \(tokenFile) does not exist")
                }
                guard !secret.isEmpty else { throw MMError(.invalidInput, "the token file \(tokenFile) is empty") }
                return secret
            }
        } catch {
            throw AuditSinkFault(error.message)
        }
    }
}
