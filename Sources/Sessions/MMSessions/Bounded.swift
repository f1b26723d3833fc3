import MMCore

/// Runs work with a deadline: it is cancelled when the deadline passes.
enum Bounded {
    /// Runs work. If the deadline passes first, or the caller is cancelled, the work is cancelled and its result
    /// dropped.
    /// - Parameters:
    ///   - deadline: when the work must have ended.
    ///   - what: what is being done, for the error message.
    ///   - end: called when the deadline has passed, to end work that ignores cancellation.
    ///   - dropping: receives a result that arrives after the deadline or a cancellation, so that it can be cleaned up.
    ///   - work: the work; it must end soon after its task is cancelled or `end` was called.
    /// - Throws: `deadline_exceeded`, or the work's own error.
    static func run<Output: Sendable>(
        until deadline: Deadline, doing what: String, orElse end: @escaping @Sendable () async -> Void = {},
        dropping: @Sendable (Output) async -> Void = { _ in },
        _ work: @escaping @Sendable () async throws(MMError) -> Output
    ) async throws(MMError) -> Output {
        let outcome: Result<Output, MMError> = await withTaskGroup(of: Result<Output, MMError>?.self) { group in
            group.addTask { await Result(catching: work) }
            if let instant = deadline.instant {
                group.addTask {
                    try? await Task.sleep(until: instant, clock: .continuous)
                    return nil
                }
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            if first == nil {
                await end()
                if let late = await group.next(), case .success(let output)? = late { await dropping(output) }
            }
            return first ?? .failure(deadline.exceeded(what))
        }
        return try outcome.get()
    }
}
