package import MMCore
package import MMGuard

/// A guarded action on its way from the verdict to a permission.
package struct Clearance: Sendable {
    /// Exactly what would be done, and what a confirmation of it is bound to.
    private(set) var request: ConfirmationRequest
    /// What the guard says.
    private var verdict: Verdict { request.verdict }

    /// An action, and what the guard says of it.
    package init(_ request: ConfirmationRequest) {
        self.request = request
    }

    /// Returns when the action is permitted.
    ///
    /// Asking goes to the person where there is one, else to the ledger: a person confirms there, and the very same call
    /// goes through once. A caller that waits for that needs no second call.
    /// - Parameters:
    ///   - context: the call.
    ///   - guarding: where a request waits for a person.
    /// - Throws: `denied` with the rule and what to do instead, `confirmation_needed` with the token for `mm confirm`.
    package func settle(in context: OperationContext, with guarding: GuardServices) async throws(MMError) {
        // What one person confirms lets nobody else's call through.
        var own = self
        own.request.principal = context.call.caller.signedIn?.id
        try await own.settled(in: context, with: guarding)
        guard verdict.guardClass != .read else { return }
        let connection = try? guarding.registry.snapshot().connection(named: request.connection)
        try await context.record.begin(connection?.audit ?? .preferred)
    }

    private func settled(in context: OperationContext, with guarding: GuardServices) async throws(MMError) {
        context.record.note("verdict", .string(verdict.decision.rawValue))
        context.record.note("class", .string(verdict.guardClass.rawValue))
        context.record.note("rule", .string(verdict.rule))
        context.record.note("digest", .string(request.digest))
        if let together = context.call.oneOfSeveral {
            guard try !together.settles(request, in: context) else { return }
        }
        guard verdict.decision != .allow else { return }
        var pending: PendingConfirmation?
        if verdict.decision == .ask {
            if try await isPermitted(in: context, guarding.ledger) { return }
            if let person = context.call.person, person.canBeAsked,
                request.check == .form || person.isAtTerminal
            {
                pending = try await ask(person, in: context, guarding)
                if pending == nil { return }
            } else {
                pending = try await hold(in: context, guarding)
            }
            if let wait = context.call.approvalWait, try await waits(wait, in: context, guarding.ledger) { return }
        }
        guard var error = verdict.error(pending: pending) else { return }
        if context.call.readsOnly {
            error.hint = "This server only reads (--read-only). Ask the person to do it with mm in a terminal."
        }
        if let pending, context.call.caller.surface == .mcp, context.call.partOf == nil {
            error.hint = [
                error.hint,
                "For several changes, call `plan` {\"calls\": [{\"tool\": …, \"arguments\": …}, …]}: a person approves all of "
                    + "them once, and `apply` {\"plan\": …} sends them.",
            ].compactMap(\.self).joined(separator: " ")
        }
        if let pending {
            if pending.needed > 1 {
                error.message += " \(pending.approvers.count) of \(pending.needed) people have approved it."
                error.details["approvals"] = .int(Int64(pending.approvers.count))
                error.details["approvalsNeeded"] = .int(Int64(pending.needed))
            }
            if let away = await guarding.ledger.absence() { error.message += " \(away.message) \(HeldRequests.alone)" }
            error.message += " Nothing was sent or run.\n\n" + (pending.presentation.pages.first ?? "")
        }
        throw error
    }

    /// Whether people have said yes before.
    /// - Throws: `denied` when a person has said no.
    private func isPermitted(
        in context: OperationContext, _ ledger: ConfirmationLedger
    ) async throws(MMError) -> Bool {
        switch try await ledger.outcome(of: request) {
        case nil: return false
        case .approved(let people):
            context.record.note("confirmedBy", "ledger")
            let names = people.map(\.text).filter { $0 != " (terminal)" }
            if !names.isEmpty { context.record.note("approvedBy", .array(names.map(JSONValue.string))) }
            return true
        case .allowed(let standing):
            context.record.note("confirmedBy", "standing")
            context.record.note("approvedBy", .array([.string(standing.approver.text)]))
            return true
        case .refused(let entry):
            context.record.note("confirmedBy", "refused")
            throw refusal(entry.refusal, by: entry.approvers.first)
        }
    }

    private func refusal(_ reason: String? = nil, by person: Approver? = nil) -> MMError {
        let words = reason.map { ", because: " + VisibleText.exact(String($0.prefix(500))) } ?? ""
        var details: JSONObject = ["verdict": "ask", "rule": .string(verdict.rule)]
        if let reason { details["reason"] = .string(String(reason.prefix(500))) }
        if let person { details["refusedBy"] = .string(person.person) }
        return MMError(.denied, "The person said no\(words): nothing was sent or run.", details: details)
    }

    /// Puts the request where a person finds it.
    private func hold(
        in context: OperationContext, _ guarding: GuardServices
    ) async throws(MMError) -> PendingConfirmation {
        var request = request
        request.requester = Requester(context.call)
        return try await guarding.hold(request)
    }

    /// Asks the person who is there.
    /// - Returns: what waits for further people; `nil` when their yes is enough.
    private func ask(
        _ person: any ConfirmingPerson, in context: OperationContext, _ guarding: GuardServices
    ) async throws(MMError) -> PendingConfirmation? {
        guard
            try await person.confirm(
                ConfirmationQuestion(request.presentation, check: request.check, digest: request.digest))
        else {
            context.record.note("confirmedBy", "refused")
            throw refusal()
        }
        let approver = Approver(
            person: context.call.caller.signedIn.map { $0.name ?? $0.id } ?? SecurityKey.login,
            means: person.isAtTerminal ? "terminal" : "form")
        context.record.note("confirmedBy", "person")
        context.record.note("approvedBy", .array([.string(approver.text)]))
        guard request.approvals > 1 else { return nil }
        let held = try await hold(in: context, guarding)
        // A yes that they have given before still counts, once.
        guard !held.approvers.contains(where: { $0.person == approver.person }) else { return held }
        let now = try await guarding.ledger.approve(held.token, digest: held.digest, by: approver)
        return now.state == .approved ? nil : now
    }

    /// Waits for what people say elsewhere, within the time that the caller has.
    /// - Returns: whether they said yes.
    private func waits(
        _ limit: Duration, in context: OperationContext, _ ledger: ConfirmationLedger
    ) async throws(MMError) -> Bool {
        let until = Deadline.after(min(limit, context.deadline.remaining))
        while !until.hasPassed {
            do {
                try await Task.sleep(for: .milliseconds(250))
            } catch {
                throw MMError(.cancelled, "The call was cancelled while it waited for a person.")
            }
            if try await isPermitted(in: context, ledger) { return true }
        }
        return false
    }
}

extension Requester {
    /// Who makes a call.
    init(_ call: CallContext) {
        self.init(
            surface: call.caller.surface.rawValue, client: call.caller.name, model: call.model,
            person: call.caller.signedIn.map { $0.name ?? $0.id })
    }
}
