import MMCore

/// `snapshot_kinds`: lists the kinds of configuration in a snapshot.
struct SnapshotKinds: CatalogueOperation {
    let declaration = OperationDeclaration(
        "snapshot_kinds", command: ["snapshot", "kinds"], title: "List kinds of configuration",
        summary: "List the kinds of configuration in a snapshot, and their sources.",
        effects: .init(readOnly: true, idempotent: true),
        examples: [.init("mm snapshot kinds", "the values for --only")]
    ).unlisted

    func run(_ input: NoInput, in context: OperationContext, with services: Void) async throws(MMError)
        -> OperationAnswer
    {
        .value(
            .array(
                SnapshotKind.all.map { kind in
                    [
                        "kind": .string(kind.name), "title": .string(kind.title),
                        "service": .string(kind.service.rawValue), "source": .string(kind.collection),
                        "read": .string(kind.isOnRequest ? "only with --only" : "always"),
                    ]
                }), columns: ["kind", "title", "service", "source", "read"])
    }
}
