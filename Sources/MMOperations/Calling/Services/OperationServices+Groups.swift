extension OperationServices {
    /// For operations on connections.
    package var ofConnections: ConnectionServices { ConnectionServices(registry: registry, identity: identity) }

    /// For operations that judge, or have something confirmed.
    package var ofGuard: GuardServices {
        GuardServices(environment: environment, paths: paths, registry: registry, guards: guards, ledger: ledger)
    }

    /// For operations that send requests.
    package var ofRequests: RequestServices { RequestServices(guarding: ofGuard, identity: identity, log: log) }

    /// For operations that run scripts.
    package var ofRuns: RunServices {
        RunServices(requests: ofRequests, sessions: sessions, checkedScripts: checkedScripts)
    }

    /// For operations on sessions.
    package var ofSessions: SessionServices {
        SessionServices(
            registry: registry, identity: identity, sessions: sessions, restorer: restorer, shells: shells)
    }

    /// For operations on what goes on by itself.
    package var ofWork: WorkServices {
        WorkServices(registry: registry, jobs: jobs, shells: shells, outputs: outputs)
    }

    /// For operations on shells and hosts.
    package var ofShells: ShellServices {
        ShellServices(guarding: ofGuard, work: ofWork, audit: audit, log: log)
    }
}
