import MMCore
import MMGuard

extension GuardServices {
    /// Has a person prove themselves for a change of the registry that weakens what guards a connection: by the proof that
    /// is in force before it, and as many people. Any other change passes.
    /// - Parameters:
    ///   - name: the entry that changes.
    ///   - documents: the registry before and after, as `ConnectionRegistry.preview` returns it.
    ///   - context: the call.
    /// - Returns: whether a person has said yes to it just now.
    /// - Throws: as `Clearance.settle`.
    @discardableResult
    func settleWeakening(
        of name: String, _ documents: (before: JSONObject, after: JSONObject), in context: OperationContext
    ) async throws(MMError) -> Bool {
        // An entry that can't be read serves nobody: there is nothing in force that could be weakened.
        guard let before = try? RegistrySnapshot(document: documents.before).connection(named: name) else {
            return false
        }
        let after = try? RegistrySnapshot(document: documents.after).connection(named: name)
        guard let weakening = Weakening(of: before, to: after, environment: environment) else { return false }
        try await settle(weakening, in: context)
        return true
    }

    /// Has a person prove themselves for a weakening.
    func settle(_ weakening: Weakening, in context: OperationContext) async throws(MMError) {
        context.record.note("weakens", .array(weakening.points.map(JSONValue.string)))
        try await Clearance(weakening.request).settle(in: context, with: self)
    }
}
