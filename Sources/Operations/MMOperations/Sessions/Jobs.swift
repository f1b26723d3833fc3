import MMCore
import MMSessions

/// `jobs`: the background calls and commands, and those that ended within the last hour.
struct Jobs: CatalogueOperation {
    struct Input: OperationInput {
        @Argument("watch", "Show progress until none is running.") var watches: Bool
    }

    /// The interval at which watched jobs are checked.
    private static let interval = Duration.milliseconds(250)

    let declaration = OperationDeclaration(
        "jobs", aliases: ["mm_jobs"], command: ["jobs"], title: "Jobs",
        summary: "List background calls and commands, including those that ended in the last hour.",
        effects: .init(readOnly: true, idempotent: true), home: .besideSessions,
        examples: [
            .init(
                "mm jobs", "all of this user's; `mm output JOB --action wait` waits for one, `--action cancel` ends it"),
            .init("mm jobs --watch", "shows progress until all have ended"),
        ]
    ).unlisted.kept(by: .each).listing("jobs")

    func run(
        _ input: Input, in context: OperationContext, with jobs: OperationJobs
    ) async throws(MMError) -> OperationAnswer {
        if input.watches { await watch(jobs, in: context) }
        let reports = jobs.table.reports(for: OperationJobs.reachableOwners(of: context.call))
        let rows = reports.map { JSONValue.object(Self.row($0)) }
        return .value(
            ["jobs": .array(rows)],
            notes: rows.isEmpty
                ? ["No background call is running or ended in the last hour."] : [],
            columns: ["job", "operation", "state", "seconds", "started", "progress", "owner"])
    }

    /// Reports the progress of the running jobs until none is left or the call's time is over.
    private func watch(_ jobs: OperationJobs, in context: OperationContext) async {
        var told: String?
        while context.deadline.remaining > .milliseconds(500), !Task.isCancelled {
            let running = jobs.table.reports(for: OperationJobs.reachableOwners(of: context.call))
                .filter { $0.state == .running }
            guard !running.isEmpty else { return }
            let text = running.map { "\($0.label): \($0.progress?.message ?? "running")" }.joined(separator: " · ")
            if text != told { context.call.progress(ProgressReport(done: 0, message: text)) }
            told = text
            try? await Task.sleep(for: Self.interval)
        }
    }

    /// Returns the row for a job.
    static func row(_ report: JobReport) -> JSONObject {
        var row: JSONObject = [
            "job": .string(report.handle), "operation": .string(report.label),
            "state": .string(report.state.rawValue), "seconds": .int(report.elapsed.components.seconds),
            "started": .string(report.started.iso8601), "owner": .string(surface(of: report.owner)),
        ]
        row["progress"] = (report.error?.message ?? report.progress?.message).map { .string($0) }
        return row
    }

    /// Returns the owner without the client's session id, which means nothing to people.
    private static func surface(of owner: String) -> String {
        let parts = owner.split { $0 == "/" || $0 == ":" }
        return parts.first == "session" ? "session" : parts.prefix(2).joined(separator: " ")
    }
}
