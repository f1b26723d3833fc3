import MMCore
import MMGuard

/// One guarded deed on its way from verdict to permission.
struct Clearance: Sendable {
    /// What it is, in one line, for the person who is asked.
    let title: String
    /// Exactly what would be done, and what a confirmation of it is bound to.
    let request: ConfirmationRequest
    /// What the guard says.
    let verdict: Verdict

    /// Returns when the deed may be done.
    ///
    /// Asking goes to the person where there is one, else to the ledger: a person confirms there, and the very same call
    /// goes through once.
    /// - Throws: `denied` with the rule and what to do instead, `confirmation_needed` with the token for `mm confirm`.
    func settle(in context: OperationContext) async throws(MMError) {
        context.record.note("verdict", .string(verdict.decision.rawValue))
        context.record.note("class", .string(verdict.guardClass.rawValue))
        context.record.note("rule", .string(verdict.rule))
        guard verdict.decision != .allow else { return }
        if verdict.decision == .ask {
            if try await context.services.ledger.consume(request.digest) {
                return context.record.note("confirmedBy", "ledger")
            }
            if let person = context.call.person, person.canBeAsked { return try await ask(person, in: context) }
        }
        let pending = verdict.decision == .ask ? try await context.services.ledger.request(request) : nil
        guard var error = verdict.error(pending: pending) else { return }
        if context.call.readsOnly {
            error.hint = "This server only reads (--read-only). Ask the person to do it with mm in a terminal."
        }
        if let pending {
            error.message += " Nothing was sent or run.\n\n" + pending.lines.joined(separator: "\n")
        }
        throw error
    }

    private func ask(_ person: any PersonAtHand, in context: OperationContext) async throws(MMError) {
        var shown = verdict.preview?.lines ?? []
        if shown.isEmpty {
            shown = [request.text]
            if !request.body.isEmpty { shown.append(Self.text(ofBody: request.body)) }
        }
        let question = ConfirmationQuestion(
            title: "\(request.connection): \(title)", request: shown.joined(separator: "\n"), reason: verdict.reason)
        guard try await person.confirms(question) else {
            context.record.note("confirmedBy", "refused")
            throw MMError(
                .denied, "The person said no: nothing was sent or run.",
                details: ["verdict": "ask", "rule": .string(verdict.rule)])
        }
        context.record.note("confirmedBy", "person")
    }

    private static func text(ofBody body: [UInt8]) -> String {
        guard let value = try? JSONParser.parse(body) else { return "(\(body.count) bytes)" }
        let shown = JSONWriter.string(value, layout: .indented(2))
        return shown.count <= 4000 ? shown : shown.prefix(4000) + "\n… (\(body.count) bytes in all)"
    }
}
