import MMCore
import MMGuard

/// Undo steps of a plan: each is read and undone by the same run as `mm undo`.
struct PlanUndo: Sendable {
    let connection: Connection
    let services: RequestServices
    let context: OperationContext

    private func run(_ id: String, _ selection: UndoSelection) throws(MMError) -> UndoRun {
        UndoRun(
            connection: connection, entries: [try selection.entry(id)], selection: selection, services: services,
            context: context, confirmed: false)
    }

    /// Returns the guard's present verdict on a step.
    static func verdict(
        on step: PlanStep, _ connection: Connection, _ services: RequestServices, _ context: OperationContext
    ) async throws(MMError) -> Verdict {
        guard let change = step.change else { throw gone }
        let channels = UndoChannels(connection: connection, services: services, context: context, confirmed: false)
        var actions: [UndoPart.Action] = []
        for part in change.parts { actions += try channels.part(part).actions }
        guard let question = try await channels.question(actions, objects: 1, changes: { [] }) else { throw gone }
        return question.verdict
    }

    private static let gone = MMError(.conflict, "The plan undoes a change that can no longer be undone.")

    /// Returns the present state of a step's object, and the requests that would be sent for it.
    /// - Throws: the error of the read, if the object can't be read any more.
    func state(of step: PlanStep, _ id: String) async throws(MMError) -> (state: PlanState, sends: [String]) {
        let selection = try await UndoSelection(services, in: context)
        let run = try run(id, selection)
        guard let one = try run.steps().first else { throw Self.gone }
        let state = await run.state(of: one, isUndone: selection.isUndone(one.entry))
        if state.before == nil, step.state.before != nil, let part = one.parts.first {
            // An object that can't be read hasn't changed: the error of the read says why.
            let channels = UndoChannels(
                connection: connection, services: services, context: context, confirmed: false)
            _ = try await channels.present(of: part.change)
        }
        return (state, one.actions.map(\.line))
    }

    /// Takes a change back under the plan's clearance.
    /// - Returns: the journal entries of the requests that were sent, in order.
    func undo(_ id: String, by cleared: Cleared<PlanAct>) async throws(MMError) -> PlanSending.Sent {
        let claim = try await services.journal.claim([id], until: context.deadline)
        defer { claim.end() }
        let outcome = try await claim.whileHeld { () async throws(MMError) in
            let run = try run(id, try await UndoSelection(services, in: context))
            try await run.prove()
            var outcome = UndoRun.Outcome(isOfOne: true)
            try await run.carryOut(by: cleared, progress: { _, _ in }, &outcome)
            return outcome
        }
        if let left = outcome.left.first { throw MMError(.conflict, "\(left.id) \(left.reason)") }
        return PlanSending.Sent(
            entry: context.record.facts["change"]?.string, answer: outcome.rows.first?["result"], notes: outcome.notes)
    }
}

extension UndoRun {
    /// Returns the state of a step's object that is compared between planning and applying.
    func state(of step: Step, isUndone: Bool) async -> PlanState {
        var state = PlanState()
        state.isKnown = !isUndone
        state.before = await present(step).map { .string(Hex.text(SHA256.digest(CanonicalJSON.bytes($0)))) }
        return state
    }

    /// Records the requests that take the changes back, instead of sending them.
    /// - Throws: `unsupported` where the only change can't be taken back.
    func record(_ steps: [Step], in recorder: PlanRecorder, isOfOne: Bool) async throws(MMError) {
        for step in try await forecast(steps) {
            if let obstacle = step.obstacle ?? step.nothing {
                guard !isOfOne else {
                    throw MMError(
                        .unsupported, "This can't be undone: \(obstacle)",
                        hint: "mm undo show \(step.entry.id) shows what it changed.")
                }
                recorder.note("\(step.entry.id) is not undone: \(obstacle)")
                continue
            }
            guard let question = try await question([step]) else { continue }
            if question.verdict.decision == .deny, let error = question.verdict.error() { throw error }
            let state = await state(of: step, isUndone: false)
            try recorder.add(
                { call in
                    PlanStep(
                        call: call, part: nil, connection: connection.name, module: question.module,
                        act: .undo(step.entry.id, sends: step.actions.map(\.line)),
                        guardClass: question.verdict.guardClass, decision: question.verdict.decision,
                        reason: question.verdict.reason, change: step.entry.change, state: state)
                }, leaving: nil, on: connection.name)
        }
    }
}
