import MMCore

extension Catalogue {
    /// Every operation of the product, in the order help texts list them, each with what it works with.
    public static let standard = Catalogue(
        [
            AnyOperation(Run()) { $0.ofRuns },
            AnyOperation(GraphRequestOperation()) { $0.ofRequests },
            AnyOperation(ConnectionsList()) { $0.registry },
            AnyOperation(Status()) { $0.ofSessions },
            AnyOperation(Login()) { $0.ofConnections },
            AnyOperation(Logout()) { $0.ofSessions },
            AnyOperation(Reset()) { $0.ofSessions },
            AnyOperation(Disconnect()) { $0.ofSessions },
            AnyOperation(OutputRead()) { $0.ofWork },
            AnyOperation(Jobs()) { $0.jobs },
            AnyOperation(Sessions()) { $0.ofSessions },
            AnyOperation(CmdletList()) { $0.ofSessions },
            AnyOperation(Confirm()) { $0.ofGuard },
            AnyOperation(GuardCheck()) { $0.ofGuard },
            AnyOperation(GuardRules()) { $0.guards },
            AnyOperation(ConnectionsShow()) { $0.registry },
            AnyOperation(ConnectionsAdd()) { $0.ofConnections },
            AnyOperation(ConnectionsEdit()) { $0.ofConnections },
            AnyOperation(ConnectionsRename()) { $0.ofConnections },
            AnyOperation(ConnectionsDuplicate()) { $0.ofConnections },
            AnyOperation(ConnectionsRemove()) { $0.ofConnections },
            AnyOperation(ConnectionsCheck()) { $0.registry },
            AnyOperation(AuditShow()) { $0.audit },
            AnyOperation(AuditVerify()) { AuditVerify.Services(audit: $0.audit, path: $0.paths.auditLog) },
        ] + ShellPlace.shell.operations + ShellPlace.ssh.operations)
}
