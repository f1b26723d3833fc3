public import MMCore
package import MMGuard
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
    /// The notices to the owner's command that a request waits for a person.
    private let notices: ApprovalNotices
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
        async let removals: Void = sessionServices.watchRemovals()
        async let copies: Void = auditCopies.run()
        await sessions.runMaintenance()
        await spares
        await shellUpkeep
        await removals
        await copies
    }

    /// Shares the waits that services ask for (`Retry-After`) with other machines from now on.
    package func share(_ paces: any PaceStore) { identity.share(paces) }

    /// Cancels jobs, closes all sessions, stores renewed sign-ins and waits for notices before it returns.
    public func close() async {
        await shells.close()
        await jobs.table.close()
        await sessions.close()
        await identity.finishRenewals()
        await notices.finish()
        await telemetry?.close()
    }

    /// The environment variable that also sends log lines to standard error, as `json` or `console`; `off` keeps them
    /// in the file only. It is set by the profiles of earlier servers that logged there, and by a pool in the
    /// foreground.
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
    public init(environment: [String: String] = ProcessEnvironment.read()) {
        self.init(environment: environment) { try await Task.sleep(for: $0) }
    }

    /// Creates the services, whose requests wait in the given way before they are repeated; for tests.
    package init(
        environment: [String: String], pause: @escaping @Sendable (Duration) async throws -> Void
    ) {
        let paths = StatePaths(environment: environment)
        let only = environment["M365_CONNECTION"].flatMap { $0.isEmpty ? nil : $0 }
        let log = Log(Self.logging(to: paths.poolLog(of: only), environment))
        let telemetry = Telemetry.standard(environment: environment, paths: paths, log: log)
        // Programs in sessions inherit neither this process's log setting nor the secrets of a collector.
        let environment = environment.filter { name, _ in
            name != Self.standardErrorForm && !TelemetrySettings.isSecret(name)
        }
        let identity = IdentityService(environment: environment, log: log, pause: pause) { transport in
            telemetry == nil ? transport : TracedTransport(transport)
        }
        identity.explainConsent { error, resource, connection in
            ConsentAdvice.explained(error, resource, of: connection.name)
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
        notices = ApprovalNotices(environment: environment, log: log)
        outputs = OutputStore(directory: paths.outputDirectory)
        self.log = log
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
        GuardServices(
            environment: environment, paths: paths, registry: registry, guards: guards, ledger: ledger,
            notices: notices)
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
