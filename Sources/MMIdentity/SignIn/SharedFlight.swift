internal import MMCore
internal import MMSystem

/// One piece of work that several callers wait for, each with its own deadline and cancellation.
///
/// The work itself is never called off: a refresh that has reached the service must be written down, or its refresh token is
/// lost. A caller who leaves just stops waiting.
struct SharedFlight<Value: Sendable>: Sendable {
    private let task: Task<Result<Value, MMError>, Never>

    /// Starts the work.
    init(_ work: @escaping @Sendable () async -> Result<Value, MMError>) {
        // Not a child of the first caller: the others must not lose it with them.
        task = Task { await work() }
    }

    /// Waits for the work.
    /// - Parameters:
    ///   - what: what is waited for, for messages.
    ///   - deadline: when this caller gives up.
    /// - Throws: what the work threw; `cancelled` when the caller's task is; `deadlineExceeded`.
    func value(of what: String, until deadline: Deadline) async throws(MMError) -> Value {
        let answer = OneShot<Result<Value, MMError>>()
        let waiter = Task { answer.give(await task.value) }
        let alarm = Task {
            guard let instant = deadline.instant else { return }
            try await ContinuousClock().sleep(until: instant)
            answer.give(.failure(deadline.exceeded(what)))
        }
        let result = await withTaskCancellationHandler {
            await answer.wait()
        } onCancel: {
            answer.give(.failure(MMError(.cancelled, "Called off while \(what).")))
        }
        waiter.cancel()
        alarm.cancel()
        return try result.get()
    }
}
