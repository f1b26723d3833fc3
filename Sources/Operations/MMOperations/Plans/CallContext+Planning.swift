import MMCore

extension CallContext {
    /// Throws if the call is being planned, for an operation that can't be planned.
    /// - Parameter what: the name of what can't be planned, in the plural: `Files that are sent`.
    func refusePlanning(_ what: String) throws(MMError) {
        guard planning != nil else { return }
        throw MMError(
            .unsupported, "\(what) can't be part of a plan: nothing was planned.",
            hint: "Leave it out of the plan and make that call separately.")
    }
}
