import MMCore
import MMStates

/// `drift`: what has changed in a tenant.
struct Drift: CatalogueOperation {
    struct Input: OperationInput {
        static let fields: [InputField] = [
            .connection(),
            InputField(
                "against", .text,
                "A folder, Contoso@2026-11-21, or another connection (default: the connection's latest snapshot)."),
            .kinds,
            InputField("repair", .flag, "Show the commands that would bring the earlier state back; none is run."),
            .sarif,
            InputField("news", .flag, "Report only what the last report with --news did not."),
        ]
        let connection: String
        let against: String?
        let kinds: [SnapshotKind]?
        let showsRepairs: Bool
        let isSARIF: Bool
        let isNews: Bool

        init(from reader: InputReader) throws(MMError) {
            connection = try reader.requiredText("connection")
            against = try reader.text("against")
            kinds = try reader.kinds()
            showsRepairs = try reader.flag("repair")
            isSARIF = try reader.flag("sarif")
            isNews = try reader.flag("news")
        }
    }

    let declaration = OperationDeclaration(
        "drift", command: ["drift"], title: "Find drift",
        summary: "Tell what has changed in a tenant's configuration. Ends with 0 without drift, 1 with drift.",
        description:
            "Reads a connection's configuration now and compares it with its latest snapshot, with a folder, or with another "
            + "tenant: what was added, removed and changed, by kind and name. As with `git diff --exit-code`, the exit code is "
            + "0 without drift and 1 with it; what could not be compared is told, and counts as 1 where one side has it.",
        effects: .init(readOnly: true, openWorld: true), home: .detachable,
        examples: [
            .init("mm drift Contoso", "since the latest snapshot"),
            .init("mm drift Contoso --against ./tenant --sarif", "against a folder under git, in CI"),
            .init("mm drift Contoso --against Gold", "against another tenant"),
            .init("mm drift Contoso --repair", "with the commands that would take it back"),
        ]
    ).unlisted.forSeveral(.init(rows: "findings", atOnce: 16, alone: ["sarif"]))

    func run(
        _ input: Input, in context: OperationContext, with services: RequestServices
    ) async throws(MMError) -> OperationAnswer {
        let named = try input.against.map { (against) throws(MMError) in
            try SnapshotPlace(against, in: context, with: services)
        }
        // The audit line names the connection that was looked up last: the one that the comparison is about.
        let connection = try services.guarding.registry.connection(named: input.connection, in: context)
        let before: SnapshotPlace
        if let named {
            before = named
        } else {
            before = try SnapshotPlace.stored("latest", of: connection.name, services.guarding.paths)
        }
        let comparison = SnapshotComparison(before: before, after: .now(connection), kinds: input.kinds)
        var report = try await comparison.report(in: context, with: services)
        guard !input.showsRepairs || report.isOneTenant else {
            throw MMError(
                .unsupported, "Between two tenants ids differ, so there are no commands to propose.",
                hint: "Leave --repair out, or compare with a snapshot of \(connection.name) itself.")
        }
        if input.kinds == nil {
            report.service = await ServiceWatch.reading(of: connection, in: context, with: services)
        }
        let memory = ReportMemory(
            paths: services.guarding.paths, connection: connection.name, against: input.against ?? "latest")
        if input.isNews {
            let known = try memory.digests()
            let found = report.findings + (report.service?.drifts ?? [])
            report.findings.removeAll { known.contains($0.digest) }
            report.service?.drifts.removeAll { known.contains($0.digest) }
            try memory.keep(Set(found.map(\.digest)))
        }
        let proposals =
            input.showsRepairs
            ? report.findings.flatMap { RepairProposal.all(for: $0, on: connection.name, ids: report.ids) } : nil
        var answer = report.answer(isSARIF: input.isSARIF, proposals: proposals)
        answer.connection = connection.name
        if input.isNews, report.isEmpty, !input.isSARIF { answer.text = "Nothing new." }
        return answer
    }
}
