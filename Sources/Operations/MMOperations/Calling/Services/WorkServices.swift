package import MMCore
import MMSessions

/// The services for reading background work and its stored output.
package struct WorkServices: Sendable {
    /// The connections. A stored answer may be read by callers that may use its connection.
    package let registry: ConnectionRegistry
    /// Background jobs: calls and commands that go on after their callers got a handle.
    package let jobs: OperationJobs
    /// The sessions that commands run in.
    package let shells: ShellSessions
    /// The store for long answers.
    package let outputs: OutputStore

    /// Returns work of the caller, running or ended.
    /// - Throws: `notFound`, also for work of another caller.
    func work(_ handle: String, of call: CallContext) async throws(MMError) -> any OperationWork {
        guard let work = try jobs.table.work(handle, for: OperationJobs.reachableOwners(of: call)) as? any OperationWork
        else { throw MMError(.internalError, "No work with the handle “\(handle)” is recorded.") }
        if let task = work as? ShellTask { await shells.touch(task.session) }
        return work
    }

    /// Returns a shell command of the caller, the only kind of work that can have a terminal.
    func command(_ handle: String, of call: CallContext) async throws(MMError) -> ShellTask {
        let work = try await work(handle, of: call)
        guard let task = work as? ShellTask else {
            throw MMError(
                .unsupported,
                "“\(handle)” is a call of \(work.report.label): it has no terminal to type into.",
                hint: "Use `output` to read it, wait for it or cancel it.")
        }
        return task
    }
}
