extension OperationServices {
    /// For operations on connections.
    package var connectionServices: ConnectionServices {
        ConnectionServices(registry: registry, identity: identity, guarding: guardServices)
    }

    /// Explains what services refuse.
    var refusalAdvice: RefusalAdvice { RefusalAdvice(registry: registry, identity: identity) }

    /// For operations that judge, or have something confirmed.
    package var guardServices: GuardServices {
        GuardServices(environment: environment, paths: paths, registry: registry, guards: guards, ledger: ledger)
    }

    /// For operations that send requests.
    package var requestServices: RequestServices {
        RequestServices(
            guarding: guardServices, identity: identity, log: log, audit: audit, exchange: cluster?.journal,
            sessions: sessions)
    }

    /// For operations that read the audit log.
    package var auditReading: AuditReading {
        AuditReading(log: audit, cluster: cluster, registry: registry)
    }

    /// For operations that send requests with files of this machine.
    package var transferServices: TransferServices {
        TransferServices(requests: requestServices, shells: shellServices)
    }

    /// For operations that run scripts.
    package var runServices: RunServices {
        RunServices(
            requests: requestServices, sessions: sessions, checkedScripts: checkedScripts, readings: readings,
            shells: shellServices)
    }

    /// For programs that are started with a connection's identity.
    var execServices: ExecServices {
        ExecServices(requests: requestServices, shells: shellServices, sent: sent)
    }

    /// For operations on sessions.
    package var sessionServices: SessionServices {
        SessionServices(
            registry: registry, identity: identity, sessions: sessions, variables: variables, restorer: restorer,
            shells: shells)
    }

    /// For operations on what goes on by itself.
    package var workServices: WorkServices {
        WorkServices(registry: registry, jobs: jobs, shells: shells, outputs: outputs)
    }

    /// For operations on shells and hosts.
    package var shellServices: ShellServices {
        ShellServices(
            guarding: guardServices, work: workServices, audit: audit, sent: sent, log: log,
            requests: requestServices)
    }
}
