import MMCore

/// `snapshot_take`: writes a snapshot of a tenant's configuration.
struct SnapshotTake: CatalogueOperation {
    struct Input: OperationInput {
        @Argument(.connection) var connection: String
        @Argument(
            "to", "Folder to write to, such as one in a git repository (default: in the state folder, by time).",
            .notForModels, .completes(.files))
        var folder: String?
        @Argument(.kinds, asAll: SnapshotKind.chosen) var kinds: [SnapshotKind]? = nil
        @Argument("keep", "Number of snapshots to keep for the connection (default 30).", .notForModels, in: 1...10_000)
        var keep = SnapshotStore.defaultLimit
    }

    let declaration = OperationDeclaration(
        "snapshot_take", command: ["snapshot", "take"], title: "Take a snapshot",
        summary: "Save a tenant's configuration as text, one file per object, suitable for git.",
        description:
            "Reads the configuration of a connection's tenant (policies, roles, apps, groups, domains, Intune, Exchange, "
            + "flows) and saves it, so that `drift` can later show what has changed. Changes nothing in the tenant. Kinds that the "
            + "connection may not read are left out; the answer names the missing permissions.",
        effects: .init(readOnly: true, openWorld: true), home: .detachable,
        examples: [
            .init("mm snapshot take Contoso", "saves it in the state folder"),
            .init("mm snapshot take Contoso --to ./tenant", "into a folder, to commit"),
            .init("mm snapshot take --connections all --to ./tenants", "a folder for each connection in it"),
            .init("mm snapshot take Contoso --only conditional-access,named-locations", "only some kinds"),
        ]
    ).unlisted.forSeveral(.init(atOnce: 16, folder: "to"))

    func run(
        _ input: Input, in context: OperationContext, with services: RequestServices
    ) async throws(MMError) -> OperationAnswer {
        let connection = try services.guarding.registry.connection(named: input.connection, in: context)
        let paths = services.guarding.paths
        let store = SnapshotStore(paths: paths, connection: connection.name)
        let destination =
            if let folder = input.folder {
                SnapshotDestination(try SnapshotPlace.folder(folder, in: context, paths))
            } else {
                try store.newPlace(at: .now)
            }
        let earlier = Self.kinds(in: input.folder == nil ? try store.names().last.map(store.path) : destination.folder)
        let snapshot = ConnectionSnapshot(connection: connection, services: services, context: context)
        let kinds = input.kinds ?? SnapshotKind.standard
        let (header, objects) = try await snapshot.take(kinds, to: destination)
        if input.folder == nil { try store.keep(input.keep, with: destination) }
        let leftOut = kinds.filter { header.leftOut[$0.name] != nil }
        var lines = ["\(destination.folder): \(objects.counted("object")) of \(header.read.count.counted("kind"))."]
        for kind in leftOut {
            guard let reason = header.leftOut[kind.name] else { continue }
            lines.append(
                "Left out: \(kind.name), because \(reason.reason)\(reason.missing.map { "; needs \($0)" } ?? "").")
        }
        let value: JSONValue = [
            "folder": .string(destination.folder), "connection": .string(connection.name),
            "objects": .int(Int64(objects)), "kinds": .array(header.read.map { .string($0) }),
            "leftOut": .array(
                leftOut.map { kind in
                    [
                        "kind": .string(kind.name), "reason": .string(header.leftOut[kind.name]?.reason ?? ""),
                        "missing": header.leftOut[kind.name]?.missing.map { .string($0) } ?? .null,
                    ]
                }),
        ]
        var answer = OperationAnswer(.value(value), text: lines.joined(separator: "\n"), connection: connection.name)
        let lost = leftOut.map(\.name).filter(earlier.contains)
        if !lost.isEmpty {
            let text =
                "The previous snapshot contains \(lost.joined(separator: ", ")), which could not be read this time."
            answer.notes.append(text)
            answer.missing = text
        }
        return answer
    }

    /// Returns the kinds in an earlier snapshot.
    private static func kinds(in folder: String?) -> Set<String> {
        guard let folder, SnapshotFolder.exists(folder) else { return [] }
        return Set((try? SnapshotFolder(folder).header.read) ?? [])
    }
}
