package import MMCore
package import MMSessions

/// The answer to a call that is still running.
package struct JobAnswer: Sendable {
    /// The handle by which the call is read, waited for and cancelled.
    package let handle: String
    /// The operation that was called.
    package let operation: String
    /// The seconds that it has been running.
    package let seconds: Int
    /// Its last progress report.
    package let progress: String?
    /// What a reader has to know about it.
    private let note: String?

    /// Creates the answer for a job that is still running.
    /// - Parameters:
    ///   - report: the job.
    ///   - jobs: the jobs of the process that runs it.
    package init(_ report: JobReport, in jobs: OperationJobs? = nil) {
        handle = report.handle
        operation = report.label
        seconds = Int(report.elapsed.components.seconds)
        progress = report.progress?.message
        note =
            jobs?.endWithClient == true
            ? "It ends with this server's process, because no pool runs it (--embedded)." : nil
    }

    /// Reads an answer; `nil` for one that doesn't say that its call is still running.
    package init?(_ answer: OperationAnswer) {
        guard case .value(.object(let value)) = answer.body, value["status"]?.string == Self.status,
            let handle = value["handle"]?.string, WorkHandle.isValid(handle)
        else { return nil }
        self.handle = handle
        operation = value["operation"]?.string ?? "The call"
        seconds = value["seconds"]?.int ?? 0
        progress = value["progress"]?.string
        note = value["note"]?.string
    }

    private static let status = JobReport.State.running.rawValue

    /// The members of the answer.
    package var json: JSONObject {
        var value: JSONObject = [
            "status": .string(Self.status), "handle": .string(handle), "operation": .string(operation),
            "seconds": .int(Int64(seconds)),
        ]
        value["progress"] = progress.map { .string($0) }
        value["note"] = note.map { .string($0) }
        return value
    }

    /// The answer of an operation.
    var answer: OperationAnswer {
        OperationAnswer(
            .value(.object(json)), text: text { "mm output \($0) --action \($1.rawValue)" })
    }

    /// Returns a text that says how to wait for the call or end it.
    /// - Parameter calling: returns how the reader writes a call of an action with a handle.
    package func text(calling: (_ handle: String, _ action: JobAction) -> String) -> String {
        let progress = progress.map { " Latest progress: \($0)." } ?? ""
        let note = note.map { " \($0)" } ?? ""
        return "\(operation) is still running, for \(seconds) s so far.\(progress)\(note) Wait for it: "
            + "\(calling(handle, .wait)); or cancel it: \(calling(handle, .cancel)). Don't repeat the call."
    }
}
