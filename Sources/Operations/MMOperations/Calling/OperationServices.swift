package import MMCore
package import MMGuard
package import MMHTTP
package import MMIdentity
import MMPowerShell
package import MMSessions
import MMSystem

/// The services that operations use. There is one value for each process; its parts are opened on first use.
public struct OperationServices: Sendable {
    /// The environment of the process.
    package let environment: [String: String]
    /// The paths of the state files.
    package let paths: StatePaths
    /// The connections.
    package let registry: ConnectionRegistry
    /// Sign-ins and tokens.
    package let identity: IdentityService
    /// The guard, which judges scripts and requests.
    package let guards: CurrentGuard
    /// PowerShell sessions.
    package let sessions: SessionPool<ModuleSessionFactory>
    /// Shells, local and on hosts.
    package let shells: ShellSessions
    /// Background jobs: calls that go on after their callers got a handle.
    package let jobs: OperationJobs
    /// The restorer of sessions after a restart.
    package let restorer: SessionRestorer
    /// The ledger of requests that wait for a person's confirmation.
    package var ledger: ConfirmationLedger
    /// The store for long answers.
    package let outputs: OutputStore
    /// The audit log.
    package let audit: AuditLog
    /// The sender of traces and metrics to a collector, if the environment names one.
    package let telemetry: Telemetry?
    /// The sender of copies of the audit log to the destinations in the environment.
    package let auditCopies: AuditCopies
    /// The requests that sessions have sent.
    package let sent: SentRequests
    /// The names of variables that scripts have left in sessions.
    package let variables: SessionVariables
    /// Scripts whose parameter names have been checked.
    let checkedScripts = CheckedScripts()
    /// The parsed forms of recently run scripts.
    let readings = ScriptReadings()
    /// The log.
    package let log: Log
    /// The lines of the journal and the audit log that the nodes of a cluster share; `nil` outside a cluster.
    package var cluster: ClusterLines?
    /// The cluster's leases, which calls need; `nil` outside a cluster.
    package var leases: (any ConnectionLeases)?

    /// Keeps idle sessions alive and removes unused ones, until the task is cancelled. For long-running processes.
    public func runMaintenance() async {
        jobs.setLifetime()
        ResourceLimits.raiseDescriptors()
        do throws(MMError) {
            let journal = requestServices.journal
            try await AbandonedCalls(audit: audit, journal: journal).close()
        } catch {
            log.error("could not record the calls that ended with their process: \(error.message)")
        }
        async let spares: Void = SpareSessions(environment: environment, registry: registry, log: log)
            .keep(in: sessions)
        async let shellUpkeep: Void = shells.runMaintenance()
        async let copies: Void = auditCopies.run()
        await sessions.runMaintenance()
        await spares
        await shellUpkeep
        await copies
    }

    /// Shares the waits that services ask for (`Retry-After`) with other machines from now on.
    package func share(_ paces: any PaceStore) { identity.share(paces) }

    /// Cancels jobs, closes all sessions and stores renewed sign-ins before it returns.
    public func close() async {
        await shells.close()
        await jobs.table.close()
        await sessions.close()
        await identity.finishRenewals()
        await telemetry?.close()
    }

    /// The environment variable that also sends log lines to standard error, as `json` or `console`; `off` keeps them in the file only. It
    /// is set by the profiles of earlier servers that logged there, and by a pool in the foreground.
    package static let standardErrorForm = "MM_LOG_STANDARD_ERROR"

    /// Returns the settings for logging to a file, as the environment asks for.
    package static func logging(to path: String, _ environment: [String: String]) -> LogSettings {
        let level = environment["MM_LOG_LEVEL"].flatMap { Log.Level(word: $0) } ?? .info
        var logging = LogSettings(path: path, level: level)
        if let form = environment[standardErrorForm], form != "off" {
            logging.standardError = true
            logging.standardErrorForm = form == "json" ? .json : .plain
        }
        return logging
    }

    /// Creates the services for a user's state files.
    /// - Parameter environment: the environment of the process.
    public init(environment: [String: String]) {
        let paths = StatePaths(environment: environment)
        let only = environment["M365_CONNECTION"].flatMap { $0.isEmpty ? nil : $0 }
        let log = Log(Self.logging(to: paths.poolLog(of: only), environment))
        let telemetry = Telemetry.standard(environment: environment, paths: paths, log: log)
        // Programs in sessions inherit neither this process's log setting nor the secrets of a collector.
        let environment = environment.filter { name, _ in
            name != Self.standardErrorForm && !TelemetrySettings.isSecret(name)
        }
        let identity = IdentityService(environment: environment, log: log) { transport in
            telemetry == nil ? transport : TracedTransport(transport, ofSignIns: true)
        }
        self.telemetry = telemetry
        self.environment = environment
        self.paths = paths
        self.identity = identity
        registry = ConnectionRegistry(path: paths.registry)
        let guards = CurrentGuard(environment: environment)
        let audit = AuditLog(path: paths.auditLog)
        auditCopies = AuditCopies(environment: environment, audit: audit, paths: paths, log: log)
        let sent = SentRequests(audit: audit, log: log)
        self.guards = guards
        self.audit = audit
        self.sent = sent
        let variables = SessionVariables()
        self.variables = variables
        sessions = SessionPool(
            factory: ModuleSessionFactory(
                environment: environment, paths: paths, registry: registry, identity: identity, guards: guards,
                sent: sent, variables: variables, log: log))
        jobs = OperationJobs()
        shells = ShellSessions(work: jobs.table)
        restorer = SessionRestorer(
            path: paths.sessionsFile(of: only), registry: registry, sessions: sessions, log: log)
        ledger = ConfirmationLedger(paths: paths)
        outputs = OutputStore(directory: paths.outputDirectory)
        self.log = log
    }
}

/// The lines of the journal and the audit log that the nodes of a cluster share.
package struct ClusterLines: Sendable {
    /// The exchange of journal lines.
    package let journal: JournalExchange
    /// The shared lines of the audit log.
    package let audit: any SharedLines
    /// The name of this node in its own lines.
    package let origin: String

    /// - Throws: an error if this state folder can't be given a name.
    package init(
        journal: any SharedLines, claims: any ChangeClaims, audit: any SharedLines, paths: StatePaths
    ) throws(MMError) {
        origin = try LineOrigin.name(of: paths)
        self.journal = JournalExchange(journal, claims, from: origin, paths: paths)
        self.audit = audit
    }

    /// The sink that gives the lines of this node's audit log to the other nodes.
    package var sink: any AuditSink { NodeSink(lines: audit, origin: origin) }
}

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

    /// Sends lines as they come. When the task is cancelled, the lines already written are still sent. For long-running processes.
    package func run() async {
        if let fault { log.from("audit-copies").error("the audit log is not forwarded: \(fault.message)") }
        guard !destinations.isEmpty else { return }
        let end = OneShot<Void>()
        self.end.withLock { $0 = end }
        defer { end.resolve(()) }
        await each(destinations) { await $0.run() }
    }

    /// Sends the waiting lines, unless another process does. For short-lived processes, which may run without a pool.
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
        let forwarders = destinations.map { destination in
            AuditForwarder(to: destination, by: sink(destination, transport), of: audit, paths: paths, log: log)
        }
        await forwarders.concurrentForEach(work)
    }

    /// Waits until `run`, whose task was cancelled, has ended. If the process ended earlier, its last lines would be left to the next
    /// process, and lines whose arrival it hadn't noted would be sent twice.
    /// - Parameter limit: how long to wait at most.
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
            json["waitingBytes"] = .int(Int64(waiting))
            return .object(json)
        }
    }
}

/// A sink that sends lines to a syslog server over TLS (RFC 5425), with a check of the server's certificate and octet-counted frames.
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
        // The server may have closed the connection since the last batch.
        if tunnel?.unacknowledged == nil { leave() }
        do throws(HTTPError) {
            let open: HTTPTunnel
            if let held = tunnel {
                open = held
            } else {
                open = try await transport.connect(HTTPRequest(url: address, timeout: patience))
                tunnel = open
                // The server sends nothing; the read ends when the server closes the connection.
                Task { while let bytes = try? await open.receive(), !bytes.isEmpty {} }
            }
            // If the server stops reading, closing the tunnel after the timeout wakes the waiting send.
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
    init(path: String, isAfterFault: Bool = false) {
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
            rest = response.headers["Retry-After"].flatMap { Int64($0) }.map { .seconds(min($0, 3600)) }
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
                guard let bytes = try ProtectedFile.read(tokenFile, limit: 4096) else {
                    throw MMError(.notFound, "the token file \(tokenFile) does not exist")
                }
                let text = bytes.filter { $0 > 0x20 && $0 < 0x7F }
                guard !text.isEmpty else { throw MMError(.invalidInput, "the token file \(tokenFile) is empty") }
                return Secret(String(decoding: text, as: UTF8.self))
            }
        } catch {
            throw AuditSinkFault(error.message)
        }
    }
}

/// The spare sessions, which a long-running process starts before they are needed.
///
/// A PowerShell process takes about a second to start and 110 MB of memory, so spares are kept only on request: by a connection's key
/// `keepSpares`, a list of modules, or by the variable `MM_KEEP_SPARES`, which overrides the key: `off`, or a list such as
/// `Contoso/exo,Contoso/azure`.
struct SpareSessions: Sendable {
    /// The environment of the process.
    let environment: [String: String]
    /// The connections.
    let registry: ConnectionRegistry
    /// The log for errors in the settings.
    let log: Log
    private static let tick = Duration.seconds(30)

    /// Keeps the pool's spares as the settings ask for, until the task is cancelled. Changed settings take effect without a restart.
    func keep(in pool: SessionPool<ModuleSessionFactory>) async {
        var told: Set<String> = []
        var last: Set<SessionKey> = []
        while !Task.isCancelled {
            let (keys, faults) = wanted()
            for fault in faults where told.insert(fault).inserted { log.warning(fault) }
            if keys != last { await pool.keepSpares(for: keys) }
            last = keys
            try? await Task.sleep(for: Self.tick)
        }
    }

    /// Returns the sessions to keep, and the errors in the settings.
    func wanted() -> (keys: Set<SessionKey>, faults: [String]) {
        var keys: Set<SessionKey> = []
        var faults: [String] = []
        guard let snapshot = try? registry.snapshot() else { return ([], []) }
        func add(_ connection: String, _ module: String, _ place: String) {
            guard let known = try? snapshot.connection(named: connection) else {
                faults.append("\(place) names the connection \(connection), which does not exist.")
                return
            }
            guard let profile = try? ModuleProfiles.named(module) else {
                let names = ModuleProfiles.all.map(\.name).joined(separator: ", ")
                faults.append("\(place) names the module \(module), which does not exist. Modules: \(names).")
                return
            }
            keys.insert(SessionKey(connection: known.name, module: profile.name))
        }
        if let text = environment["MM_KEEP_SPARES"], !text.isEmpty {
            if ["0", "off", "no", "none"].contains(text.lowercased()) { return ([], []) }
            for item in text.split(separator: ",") {
                let parts = item.split(separator: "/", maxSplits: 1)
                guard parts.count == 2 else {
                    faults.append("MM_KEEP_SPARES holds \(item): write CONNECTION/MODULE, or off.")
                    continue
                }
                add(String(parts[0]), String(parts[1]), "MM_KEEP_SPARES")
            }
            return (keys, faults)
        }
        for connection in snapshot.connections {
            for module in connection.raw["keepSpares"]?.array ?? [] {
                add(connection.name, module.string ?? "?", "keepSpares of \(connection.name)")
            }
        }
        return (keys, faults)
    }
}

/// A transport that sends requests through another one, each in a span of its own if the call is traced.
///
/// A span names the method, the host and the template of the path, but no query, ids, headers or body.
package struct TracedTransport: HTTPTransport {
    private let inner: any HTTPTransport
    private let isOfSignIns: Bool

    /// Creates a transport.
    /// - Parameters:
    ///   - inner: sends the requests.
    ///   - isOfSignIns: whether the requests belong to sign-ins, so that their spans name the grant type.
    package init(_ inner: any HTTPTransport, ofSignIns isOfSignIns: Bool = false) {
        self.inner = inner
        self.isOfSignIns = isOfSignIns
    }

    package func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        guard let span = self.span(of: request) else { return try await inner.send(request) }
        do throws(HTTPError) {
            let response = try await inner.send(Self.passing(span, to: request))
            Self.end(span, status: response.status)
            return response
        } catch {
            span.end(fault: "\(error.kind)")
            throw error
        }
    }

    package func open(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream {
        guard let span = self.span(of: request) else { return try await inner.open(request) }
        do throws(HTTPError) {
            let response = try await inner.open(Self.passing(span, to: request))
            Self.end(span, status: response.status)
            return response
        } catch {
            span.end(fault: "\(error.kind)")
            throw error
        }
    }

    package func connect(_ request: HTTPRequest) async throws(HTTPError) -> HTTPTunnel {
        try await inner.connect(request)
    }

    private func span(of request: HTTPRequest) -> Span? {
        guard let current = Span.current else { return nil }
        let address = Address(request.url)
        let span = current.child("\(request.method) \(address.template)", .client)
        span.note("http.request.method", .string(request.method))
        span.note("url.template", .string(address.template))
        span.note("server.address", .string(address.host))
        span.note("server.port", address.port.map { .int($0) })
        span.note("http.request.resend_count", request.headers["Retry-Attempt"].flatMap { Int64($0) }.map { .int($0) })
        if isOfSignIns { span.note("mm.grant", Self.grant(of: request).map { .string($0) }) }
        return span
    }

    /// The grant types that spans may name. Other values are left out, since a form may hold anything.
    private static let grants = [
        "refresh_token": "refresh_token", "client_credentials": "client_credentials", "password": "password",
        "authorization_code": "authorization_code", "device_code": "device_code",
        "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code": "device_code",
        "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer": "on_behalf_of",
    ]

    private static func grant(of request: HTTPRequest) -> String? {
        guard let body = request.body else { return nil }
        let mark = Array("grant_type=".utf8)
        for field in body.split(separator: UInt8(ascii: "&")) where field.starts(with: mark) {
            return grants[String(decoding: field.dropFirst(mark.count), as: UTF8.self)]
        }
        return nil
    }

    private static func passing(_ span: Span, to request: HTTPRequest) -> HTTPRequest {
        var request = request
        request.headers.set("traceparent", span.context.parent)
        if let state = span.context.state { request.headers.set("tracestate", state) }
        return request
    }

    private static func end(_ span: Span, status: Int) {
        span.note("http.response.status_code", .int(Int64(status)))
        let fault = status >= 400 ? "\(status)" : nil
        span.note("error.type", fault.map { .string($0) })
        span.end(fault: fault)
    }

    /// The parts of a URL that a span shows.
    private struct Address {
        let host: String
        let port: Int64?
        let template: String

        init(_ url: String) {
            var rest = url[...]
            if let scheme = rest.firstRange(of: "://") { rest = rest[scheme.upperBound...] }
            let authority = rest.prefix { $0 != "/" && $0 != "?" }
            let target = String(rest[authority.endIndex...])
            // The user information before an @ is left out.
            let place = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? authority
            if let colon = place.lastIndex(of: ":"), let number = Int64(place[place.index(after: colon)...]) {
                (host, port) = (String(place[..<colon]), number)
            } else {
                (host, port) = (String(place), nil)
            }
            let path = PathTemplate.of(target)
            template = path.isEmpty ? "/" : path
        }
    }
}

/// A sink that sends the lines of a node's audit log to the other nodes of its cluster.
struct NodeSink: AuditSink {
    let lines: any SharedLines
    let origin: String

    func send(_ sent: [ArraySlice<UInt8>]) async throws(AuditSinkFault) {
        do throws(MMError) { try await lines.add(sent.map { Array($0) }, from: origin) } catch {
            throw AuditSinkFault(error.message)
        }
    }
}

extension OperationServices {
    /// The services for operations on connections.
    package var connectionServices: ConnectionServices {
        ConnectionServices(registry: registry, identity: identity, guarding: guardServices)
    }

    /// The advice on refusals of services.
    var refusalAdvice: RefusalAdvice { RefusalAdvice(registry: registry, identity: identity) }

    /// The services for operations that judge actions or have them confirmed.
    package var guardServices: GuardServices {
        GuardServices(environment: environment, paths: paths, registry: registry, guards: guards, ledger: ledger)
    }

    /// The services for operations that send requests.
    package var requestServices: RequestServices {
        RequestServices(
            guarding: guardServices, identity: identity, log: log, audit: audit, exchange: cluster?.journal,
            sessions: sessions)
    }

    /// The services for operations that read the audit log.
    package var auditReading: AuditReading {
        AuditReading(log: audit, cluster: cluster, registry: registry)
    }

    /// The services for operations that send requests with files of this machine.
    package var transferServices: TransferServices {
        TransferServices(requests: requestServices, shells: shellServices)
    }

    /// The services for operations that run scripts.
    package var runServices: RunServices {
        RunServices(
            requests: requestServices, sessions: sessions, checkedScripts: checkedScripts, readings: readings,
            shells: shellServices)
    }

    /// The services for programs that are started with a connection's identity.
    var execServices: ExecServices {
        ExecServices(requests: requestServices, shells: shellServices, sent: sent)
    }

    /// The services for operations on sessions.
    package var sessionServices: SessionServices {
        SessionServices(
            registry: registry, identity: identity, sessions: sessions, variables: variables, restorer: restorer,
            shells: shells)
    }

    /// The services for operations on background work.
    package var workServices: WorkServices {
        WorkServices(registry: registry, jobs: jobs, shells: shells, outputs: outputs)
    }

    /// The services for operations on shells and hosts.
    package var shellServices: ShellServices {
        ShellServices(
            guarding: guardServices, work: workServices, audit: audit, sent: sent, log: log,
            requests: requestServices)
    }
}

/// The services for running a script in a module's session.
package struct RunServices: Sendable {
    /// The services that send the requests of native pipelines and judge scripts.
    package let requests: RequestServices
    /// The sessions.
    package let sessions: SessionPool<ModuleSessionFactory>
    /// Scripts whose parameter names have been checked.
    let checkedScripts: CheckedScripts
    /// The parsed forms of recently run scripts.
    let readings: ScriptReadings
    /// The services that decide which files of this machine a caller may use.
    let shells: ShellServices
}
