extension Catalogue {
    /// Every operation of the product, in the order help texts list them.
    public static let standard = Catalogue(
        [
            AnyOperation(Run()),
            AnyOperation(GraphRequestOperation()),
            AnyOperation(ConnectionsList()),
            AnyOperation(Status()),
            AnyOperation(Login()),
            AnyOperation(Logout()),
            AnyOperation(Reset()),
            AnyOperation(Disconnect()),
            AnyOperation(OutputRead()),
            AnyOperation(Jobs()),
            AnyOperation(Sessions()),
            AnyOperation(CmdletList()),
            AnyOperation(Confirm()),
            AnyOperation(GuardCheck()),
            AnyOperation(GuardRules()),
            AnyOperation(ConnectionsShow()),
            AnyOperation(ConnectionsAdd()),
            AnyOperation(ConnectionsEdit()),
            AnyOperation(ConnectionsRename()),
            AnyOperation(ConnectionsDuplicate()),
            AnyOperation(ConnectionsRemove()),
            AnyOperation(ConnectionsCheck()),
            AnyOperation(AuditShow()),
            AnyOperation(AuditVerify()),
        ] + ShellPlace.shell.operations + ShellPlace.ssh.operations)
}
