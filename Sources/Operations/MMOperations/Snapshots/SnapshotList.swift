import MMCore

/// `snapshot_list`: lists the stored snapshots.
struct SnapshotList: CatalogueOperation {
    struct Input: OperationInput {
        @Argument(.connection) var connection: String?
    }

    let declaration = OperationDeclaration(
        "snapshot_list", command: ["snapshot", "list"], title: "List snapshots",
        summary: "List the snapshots in the state folder.",
        effects: .init(readOnly: true, idempotent: true),
        examples: [
            .init("mm snapshot list", "snapshots of all connections"),
            .init("mm snapshot list Contoso", "snapshots of one connection"),
        ]
    ).kept(by: .records(usual: nil)).unlisted

    func run(
        _ input: Input, in context: OperationContext, with services: RequestServices
    ) async throws(MMError) -> OperationAnswer {
        let registry = services.guarding.registry
        let known = try registry.snapshot()
        let server = context.call.caller.server
        let seen = Set((server.map { known.visible(to: $0) } ?? known.connections).map(\.name))
        // Snapshots of a partner's customers follow the partner's visibility; those of removed connections are only
        // visible to the owner.
        var names = try SnapshotStore.connections(services.guarding.paths).filter { name in
            server == nil || seen.contains(name)
                || name.firstIndex(of: ":").map { seen.contains(String(name[..<$0])) } ?? false
        }
        if let name = input.connection {
            try ListFilter.check(connection: name, in: registry, for: server, written: Set(names))
            names = names.filter { $0 == name }
        }
        var rows: [JSONValue] = []
        for name in names {
            let store = SnapshotStore(paths: services.guarding.paths, connection: name)
            for snapshot in try store.names() {
                let header = try SnapshotFolder(store.path(of: snapshot)).header
                rows.append([
                    "snapshot": .string("\(name)@\(snapshot)"), "kinds": .int(Int64(header.read.count)),
                    "leftOut": .int(Int64(header.leftOut.count)), "folder": .string(store.path(of: snapshot)),
                ])
            }
        }
        var answer = OperationAnswer.value(.array(rows), columns: ["snapshot", "kinds", "leftOut"])
        if rows.isEmpty { answer.notes.append("There are no snapshots yet. Take one: mm snapshot take CONNECTION") }
        return answer
    }
}
