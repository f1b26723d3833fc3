import MMCore

/// `snapshot_show`: shows the contents of a snapshot.
struct SnapshotShow: CatalogueOperation {
    struct Input: OperationInput {
        @Argument("snapshot", "Contoso@latest, Contoso@2026-11-21, or a folder.", .at(0), .completes(.files))
        var snapshot: String
        @Argument("object", "Show one object completely, by name, ID or file.", .at(1)) var object: String?
        @Argument(.kinds, asAll: SnapshotKind.chosen) var kinds: [SnapshotKind]? = nil
    }

    let declaration = OperationDeclaration(
        "snapshot_show", command: ["snapshot", "show"], title: "Show a snapshot",
        summary: "List the objects in a snapshot, or show one object.",
        effects: .init(readOnly: true, idempotent: true, openWorld: true), home: .detachable,
        examples: [
            .init("mm snapshot show Contoso@latest --only conditional-access", "the conditional access policies in it"),
            .init("mm snapshot show Contoso@latest 'Require MFA for everybody'", "one of them"),
        ]
    ).kept(by: .snapshots(arguments: ["snapshot"])).unlisted

    func run(
        _ input: Input, in context: OperationContext, with services: RequestServices
    ) async throws(MMError) -> OperationAnswer {
        let place = try SnapshotPlace(input.snapshot, in: context, with: services)
        let kinds = input.kinds ?? SnapshotKind.all
        let object = input.object
        return try await place.open(reading: input.kinds ?? SnapshotKind.standard, in: context, with: services) {
            (folder) async throws(MMError) -> OperationAnswer in
            var rows: [JSONValue] = []
            for kind in kinds where folder.header.read.contains(kind.name) {
                for entry in try folder.entries(of: kind) {
                    guard let object else {
                        rows.append([
                            "kind": .string(kind.name), "name": .string(entry.name), "id": .string(entry.id),
                            "file": .string(entry.file),
                        ])
                        continue
                    }
                    let wanted = object.lowercased()
                    guard [entry.name, entry.id, entry.file].contains(where: { $0.lowercased() == wanted }) else {
                        continue
                    }
                    rows.append(.object(try folder.object(entry)))
                }
            }
            if let object {
                guard !rows.isEmpty else {
                    throw MMError(
                        .notFound, "\(input.snapshot) has no object “\(object.prefix(80))”.",
                        hint: "To list the objects, leave out the name.")
                }
                let value = rows.count == 1 ? rows[0] : .array(rows)
                return OperationAnswer(.value(value), verbatim: JSONWriter.string(value, layout: .indented(2)))
            }
            var answer = OperationAnswer.value(.array(rows), columns: ["kind", "name", "id"])
            for kind in kinds {
                guard let left = folder.header.leftOut[kind.name] else { continue }
                answer.notes.append(
                    "Left out: \(kind.name), because \(left.reason)\(left.missing.map { "; needs \($0)" } ?? "").")
            }
            return answer
        }
    }
}
