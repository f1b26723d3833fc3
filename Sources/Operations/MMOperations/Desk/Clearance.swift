package import MMCore
package import MMGuard

/// An act that has been judged and needs its permission settled.
package struct Clearance<Act: Sendable>: Sendable {
    /// The act, and the request that a confirmation is bound to.
    private var judged: Judged<Act>
    private var request: ConfirmationRequest { judged.request }
    /// The guard's verdict.
    private var verdict: Verdict { request.verdict }

    /// Creates the clearance of an act from the request with the guard's verdict.
    package init(_ act: Act, _ request: ConfirmationRequest) {
        judged = Judged(act, request)
    }

    /// Returns the act if it is permitted.
    ///
    /// If the guard asks, the question goes to the caller's person if there is one, otherwise into the ledger. After a
    /// person confirms the entry there, the same call passes once. A caller that waits for the confirmation needs no
    /// second call.
    /// - Parameters:
    ///   - context: the context of the call.
    ///   - guarding: the services with the ledger in which a request waits for a person.
    ///   - part: the whole that the act is a part of and that was cleared before, with the names the act uses; `nil`
    ///     for an act by itself.
    /// - Throws: `denied` with the rule and what to do instead, `confirmation_needed` with the token for `mm confirm`.
    @discardableResult
    package func settle(
        in context: OperationContext, with guarding: GuardServices,
        asPartOf part: (whole: ClearedParts, names: [String])? = nil
    ) async throws(MMError) -> Cleared<Act> {
        if let part, let cleared = part.whole.cleared(judged, naming: part.names) { return cleared }
        // A confirmation by one principal must not let another principal's call through.
        var own = self
        own.judged.request.principal = context.call.caller.signedIn?.id
        let cleared = try await own.settled(in: context, with: guarding)
        guard verdict.guardClass != .read else { return cleared }
        // A registry that can't be read may demand the audit log; a name that isn't in it demands nothing.
        let registry = try guarding.registry.snapshot()
        let connection = try? registry.connection(named: request.connection)
        try await context.record.begin(connection?.audit ?? .preferred)
        return cleared
    }

    private func settled(
        in context: OperationContext, with guarding: GuardServices
    ) async throws(MMError) -> Cleared<Act> {
        context.record.note("verdict", .string(verdict.decision.rawValue))
        context.record.note("class", .string(verdict.guardClass.rawValue))
        context.record.note("rule", .string(verdict.rule))
        context.record.note("digest", .string(request.digest))
        if let together = context.call.oneOfSeveral, let consent = try together.consent(to: request, in: context),
            let cleared = judged.cleared(by: consent)
        {
            return cleared
        }
        if let cleared = judged.allowed { return cleared }
        var pending: PendingConfirmation?
        if verdict.decision == .ask {
            if let cleared = try await cleared(in: context, guarding.ledger) { return cleared }
            if let person = context.call.person, person.canBeAsked,
                request.check == .form || person.isAtTerminal
            {
                switch try await ask(person, in: context, guarding) {
                case .enough(let consent):
                    if let cleared = judged.cleared(by: consent) { return cleared }
                case .waits(let entry): pending = entry
                }
            } else {
                pending = try await hold(in: context, guarding)
            }
            if let wait = context.call.approvalWait,
                let cleared = try await waits(wait, in: context, guarding.ledger)
            {
                return cleared
            }
        }
        throw await refusal(pending, in: context, guarding)
    }

    /// Returns the error for an act that is not permitted.
    private func refusal(
        _ pending: PendingConfirmation?, in context: OperationContext, _ guarding: GuardServices
    ) async -> MMError {
        guard var error = verdict.error(pending: pending) else {
            return MMError(.confirmationNeeded, "A person must confirm this.", hint: "Repeat the call.")
        }
        if context.call.readsOnly {
            error.hint = "This server only reads (--read-only). Ask the person to do it with mm in a terminal."
        }
        guard let pending else { return error }
        if pending.needed > 1 {
            error.message += " \(pending.approvers.count) of \(pending.needed) people have approved it."
            error.details["approvals"] = .int(Int64(pending.approvers.count))
            error.details["approvalsNeeded"] = .int(Int64(pending.needed))
        }
        if let away = await guarding.ledger.absence() { error.message += " \(away.message) \(HeldRequests.alone)" }
        error.message += " Nothing was sent or run.\n\n" + (pending.presentation.pages.first ?? "")
        return error
    }

    /// Returns the act if it has been confirmed before.
    /// - Throws: `denied` if a person has said no.
    private func cleared(
        in context: OperationContext, _ ledger: ConfirmationLedger
    ) async throws(MMError) -> Cleared<Act>? {
        switch try await ledger.outcome(of: request) {
        case nil: return nil
        case .approved(let people, let consent):
            context.record.note("confirmedBy", "ledger")
            let names = people.map(\.text).filter { $0 != " (terminal)" }
            if !names.isEmpty { context.record.note("approvedBy", .array(names.map(JSONValue.string))) }
            return judged.cleared(by: consent)
        case .allowed(let standing, let consent):
            context.record.note("confirmedBy", "standing")
            context.record.note("approvedBy", .array([.string(standing.approver.text)]))
            return judged.cleared(by: consent)
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
        return MMError(.denied, "The person declined\(words): nothing was sent or run.", details: details)
    }

    /// The error for a no to a client's form. It doesn't say that the person declined: a client that runs without
    /// asking answers its forms by itself, and the person would be told of a no that they never said.
    private var declinedForm: MMError {
        MMError(
            .denied, "The form was declined in the client: nothing was sent or run.",
            hint: """
                If the person saw no form, their client declines forms by itself. They can then let it ask, or do this \
                with mm in a terminal.
                """,
            details: ["verdict": "ask", "rule": .string(verdict.rule)])
    }

    /// Enters the request in the ledger, where a person can confirm it.
    private func hold(
        in context: OperationContext, _ guarding: GuardServices
    ) async throws(MMError) -> PendingConfirmation {
        var request = request
        request.requester = Requester(context.call)
        return try await guarding.hold(request)
    }

    /// The result of asking the caller's person.
    private enum Asked {
        /// The person's yes is enough.
        case enough(Consent)
        /// The request needs the yes of further people, or of someone at all because the question was not answered.
        case waits(PendingConfirmation)
    }

    private func ask(
        _ person: any ConfirmingPerson, in context: OperationContext, _ guarding: GuardServices
    ) async throws(MMError) -> Asked {
        let question = ConfirmationQuestion(request.presentation, check: request.check, digest: request.digest)
        func answer() async throws(MMError) {
            guard try await !person.confirm(question) else { return }
            context.record.note("confirmedBy", "refused")
            throw person.isAtTerminal ? refusal() : declinedForm
        }
        let consent: Consent?
        do throws(MMError) {
            consent = try await request.consent { () async throws(MMError) in
                try await answer()
                return true
            }
            if consent == nil { try await answer() }
        } catch {
            // Neither yes nor no: the request waits, as it does for a caller without a person.
            guard error.isUnanswered else { throw error }
            return .waits(try await hold(in: context, guarding))
        }
        let approver = Approver(
            person: context.call.caller.signedIn.map { $0.name ?? $0.id } ?? ThisProcess.login,
            means: person.isAtTerminal ? "terminal" : "form")
        context.record.note("confirmedBy", "person")
        context.record.note("approvedBy", .array([.string(approver.text)]))
        if let consent { return .enough(consent) }
        let held = try await hold(in: context, guarding)
        // A person's earlier yes still counts, but only once.
        guard !held.approvers.contains(where: { $0.person == approver.person }) else { return .waits(held) }
        let now = try await guarding.ledger.approve(held.token, digest: held.digest, by: approver)
        // With the last yes that was needed, the approvals in the ledger are used up.
        if now.state == .approved, case .approved(_, let consent)? = try await guarding.ledger.outcome(of: request) {
            return .enough(consent)
        }
        return .waits(now)
    }

    /// Waits for people to confirm the request elsewhere, within the caller's time limit.
    /// - Returns: the act, if they said yes; `nil` if the time ran out.
    private func waits(
        _ limit: Duration, in context: OperationContext, _ ledger: ConfirmationLedger
    ) async throws(MMError) -> Cleared<Act>? {
        let until = Deadline.after(min(limit, context.deadline.remaining))
        while !until.hasPassed {
            do {
                try await Task.sleep(for: .milliseconds(250))
            } catch {
                throw MMError(.cancelled, "The call was cancelled while it waited for a person.")
            }
            if let cleared = try await cleared(in: context, ledger) { return cleared }
        }
        return nil
    }
}

extension Clearance where Act == ConfirmationRequest {
    /// Creates the clearance of a request that is itself the act.
    package init(_ request: ConfirmationRequest) { self.init(request, request) }
}

extension Requester {
    /// Describes the caller of a call.
    init(_ call: CallContext) {
        self.init(
            surface: call.caller.surface.rawValue, client: call.caller.name, model: call.model,
            person: call.caller.signedIn.map { $0.name ?? $0.id })
    }
}
