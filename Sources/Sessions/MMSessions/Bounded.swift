import MMCore
import MMSystem

/// Runs work with a deadline: it is cancelled when the deadline passes.
enum Bounded {
    /// Runs work. If the deadline passes first, or the caller is cancelled, the work is cancelled and its result
    /// dropped.
    /// - Parameters:
    ///   - deadline: when the work must have ended.
    ///   - what: what is being done, for the error message.
    ///   - grace: how long the work may go on after its cancellation at the deadline.
    ///   - end: called then, to end work that ignores cancellation.
    ///   - dropping: receives a result that arrives after the deadline or a cancellation, so that it can be cleaned up.
    ///   - work: the work; it must end soon after its task is cancelled or `end` was called.
    /// - Throws: `deadline_exceeded`, `cancelled`, or the work's own error.
    static func run<Output: Sendable>(
        until deadline: Deadline, doing what: String, heedingWithin grace: Duration = .zero,
        orElse end: @escaping @Sendable () async -> Void = {},
        dropping: @Sendable (Output) async -> Void = { _ in },
        _ work: @escaping @Sendable () async throws(MMError) -> Output
    ) async throws(MMError) -> Output {
        let first = OneShot<Result<Output, MMError>?>()
        let ended = OneShot<Bool>()
        let task = Task {
            let result = await Result(catching: work)
            first.resolve(result)
            ended.resolve(true)
            return result
        }
        let outcome = await withTaskCancellationHandler {
            await first.wait(until: deadline, late: nil)
        } onCancel: {
            task.cancel()
        }
        guard let outcome else {
            task.cancel()
            if await !ended.wait(until: .after(grace), late: false) { await end() }
            if case .success(let output) = await task.value { await dropping(output) }
            throw deadline.exceeded(what)
        }
        let output = try outcome.get()
        guard !Task.isCancelled else {
            await dropping(output)
            throw MMError(.cancelled, "Cancelled while \(what).")
        }
        return output
    }
}
