package import MMCore
import MMSessions

/// What it takes to read what goes on, and what was kept of it.
package struct WorkServices: Sendable {
    /// The connections: answers are read by who may use theirs.
    package let registry: ConnectionRegistry
    /// Calls and commands that go on after their callers were let go.
    package let jobs: OperationJobs
    /// The sessions that commands run in.
    package let shells: ShellSessions
    /// Answers that were too long.
    package let outputs: OutputStore

    /// Work of the caller that goes on or has ended.
    /// - Throws: `notFound`, also for somebody else's.
    func work(_ handle: String, of call: CallContext) async throws(MMError) -> any OperationWork {
        guard let work = try jobs.table.work(handle, for: OperationJobs.reachableOwners(of: call)) as? any OperationWork
        else { throw MMError(.internalError, "There is no record of the work “\(handle)”.") }
        if let task = work as? ShellTask { await shells.touch(task.session) }
        return work
    }

    /// A command of the caller, which has a terminal or could have one.
    func command(_ handle: String, of call: CallContext) async throws(MMError) -> ShellTask {
        let work = try await work(handle, of: call)
        guard let task = work as? ShellTask else {
            throw MMError(
                .unsupported,
                "“\(handle)” is a call of \(work.report.label): it has no terminal, and nothing can be typed.",
                hint: "Read it, wait for it or end it with `output`.")
        }
        return task
    }
}
