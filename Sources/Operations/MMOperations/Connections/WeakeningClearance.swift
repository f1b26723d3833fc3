import MMCore
import MMGuard

extension GuardServices {
    /// Requires a person's proof for a change of the registry that weakens the protection of a connection: with the
    /// check and the number of people that the present entry demands. Any other change passes.
    /// - Parameters:
    ///   - name: the name of the changed entry.
    ///   - documents: the registry before and after, as `ConnectionRegistry.preview` returns it.
    ///   - context: the context of the call.
    /// - Returns: whether a person has just confirmed it.
    /// - Throws: as `Clearance.settle`.
    @discardableResult
    func settleWeakening(
        of name: String, _ documents: (before: JSONObject, after: JSONObject), in context: OperationContext
    ) async throws(MMError) -> Bool {
        // An entry that can't be read can't be used, so it has no protection that could be weakened.
        guard let before = try? RegistrySnapshot(document: documents.before).connection(named: name) else {
            return false
        }
        let after = try? RegistrySnapshot(document: documents.after).connection(named: name)
        guard let weakening = Weakening(of: before, to: after) else { return false }
        try await settle(weakening, in: context)
        return true
    }

    /// Requires a person's proof for a weakening.
    func settle(_ weakening: Weakening, in context: OperationContext) async throws(MMError) {
        context.record.note("weakens", .array(weakening.points.map(JSONValue.string)))
        try await Clearance(weakening.request).settle(in: context, with: self)
    }
}
