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
    /// What is wrong with the configuration.
    package let fault: MMError?
    /// The end of `run`, once it has begun.
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

    /// Sends lines as they come, until the task is cancelled, and then those that were written before. For processes that last.
    package func run() async {
        if let fault { log.from("audit-copies").error("no copies of the audit log are sent: \(fault.message)") }
        guard !destinations.isEmpty else { return }
        let end = OneShot<Void>()
        self.end.withLock { $0 = end }
        defer { end.resolve(()) }
        await each(destinations) { await $0.run() }
    }

    /// Sends the lines that wait, where no other process does it. For processes that end at once: without a pool nobody else would.
    package func sendRest() async {
        guard !destinations.isEmpty, let states = try? states() else { return }
        let open = zip(destinations, states).filter { $0.1.waiting > 0 && $0.1.state.fault == nil }.map(\.0)
        if !open.isEmpty { await each(open) { await $0.sendRest() } }
    }

    private func each(
        _ destinations: [AuditDestination], _ work: @escaping @Sendable (AuditForwarder) async -> Void
    ) async {
        var network = HTTPClientConfiguration(environment: environment)
        (network.threadName, network.connectTimeout) = ("mm-audit", .seconds(10))
        let transport = HTTPClient(configuration: network)
        await withTaskGroup(of: Void.self) { group in
            for destination in destinations {
                let forwarder = AuditForwarder(
                    to: destination, by: sink(destination, transport), of: audit, paths: paths, log: log)
                group.addTask { await work(forwarder) }
            }
        }
    }

    /// Waits until `run` has ended, whose task was cancelled: a process that went before would leave its last lines to the next one,
    /// and have those sent twice whose arrival it hadn't noted.
    /// - Parameter limit: how long that may take.
    package func finish(within limit: Duration = .seconds(4)) async {
        guard let end = end.withLock({ $0 }) else { return }
        let timer = Task {
            guard (try? await Task.sleep(for: limit)) != nil else { return }
            end.resolve(())
        }
        await end.wait()
        timer.cancel()
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

    /// Connects to syslog servers over TLS, as those over TCP are connected to: by no proxy.
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

    /// How far each has come, and how many bytes wait.
    /// - Throws: an error when a file can't be read.
    package func states() throws(MMError) -> [(state: AuditCopyState, waiting: Int)] {
        var states: [(AuditCopyState, Int)] = []
        for destination in destinations {
            let state = try AuditCopyState.read(destination, paths)
            states.append((state, try audit.bytes(after: state.position)))
        }
        return states.map { (state: $0.0, waiting: $0.1) }
    }

    /// The same for `mm pool status`.
    package var json: [JSONValue] {
        ((try? states()) ?? []).map { state, waiting in
            var json = state.json
            json["offset"] = nil
            json["hash"] = nil
            json["waitingBytes"] = .int(Int64(waiting))
            return .object(json)
        }
    }
}
