extension Result {
    /// The outcome of asynchronous work as a value, for what has to hand it on: a task, a group, a stored answer.
    ///
    /// Always use this where an outcome leaves a closure together with something else. Swift 6.3 miscompiles a tuple that
    /// is built directly around a `try await` with a typed error in an optimised closure: its other members arrive as
    /// garbage. `Scripts/check` refuses that form.
    /// - Parameter work: what is carried out, in the caller's isolation.
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
