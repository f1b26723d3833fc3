package import MMCore
package import MMGuard
package import MMIdentity
package import MMSessions
import MMSystem

/// What operations work with. One value a process; its parts are opened on first use.
public struct OperationServices: Sendable {
    /// The environment of the process.
    package let environment: [String: String]
    /// Where files lie.
    package let paths: StatePaths
    /// The connections.
    package let registry: ConnectionRegistry
    /// Sign-ins and tokens.
    package let identity: IdentityService
    /// Judges scripts and requests.
    package let guards: CurrentGuard
    /// PowerShell sessions.
    package let sessions: SessionPool<ModuleSessionFactory>
    /// Shells, local and on hosts.
    package let shells: ShellSessions
    /// Calls that go on after their callers were let go.
    package let jobs: OperationJobs
    /// Brings sessions back after a restart.
    package let restorer: SessionRestorer
    /// Requests that wait for a person.
    package var ledger: ConfirmationLedger
    /// Answers that were too long.
    package let outputs: OutputStore
    /// What was done.
    package let audit: AuditLog
    /// Sends traces and metrics to a collector, where the environment names one.
    package let telemetry: Telemetry?
    /// Sends copies of the audit log elsewhere, where the environment says so.
    package let auditCopies: AuditCopies
    /// What PowerShell sessions have sent.
    package let sent: SentRequests
    /// The names of variables that scripts have left in sessions.
    package let variables: SessionVariables
    /// Scripts that need no second look at their parameters' names.
    let checkedScripts = CheckedScripts()
    /// What happens.
    package let log: Log
    /// What the nodes of a cluster tell each other of their writes and calls; `nil` outside one.
    package var cluster: ClusterLines?
    /// The leases of a cluster that calls need; `nil` outside one.
    package var leases: (any ConnectionLeases)?

    /// Keeps idle sessions alive and clears away what nobody uses, until the task is cancelled. For processes that last.
    public func runMaintenance() async {
        jobs.setLifetime()
        ResourceLimits.raiseDescriptors()
        do throws(MMError) {
            let journal = requestServices.journal
            try await AbandonedCalls(audit: audit, journal: journal).close()
        } catch {
            log.error("calls that ended with their process have no line of it: \(error.message)")
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

    /// Has the waits that services ask for shared with other machines from now on.
    package func share(_ paces: any PaceStore) { identity.share(paces) }

    /// Ends what lives: jobs are called off, every session is gone, and renewed sign-ins are stored when this returns.
    public func close() async {
        await shells.close()
        await jobs.table.close()
        await sessions.close()
        await identity.finishRenewals()
        await telemetry?.close()
    }

    /// Says that lines of the log also go to standard error, and how: `json` or `console`; `off` keeps them in the file.
    /// Profiles of servers that did so set it, and a pool in the foreground does.
    package static let standardErrorForm = "MM_LOG_STANDARD_ERROR"

    /// How a process logs to a file, as its environment says.
    package static func logging(to path: String, _ environment: [String: String]) -> LogSettings {
        let level = environment["MM_LOG_LEVEL"].flatMap { Log.Level(word: $0) } ?? .info
        var logging = LogSettings(path: path, level: level)
        if let form = environment[standardErrorForm], form != "off" {
            logging.standardError = true
            logging.standardErrorForm = form == "json" ? .json : .plain
        }
        return logging
    }

    /// The services over a user's files.
    /// - Parameter environment: of the process.
    public init(environment: [String: String]) {
        let paths = StatePaths(environment: environment)
        let only = environment["M365_CONNECTION"].flatMap { $0.isEmpty ? nil : $0 }
        let log = Log(Self.logging(to: paths.poolLog(of: only), environment))
        let telemetry = Telemetry.standard(environment: environment, paths: paths, log: log)
        // Where this process logs is nothing that the programs in its sessions inherit, nor are a collector's secrets.
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

/// What the nodes of a cluster tell each other of their writes and calls.
package struct ClusterLines: Sendable {
    /// Lines of the journal.
    package let journal: JournalExchange
    /// Lines of the audit log.
    package let audit: any SharedLines
    /// What this node's own are known by.
    package let origin: String

    /// - Throws: an error where this state folder can't be given a name.
    package init(
        journal: any SharedLines, claims: any ChangeClaims, audit: any SharedLines, paths: StatePaths
    ) throws(MMError) {
        origin = try LineOrigin.name(of: paths)
        self.journal = JournalExchange(journal, claims, from: origin, paths: paths)
        self.audit = audit
    }

    /// Gives the lines of this node's audit log to the others.
    package var sink: any AuditSink { NodeSink(lines: audit, origin: origin) }
}
