package import MMCore
import MMSessions

/// The answer to a call that is still running.
package enum JobAnswer {
    /// Returns the answer for a job that is still running.
    static func running(_ report: JobReport, in jobs: OperationJobs) -> OperationAnswer {
        let seconds = report.elapsed.components.seconds
        var value: JSONObject = [
            "status": "running", "handle": .string(report.handle), "operation": .string(report.label),
            "seconds": .int(seconds),
        ]
        value["progress"] = report.progress.map { .string($0.message) }
        if jobs.endWithClient {
            value["note"] = "It ends with this server's process, because no pool runs it (--embedded)."
        }
        var answer = OperationAnswer.value(.object(value))
        answer.text = text(of: value) { "mm output \($0) --action \($1)" }
        return answer
    }

    /// Returns the members of an answer that says that its call is still running; `nil` for every other answer.
    package static func members(of answer: OperationAnswer) -> JSONObject? {
        guard case .value(.object(let value)) = answer.body, value["status"] == "running",
            let handle = value["handle"]?.string, WorkHandle.isValid(handle)
        else { return nil }
        return value
    }

    /// Returns a text that says how to wait for a running call or end it.
    /// - Parameters:
    ///   - members: the members of the answer.
    ///   - calling: returns how the reader writes a call of an action with a handle.
    package static func text(
        of members: JSONObject, calling: (_ handle: String, _ action: String) -> String
    ) -> String {
        let name = members["operation"]?.string ?? "The call"
        let handle = members["handle"]?.string ?? ""
        let progress = members["progress"]?.string.map { " Latest progress: \($0)." } ?? ""
        let note = members["note"]?.string.map { " \($0)" } ?? ""
        return "\(name) is still running, for \(members["seconds"]?.int ?? 0) s so far.\(progress)\(note) Wait for it: "
            + "\(calling(handle, "wait")); or cancel it: \(calling(handle, "cancel")). Don't repeat the call."
    }
}
