package import MMCore
package import MMGuard

/// A guarded action on its way from the verdict to a permission.
package struct Clearance: Sendable {
    /// Exactly what would be done, and what a confirmation of it is bound to.
    let request: ConfirmationRequest
    /// What the guard says.
    private var verdict: Verdict { request.verdict }

    /// An action, and what the guard says of it.
    package init(_ request: ConfirmationRequest) {
        self.request = request
    }

    /// Returns when the action is permitted.
    ///
    /// Asking goes to the person where there is one, else to the ledger: a person confirms there, and the very same call
    /// goes through once.
    /// - Parameters:
    ///   - context: the call.
    ///   - ledger: where a request waits for a person.
    /// - Throws: `denied` with the rule and what to do instead, `confirmation_needed` with the token for `mm confirm`.
    package func settle(in context: OperationContext, with ledger: ConfirmationLedger) async throws(MMError) {
        var request = request
        request.principal = context.call.caller.principal?.id
        context.record.note("verdict", .string(verdict.decision.rawValue))
        context.record.note("class", .string(verdict.guardClass.rawValue))
        context.record.note("rule", .string(verdict.rule))
        context.record.note("digest", .string(request.digest))
        if let together = context.call.oneOfSeveral {
            guard try !together.settles(request, in: context) else { return }
        }
        guard verdict.decision != .allow else { return }
        if verdict.decision == .ask {
            if try await ledger.consume(request.digest) {
                return context.record.note("confirmedBy", "ledger")
            }
            if let person = context.call.person, person.canBeAsked,
                request.check == .terminal || person.isAtTerminal
            {
                return try await ask(request, person, in: context)
            }
        }
        let pending = verdict.decision == .ask ? try await ledger.request(request) : nil
        guard var error = verdict.error(pending: pending) else { return }
        if context.call.readsOnly {
            error.hint = "This server only reads (--read-only). Ask the person to do it with mm in a terminal."
        }
        if let pending {
            error.message += " Nothing was sent or run.\n\n" + (pending.presentation.pages.first ?? "")
        }
        throw error
    }

    private func ask(
        _ request: ConfirmationRequest, _ person: any ConfirmingPerson, in context: OperationContext
    ) async throws(MMError) {
        guard
            try await person.confirm(
                ConfirmationQuestion(request.presentation, check: request.check, digest: request.digest))
        else {
            context.record.note("confirmedBy", "refused")
            throw MMError(
                .denied, "The person said no: nothing was sent or run.",
                details: ["verdict": "ask", "rule": .string(verdict.rule)])
        }
        context.record.note("confirmedBy", "person")
    }
}
