import MMCore

/// Work with an end in time: cancelled when its deadline passes.
enum Bounded {
    /// Runs work; when the deadline passes first, or the caller is cancelled, the work is cancelled and its result
    /// dropped.
    /// - Parameters:
    ///   - deadline: when it must have ended.
    ///   - what: what goes on, for the message.
    ///   - end: called when the deadline passed, to end what does not listen to a cancel.
    ///   - dropping: gets what the work made all the same, after its time or a cancel, so that it is not left lying about.
    ///   - work: the work; it must end soon after its task is cancelled or `end` was called.
    /// - Throws: `deadline_exceeded`, or what the work threw.
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
