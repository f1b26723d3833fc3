public import MMCore

/// The catalogue of all operations, from which front-ends derive their tools, commands and routes.
public struct Catalogue: Sendable {
    /// The operations, in the order in which help texts list them.
    public let operations: [AnyOperation]
    private let byName: [String: Int]

    /// Creates a catalogue of operations.
    /// - Precondition: names and aliases are unique.
    public init(_ operations: [AnyOperation]) {
        self.operations = operations
        var byName: [String: Int] = [:]
        for (index, operation) in operations.enumerated() {
            for name in [operation.declaration.name] + operation.declaration.aliases {
                precondition(byName.updateValue(index, forKey: name) == nil, "two operations are called \(name)")
            }
        }
        self.byName = byName
    }

    /// Returns the operation with a name or alias.
    public func operation(named name: String) -> AnyOperation? {
        byName[name].map { operations[$0] }
    }

    /// Returns the operation of a tool as a client names it: servers and gateways put prefixes before the names of
    /// their tools.
    func operation(ofTool name: String) -> AnyOperation? {
        var rest = name[...]
        while true {
            if let operation = operation(named: String(rest)) { return operation }
            guard let mark = rest.firstIndex(where: { !$0.isLetter && !$0.isNumber }) else { return nil }
            rest = rest[rest.index(after: mark)...]
        }
    }

    /// Returns the operation with a name or alias.
    /// - Throws: `MMError.notFound` with the nearest names.
    public func require(_ name: String) throws(MMError) -> AnyOperation {
        if let operation = operation(named: name) { return operation }
        let names = operations.map(\.declaration.name)
        let near = NearestNames.of(name, among: names, limit: 2)
        throw MMError(
            .notFound, "There is no operation `\(name.prefix(80))`.",
            hint: near.isEmpty
                ? "Operations: \(names.joined(separator: ", "))." : "Nearest: \(near.joined(separator: ", "))."
        )
    }
}

extension Catalogue {
    /// All operations of the product, in the order in which help texts list them, each with the services it uses.
    public static let standard = Catalogue(
        [
            AnyOperation(Run()) { $0.runServices },
            AnyOperation(GraphRequestOperation()) { $0.transferServices },
            AnyOperation(Exec()) { $0.execServices },
            AnyOperation(ConnectionsList()) { $0.registry },
            AnyOperation(Status()) { $0.sessionServices },
            AnyOperation(Login()) { $0.connectionServices },
            AnyOperation(Logout()) { $0.sessionServices },
            AnyOperation(Reset()) { $0.sessionServices },
            AnyOperation(Disconnect()) { $0.sessionServices },
            AnyOperation(OutputRead()) { $0.shellServices },
            AnyOperation(Jobs()) { $0.jobs },
            AnyOperation(Sessions()) { $0.sessionServices },
            AnyOperation(Endpoints()),
            AnyOperation(ToolOperation.own) { $0.toolServices },
            AnyOperation(ToolOperation.recipe) { $0.toolServices },
            AnyOperation(CmdletList()) { $0.sessionServices },
            AnyOperation(Allow()) { $0.guardServices },
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
            AnyOperation(ConnectionsCheck()) { $0.connectionServices },
            AnyOperation(PermissionsFor()) { $0.permissionServices },
            AnyOperation(PermissionsCheck()) { $0.permissionServices },
            AnyOperation(PermissionsUnused()) { $0.permissionServices },
            AnyOperation(Drift()) { $0.requestServices },
            AnyOperation(SnapshotTake()) { $0.requestServices },
            AnyOperation(SnapshotList()) { $0.requestServices },
            AnyOperation(SnapshotShow()) { $0.requestServices },
            AnyOperation(SnapshotDiff()) { $0.requestServices },
            AnyOperation(SnapshotKinds()),
            AnyOperation(Undo()) { $0.transferServices },
            AnyOperation(UndoList()) { $0.requestServices },
            AnyOperation(UndoShow()) { $0.requestServices },
            AnyOperation(PlanMake()) { $0.planServices },
            AnyOperation(PlanShow()) { $0.requestServices },
            AnyOperation(PlanList()) { $0.paths },
            AnyOperation(PlanApprove()) { $0.requestServices },
            AnyOperation(PlanKey()) { $0.paths },
            AnyOperation(PlanApply()) { $0.planServices },
            AnyOperation(RunbookApprove()) { $0.requestServices },
            AnyOperation(ReceiptVerify()) { ReceiptVerify.Services(registry: $0.registry, paths: $0.paths) },
            AnyOperation(History()) { $0.requestServices },
            AnyOperation(AuditMine()) { $0.auditReading },
            AnyOperation(AuditShow()) { $0.auditReading },
            AnyOperation(AuditVerify()) { AuditVerify.Services(audit: $0.audit, path: $0.paths.auditLog) },
        ] + ShellPlace.shell.operations + ShellPlace.ssh.operations)
}
