import MMCore

extension Catalogue {
    /// Every operation of the product, in the order help texts list them, each with what it works with.
    public static let standard = Catalogue(
        [
            AnyOperation(Run()) { $0.runServices },
            AnyOperation(GraphRequestOperation()) { $0.transferServices },
            AnyOperation(ConnectionsList()) { $0.registry },
            AnyOperation(Status()) { $0.sessionServices },
            AnyOperation(Login()) { $0.connectionServices },
            AnyOperation(Logout()) { $0.sessionServices },
            AnyOperation(Reset()) { $0.sessionServices },
            AnyOperation(Disconnect()) { $0.sessionServices },
            AnyOperation(OutputRead()) { $0.workServices },
            AnyOperation(Jobs()) { $0.jobs },
            AnyOperation(Sessions()) { $0.sessionServices },
            AnyOperation(Endpoints()),
            AnyOperation(CmdletList()) { $0.sessionServices },
            AnyOperation(Confirm()) { $0.guardServices },
            AnyOperation(GuardCheck()) { $0.guardServices },
            AnyOperation(GuardRules()) { $0.guards },
            AnyOperation(Connect()) { $0.requestServices },
            AnyOperation(ConnectionsShow()) { $0.registry },
            AnyOperation(ConnectionsAdd()) { $0.connectionServices },
            AnyOperation(ConnectionsEdit()) { $0.connectionServices },
            AnyOperation(ConnectionsRename()) { $0.connectionServices },
            AnyOperation(ConnectionsDuplicate()) { $0.connectionServices },
            AnyOperation(ConnectionsRemove()) { $0.connectionServices },
            AnyOperation(ConnectionsCheck()) { $0.registry },
            AnyOperation(PermissionsFor()) { $0.permissionServices },
            AnyOperation(PermissionsCheck()) { $0.permissionServices },
            AnyOperation(PermissionsUnused()) { $0.permissionServices },
            AnyOperation(Drift()) { $0.requestServices },
            AnyOperation(SnapshotTake()) { $0.requestServices },
            AnyOperation(SnapshotList()) { $0.requestServices },
            AnyOperation(SnapshotShow()) { $0.requestServices },
            AnyOperation(SnapshotDiff()) { $0.requestServices },
            AnyOperation(SnapshotKinds()),
            AnyOperation(AuditShow()) { $0.audit },
            AnyOperation(AuditVerify()) { AuditVerify.Services(audit: $0.audit, path: $0.paths.auditLog) },
        ] + ShellPlace.shell.operations + ShellPlace.ssh.operations)
}
