import MMCore

extension CallContext {
    /// Refuses what can't be planned, where the call is to be planned.
    /// - Parameter what: what it is, in the plural: `Files that are sent`.
    func refusePlanning(_ what: String) throws(MMError) {
        guard planning != nil else { return }
        throw MMError(
            .unsupported, "\(what) can't be part of a plan: nothing was planned.",
            hint: "Make that call by itself, and plan the others.")
    }
}
