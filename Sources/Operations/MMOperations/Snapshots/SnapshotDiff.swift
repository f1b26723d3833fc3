import MMCore

/// `snapshot_diff`: compares two snapshots, or two tenants.
struct SnapshotDiff: CatalogueOperation {
    struct Input: OperationInput {
        @Argument(
            "before",
            "A folder, a snapshot such as Contoso@latest or Contoso@2026-11-21, or a connection's current state.",
            .at(0), .completes(.files))
        var before: String
        @Argument(
            "after", "The state to compare with, given the same way. For a connection the tenant is read now.", .at(1),
            .completes(.files))
        var after: String
        @Argument(.kinds, asAll: SnapshotKind.chosen) var kinds: [SnapshotKind]? = nil
        @Argument(.sarif) var isSARIF: Bool
    }

    let declaration = OperationDeclaration(
        "snapshot_diff", command: ["snapshot", "diff"], title: "Compare snapshots",
        summary: "Compare two snapshots or two tenants. Ends with 0 if they are equal, 2 if they differ.",
        description:
            "Compares two states of a tenant's configuration, or two tenants (by name; ids and own domains are left "
            + "out). As with `drift`, the exit code is 2 if something differs.",
        effects: .init(readOnly: true, idempotent: true, openWorld: true), home: .detachable,
        examples: [
            .init("mm snapshot diff Contoso@2026-11-01 Contoso@latest", "what changed between two days"),
            .init("mm snapshot diff ./gold Contoso", "a folder and the tenant's current state"),
            .init("mm snapshot diff Gold Contoso --only conditional-access", "two tenants"),
        ]
    ).kept(by: .snapshots(arguments: ["before", "after"])).unlisted.answeringWithTwo

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
