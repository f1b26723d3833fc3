extension Result {
    /// Captures the outcome of asynchronous work as a value, for passing on to a task, a group or a stored answer.
    ///
    /// Always use this where an outcome leaves a closure together with other values. In optimised closures Swift 6.3
    /// miscompiles a tuple that is built directly around a `try await` with a typed error: its other members arrive as
    /// garbage. `Scripts/check` refuses that form.
    /// - Parameter work: the work, run in the caller's isolation.
    nonisolated(nonsending) package init(catching work: nonisolated(nonsending) () async throws(Failure) -> Success)
        async
    {
        do throws(Failure) {
            let value = try await work()
            self = .success(value)
        } catch {
            self = .failure(error)
        }
    }
}
