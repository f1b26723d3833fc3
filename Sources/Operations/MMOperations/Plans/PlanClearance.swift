import MMCore
import MMGuard
import MMIdentity

/// Clears a whole plan with the guard: by the approvals signed into its file, or else by asking as for any other call.
struct PlanClearance {
    let file: PlanFile
    let connections: [String: Connection]
    let plans: PlanServices
    let context: OperationContext
    /// The runbook that was given as a file.
    let runbook: Runbook?
    private var services: RequestServices { plans.requests }

    init(
        file: PlanFile, connections: [String: Connection], plans: PlanServices, context: OperationContext,
        runbook: Runbook?
    ) {
        (self.file, self.connections, self.plans) = (file, connections, plans)
        (self.context, self.runbook) = (context, runbook)
    }

    /// Returns the permission to send the steps once the plan may be carried out. The clearance is recorded in its
    /// progress, for later runs.
    /// - Returns: `nil` for a plan without steps.
    /// - Throws: as `Clearance.settle`.
    func settle(_ progress: inout PlanProgress) async throws(MMError) -> Cleared<PlanAct>? {
        let questions = PlanQuestions(plan: file.plan, services: services, context: context)
        let all = try await questions.parts()
        if let refusal = JointClearance.refusal(of: all.map(\.request)) { throw refusal }
        context.record.note("plan", .string(file.digest))
        let act = PlanAct(file.plan.steps, guarding: services.guarding)
        let joined = questions.joined(all)
        guard let question = joined ?? all.first?.request else { return nil }
        let judged = Judged(act, question)
        // A plan that was cleared and begun is continued; anything that the guard denies by now was refused above.
        if progress.clearance != nil {
            try await begin()
            return judged.allowed ?? judged.cleared(by: .kept(since: question))
        }
        guard joined != nil else {
            let cleared = try await Clearance(act, question).settle(in: context, with: services.guarding)
            try progress.clears(["by": [], "means": "guard", "at": .string(Timestamp.now.iso8601)])
            return cleared
        }
        let signed = file.signatures(
            for: question, on: all.map(\.connection),
            own: try EvidenceKey.standing(at: services.guarding.paths.evidenceKey).publicText)
        if signed.missing == 0, let consent = Consent.signed(question, by: signed.people),
            let cleared = judged.cleared(by: consent)
        {
            let people = signed.people.sorted()
            note(question, people)
            try progress.clears([
                "by": .array(people.map { .string($0) }), "means": "signed", "at": .string(Timestamp.now.iso8601),
            ])
            try await begin()
            return cleared
        }
        if let cleared = try await byRunbook(judged, &progress) { return cleared }
        return try await asked(act, question, signed.lack, &progress)
    }

    /// Returns the plan's clearance by a runbook that allows it.
    private func byRunbook(
        _ judged: Judged<PlanAct>, _ progress: inout PlanProgress
    ) async throws(MMError) -> Cleared<PlanAct>? {
        let runbooks = RunbookClearance(
            file: file, connections: connections, services: plans, context: context, given: runbook)
        guard judged.request.verdict.decision == .ask, let allowed = try await runbooks.settle(judged.request),
            let consent = Consent.signed(judged.request, by: [allowed.by]), let cleared = judged.cleared(by: consent)
        else { return nil }
        note(judged.request, [allowed.by])
        context.record.note("confirmedBy", "runbook")
        context.record.note("runbook", .string(allowed.id))
        try progress.clears([
            "by": [.string(allowed.by)], "means": "runbook", "runbook": .string(allowed.id),
            "at": .string(Timestamp.now.iso8601),
        ])
        try await begin()
        return cleared
    }

    /// Returns the plan's clearance by asking a person, as for any other call.
    private func asked(
        _ act: PlanAct, _ question: ConfirmationRequest, _ lack: String?, _ progress: inout PlanProgress
    ) async throws(MMError) -> Cleared<PlanAct> {
        let cleared: Cleared<PlanAct>
        do throws(MMError) {
            cleared = try await Clearance(act, question).settle(in: context, with: services.guarding)
        } catch {
            guard error.code == .confirmationNeeded else { throw error }
            var error = error
            error.hint = [error.hint, "Or a person approves it: mm plan approve \(file.plan.id).", lack]
                .compactMap(\.self).joined(separator: " ")
            error.details["plan"] = .string(file.plan.id)
            throw error
        }
        let facts = context.record.facts
        try progress.clears([
            "by": facts["approvedBy"] ?? [], "means": facts["confirmedBy"] ?? "person",
            "at": .string(Timestamp.now.iso8601),
        ])
        return cleared
    }

    private func begin() async throws(MMError) {
        let isRequired = connections.values.contains { $0.audit == .required }
        try await context.record.begin(isRequired ? .required : .preferred)
    }

    private func note(_ question: ConfirmationRequest, _ people: [String]) {
        context.record.note("verdict", .string(question.verdict.decision.rawValue))
        context.record.note("class", .string(question.verdict.guardClass.rawValue))
        context.record.note("rule", .string(question.verdict.rule))
        context.record.note("digest", .string(question.digest))
        context.record.note("confirmedBy", "plan")
        context.record.note("approvedBy", .array(people.map { .string($0) }))
    }
}
