package import MMCore

/// Where a server's tasks are: the table of its long work.
///
/// Every look-up is a caller's own. A task that the caller may not see does not exist for it: the store throws `notFound`.
package protocol TaskStore: Sendable {
    /// The task of this name.
    func task(_ id: String, for context: RequestContext) async throws(MMError) -> ToolTask

    /// The caller's tasks, newest first.
    func tasks(for context: RequestContext) async throws(MMError) -> [ToolTask]

    /// Waits until a task differs from what is known of it, or for as long as the store likes to wait.
    func change(of known: ToolTask, for context: RequestContext) async throws(MMError) -> ToolTask

    /// Hands answers to the questions that a task waits for; answers to others are ignored.
    func accept(_ answers: [String: JSONObject], for id: String, _ context: RequestContext) async throws(MMError)

    /// Asks the task to end; one that is over stays as it is.
    func cancel(_ id: String, for context: RequestContext) async throws(MMError)
}

extension TaskStore {
    /// What becomes of a task, until it is over or the reader leaves: its state now, then each that tells something new.
    func states(of id: String, for context: RequestContext) -> AsyncStream<ToolTask> {
        AsyncStream { continuation in
            let reading = Task {
                defer { continuation.finish() }
                do {
                    var known = try await task(id, for: context)
                    continuation.yield(known)
                    while !known.isOver, !Task.isCancelled {
                        let next = try await change(of: known, for: context)
                        if next.word != known.word || next.message != known.message { continuation.yield(next) }
                        known = next
                    }
                } catch {
                    // The task is gone: nothing more is told of it.
                }
            }
            continuation.onTermination = { _ in reading.cancel() }
        }
    }
}
