import MMCore

/// `snapshot_diff`: compares two snapshots, or two tenants.
struct SnapshotDiff: CatalogueOperation {
    struct Input: OperationInput {
        @Argument("before", "A folder, Contoso@latest, Contoso@2026-11-21, or a connection as it is now.", .at(0))
        var before: String
        @Argument("after", "The same; where it is a connection, its tenant is read now.", .at(1)) var after: String
        @Argument(.kinds, asAll: SnapshotKind.chosen) var kinds: [SnapshotKind]? = nil
        @Argument(.sarif) var isSARIF: Bool
    }

    let declaration = OperationDeclaration(
        "snapshot_diff", command: ["snapshot", "diff"], title: "Compare snapshots",
        summary: "Tell how two snapshots or two tenants differ. Ends with 0 without a difference, 2 with one.",
        description:
            "Compares two states of a tenant's configuration, or two tenants (by names then; ids and own domains are set "
            + "aside). As with `drift`, the exit code is 2 where something differs.",
        effects: .init(readOnly: true, idempotent: true, openWorld: true), home: .detachable,
        examples: [
            .init("mm snapshot diff Contoso@2026-11-01 Contoso@latest", "what changed between two days"),
            .init("mm snapshot diff ./gold Contoso", "a folder against the tenant now"),
            .init("mm snapshot diff Gold Contoso --only conditional-access", "two tenants"),
        ]
    ).unlisted.answeringWithTwo

    func run(
        _ input: Input, in context: OperationContext, with services: RequestServices
    ) async throws(MMError) -> OperationAnswer {
        let comparison = SnapshotComparison(
            before: try SnapshotPlace(input.before, in: context, with: services),
            after: try SnapshotPlace(input.after, in: context, with: services), kinds: input.kinds)
        return try await comparison.report(in: context, with: services).answer(
            isSARIF: input.isSARIF, proposals: nil)
    }
}
