import MMCore
import MMSessions

/// `jobs`: the calls and commands that go on after their callers were let go, and those that ended within the hour.
struct Jobs: CatalogueOperation {
    typealias Input = NoInput

    let declaration = OperationDeclaration(
        "jobs", aliases: ["mm_jobs"], command: ["jobs"], title: "Jobs",
        summary: "List background calls and commands, and those that ended within the last hour.",
        effects: .init(readOnly: true, idempotent: true), home: .besideSessions,
        examples: [
            .init("mm jobs", "all of this user; `mm output JOB --action wait` waits for one, `cancel` ends it")
        ]
    ).unlisted

    func run(
        _ input: NoInput, in context: OperationContext, with jobs: OperationJobs
    ) async throws(MMError) -> OperationAnswer {
        let reports = jobs.table.reports(for: OperationJobs.reachableOwners(of: context.call))
        let rows = reports.map { JSONValue.object(Self.row($0)) }
        return .value(
            ["jobs": .array(rows)], columns: ["job", "operation", "state", "seconds", "started", "progress", "owner"])
    }

    /// What is told of a job.
    static func row(_ report: JobReport) -> JSONObject {
        var row: JSONObject = [
            "job": .string(report.handle), "operation": .string(report.label),
            "state": .string(report.state.rawValue), "seconds": .int(report.elapsed.components.seconds),
            "started": .string(report.started.iso8601), "owner": .string(surface(of: report.owner)),
        ]
        row["progress"] = (report.error?.message ?? report.progress?.message).map { .string($0) }
        return row
    }

    /// The client's own session is no name for people.
    private static func surface(of owner: String) -> String {
        let parts = owner.split { $0 == "/" || $0 == ":" }
        return parts.first == "session" ? "session" : parts.prefix(2).joined(separator: " ")
    }
}
