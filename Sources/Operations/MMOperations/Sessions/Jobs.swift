package import MMCore
package import MMSessions

extension OperationDeclaration {
    /// The declaration of `jobs`.
    package static let jobs = OperationDeclaration(
        "jobs", aliases: ["mm_jobs"], command: ["jobs"], title: "Jobs",
        summary: "List background calls and commands, including those that ended in the last hour.",
        effects: .init(readOnly: true, idempotent: true), home: .besideSessions,
        examples: [
            .init(
                "mm jobs", "all of this user's; `mm output JOB --action wait` waits for one, `--action cancel` ends it"),
            .init("mm jobs --watch", "shows progress until all have ended"),
        ]
    ).unlisted.kept(by: .each).listing(JobRow.list)
}

/// `jobs`: the background calls and commands, and those that ended within the last hour.
package struct Jobs: CatalogueOperation {
    package struct Input: OperationInput {
        @Argument("watch", "Show progress until none is running.") var watches: Bool

        /// Creates an input without arguments.
        package init() {}
    }

    /// The interval at which watched jobs are checked.
    private static let interval = Duration.milliseconds(250)

    package let declaration = OperationDeclaration.jobs

    package func run(
        _ input: Input, in context: OperationContext, with jobs: OperationJobs
    ) async throws(MMError) -> OperationAnswer {
        guard input.watches else { return Self.answer(jobs, in: context) }
        return try await Self.watched(every: Self.interval, until: context.deadline, in: context.call) {
            Self.answer(jobs, in: context)
        }
    }

    private static func answer(_ jobs: OperationJobs, in context: OperationContext) -> OperationAnswer {
        let reports = jobs.table.reports(for: OperationJobs.reachableOwners(of: context.call))
        return .value(
            .object(JobRow.members(of: reports.map { JobRow($0) })),
            notes: reports.isEmpty ? ["No background call is running or ended in the last hour."] : [],
            columns: ["job", "operation", "state", "seconds", "started", "progress", "owner"])
    }

    /// Lists jobs until none of them is running or the call's time is over, and reports how far they are.
    /// - Parameters:
    ///   - interval: the time between two lists.
    ///   - list: lists the jobs.
    /// - Throws: the errors of the list; `cancelled`.
    package static func watched(
        every interval: Duration, until deadline: Deadline, in call: CallContext,
        _ list: () async throws(MMError) -> OperationAnswer
    ) async throws(MMError) -> OperationAnswer {
        var told: String?
        while true {
            let answer = try await list()
            guard deadline.remaining > interval * 2, let text = JobRow.progress(of: JobRow.rows(of: answer)) else {
                return answer
            }
            if text != told { call.progress(ProgressReport(done: 0, message: text)) }
            told = text
            guard (try? await Task.sleep(for: interval)) != nil else {
                throw MMError(.cancelled, "The watch was cancelled; the jobs keep running.")
            }
        }
    }

    /// Returns whether a call watches the jobs.
    /// - Throws: the error of an invalid argument of such a call.
    package static func watches(_ operation: AnyOperation, _ arguments: JSONObject) throws(MMError) -> Bool {
        let name = operation.declaration.name
        guard name == OperationDeclaration.jobs.name else { return false }
        return try Input(from: InputReader(operation: name, arguments: arguments, fields: Input.fields)).watches
    }
}

/// A background call or command, as `jobs` lists it.
package struct JobRow: Sendable, Hashable {
    /// The handle by which it is read, waited for and cancelled.
    package var handle: String
    /// The operation that was called.
    package var operation: String
    /// Its state; `nil` if nobody knows it any more, because its node in a cluster has gone.
    package var state: JobReport.State?
    /// When it began.
    package var started: Timestamp?
    /// The seconds that it has been running, or ran.
    package var seconds: Int?
    /// Its last progress report while it runs, or why it failed.
    package var progress: String?
    /// The kind of caller and the server that it belongs to.
    package var owner: String?
    /// The address of the node that runs it, in a cluster.
    package var node: String?

    /// The member of the answer of `jobs` that holds the rows.
    package static let list = "jobs"

    /// The word for the state of a job whose node has gone.
    private static let gone = "gone"

    /// Creates a row.
    /// - Parameters:
    ///   - handle: the handle by which it is read.
    ///   - operation: the operation that was called.
    ///   - state: its state; `nil` if its node has gone.
    package init(_ handle: String, _ operation: String, _ state: JobReport.State?) {
        self.handle = handle
        self.operation = operation
        self.state = state
    }

    /// Creates the row of a job of this process.
    package init(_ report: JobReport) {
        self.init(report.handle, report.label, report.state)
        started = report.started
        seconds = Int(report.elapsed.components.seconds)
        progress = report.error?.message ?? (report.state == .running ? report.progress?.message : nil)
        // The client's session id is left out, since it means nothing to people.
        let parts = report.owner.split { $0 == "/" || $0 == ":" }
        owner = parts.first == "session" ? "session" : parts.prefix(2).joined(separator: " ")
    }

    /// Reads a row of an answer; `nil` for a value without a handle.
    private init?(_ value: JSONValue) {
        guard let handle = value["job"]?.string else { return nil }
        self.init(
            handle, value["operation"]?.string ?? "", value["state"]?.string.flatMap { JobReport.State(rawValue: $0) })
        started = value["started"]?.string.flatMap { Timestamp(iso8601: $0) }
        seconds = value["seconds"]?.int
        progress = value["progress"]?.string
        owner = value["owner"]?.string
        node = value["node"]?.string
    }

    /// The word for the state.
    package var stateWord: String { state?.rawValue ?? Self.gone }

    /// The row as JSON.
    package var json: JSONObject {
        var row: JSONObject = [
            "job": .string(handle), "operation": .string(operation), "state": .string(stateWord),
        ]
        row["seconds"] = seconds.map { .int(Int64($0)) }
        row["started"] = started.map { .string($0.iso8601) }
        row["owner"] = owner.map { .string($0) }
        row["progress"] = progress.map { .string($0) }
        row["node"] = node.map { .string($0) }
        return row
    }

    /// Returns a line about those of some jobs that are running; `nil` if none is.
    package static func progress(of rows: [JobRow]) -> String? {
        let running = rows.filter { $0.state == .running }.map { "\($0.operation): \($0.progress ?? "running")" }
        return running.isEmpty ? nil : running.joined(separator: " · ")
    }

    /// Returns the members of an answer with rows.
    package static func members(of rows: [JobRow]) -> JSONObject { [list: .array(rows.map { .object($0.json) })] }

    /// Returns the rows of an answer of `jobs`.
    package static func rows(of answer: OperationAnswer) -> [JobRow] {
        guard case .value(let value) = answer.body else { return [] }
        return (value[list]?.array ?? []).compactMap { JobRow($0) }
    }
}

extension OperationService {
    /// Returns the background calls and commands that a caller may read and end.
    /// - Throws: the errors of `jobs`.
    package func jobs(in context: CallContext) async throws(MMError) -> [JobRow] {
        JobRow.rows(of: try await call(.jobs, [:], in: context))
    }
}
