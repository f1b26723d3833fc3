import MMCore
import MMIdentity

/// `apply`: carries out exactly the steps of a plan. Steps that were approved and whose objects are unchanged need no
/// confirmation.
struct PlanApply: CatalogueOperation {
    struct Input: OperationInput {
        @Argument("plan", "Plan file, or plan id.", .at(0), .completes(.files)) var plan: String
        @Argument("skip", "Skip objects that changed since the plan was made, and apply the rest.") var skips: Bool
        @Argument(
            "runbook", "File of an approved runbook that allows this plan, in addition to the runbooks of this user.",
            .notForModels, .completes(.files))
        var runbook: String?
        @Argument("receipt", "Write the receipt to this file.", .notForModels, .completes(.files)) var receipt: String?
        var files = CaseReportFiles()
    }

    let declaration = OperationDeclaration(
        "apply", command: ["apply"], title: "Apply a plan",
        summary:
            "Apply a plan exactly as approved, unless objects have changed. Continues after interruptions.",
        effects: .init(readOnly: false, destructive: true, idempotent: true, openWorld: true), home: .detachable,
        examples: [
            .init("mm apply change.plan", "sends what was approved; refuses if an object has changed since"),
            .init(
                "mm apply change.plan --skip --receipt change.receipt",
                "skips changed objects, and writes a receipt"),
        ]
    ).unlisted.answeringWithTwo

    func run(_ input: Input, in context: OperationContext, with plans: PlanServices) async throws(MMError)
        -> OperationAnswer
    {
        try await input.files.reporting("mm apply", on: input.plan, in: context) { () async throws(MMError) in
            let path = try receiptPlace(input, in: context)
            let (outcome, receipt, fault) = try await apply(input, in: context, with: plans)
            var answer = Self.answer(outcome, receipt)
            if let fault { answer.lacks(fault) }
            do throws(MMError) {
                if let path { try ProtectedFile.replace(path, with: receipt.bytes) }
            } catch { answer.lacks(error) }
            return (answer, outcome.report)
        }
    }

    /// Returns where the receipt is wanted, if it can be written there.
    private func receiptPlace(_ input: Input, in context: OperationContext) throws(MMError) -> String? {
        if input.receipt != nil || input.runbook != nil, context.call.caller.surface != .terminal {
            throw MMError(
                .forbidden, "Only a person at a terminal can name files.",
                hint: "Leave the file out: the answer has the receipt.")
        }
        guard let path = input.receipt.map(context.call.path) else { return nil }
        try ProtectedFile.checkReplacing(path)
        return path
    }

    private func apply(_ input: Input, in context: OperationContext, with plans: PlanServices) async throws(MMError)
        -> (PlanOutcome, PlanReceipt, fault: MMError?)
    {
        let services = plans.requests
        let shelf = PlanShelf(services.guarding.paths)
        let found = try shelf.found(input.plan, in: context)
        try ProtectedFile.makeDirectory(shelf.directory)
        let runbook = try input.runbook.map { (name) throws(MMError) in
            try RunbookShelf.read(context.call.path(name))
        }
        let lock = try await FileLock(
            awaiting: shelf.path(found.file.digest, .plan), until: min(context.deadline, .after(.seconds(5))))
        let key = try EvidenceKey.standing(at: services.guarding.paths.evidenceKey)
        let outcome = try await Self.outcome(of: found, on: shelf, input.skips, runbook, plans, context)
        let receipt = try PlanReceipt(outcome, by: context.call.caller, signedWith: key)
        var fault: MMError?
        do throws(MMError) {
            try ProtectedFile.replace(shelf.path(found.file.digest, .receipt), with: receipt.bytes)
        } catch {
            // What was sent has to be reported, also by a machine whose disk is full.
            fault = error
        }
        _ = consume lock
        return (outcome, receipt, fault)
    }

    private static func outcome(
        of found: PlanShelf.Found, on shelf: PlanShelf, _ skips: Bool, _ runbook: Runbook?, _ plans: PlanServices,
        _ context: OperationContext
    ) async throws(MMError) -> PlanOutcome {
        var run = try PlanRun(found, on: shelf, skips: skips, runbook: runbook, plans, context)
        return try await run.apply()
    }

    /// The sentence for a plan of which nothing was left to send.
    private static func idle(_ outcome: PlanOutcome) -> String {
        guard !outcome.file.plan.steps.isEmpty else { return "The plan has no changes: nothing was sent." }
        return outcome.left.isEmpty
            ? "It was already applied: nothing was sent."
            : "Nothing was sent: it is unknown whether the steps that are left were carried out."
    }

    private static func answer(_ outcome: PlanOutcome, _ receipt: PlanReceipt) -> OperationAnswer {
        let plan = outcome.file.plan
        let rows = plan.steps.indices.map { number -> JSONValue in
            let step = plan.steps[number]
            var row: JSONObject = [
                "number": .int(Int64(number + 1)), "connection": .string(step.connection),
                "request": .string(step.line), "result": .string(outcome.word(number)),
            ]
            row["undo"] = outcome.progress.steps[number]?.told["undo"]
            row["answer"] = outcome.answers[number]
            row["why"] = outcome.why(number).map { .string($0) }
            return .object(row)
        }
        let done = plan.steps.count - outcome.left.count
        var lines = ["\(done) of \(plan.steps.count) changes of \(plan.id) are applied."]
        for number in outcome.left {
            lines.append(
                "\(number + 1). \(outcome.word(number)): \(plan.steps[number].line)"
                    + (outcome.why(number).map { "\n     \($0)" } ?? ""))
        }
        var value: JSONObject = [
            "plan": .string(plan.id), "done": .int(Int64(done)), "left": .int(Int64(outcome.left.count)),
            "call": .string(outcome.call), "steps": .array(rows), "receipt": receipt.json,
        ]
        value["open"] = plan.open.map { .string($0) } ?? .null
        var notes = outcome.isNew ? outcome.notes : [Self.idle(outcome)]
        if done > 0 { notes.append("undo: `mm undo --call \(outcome.call)`") }
        var answer = OperationAnswer(.value(.object(value)), notes: notes, text: lines.joined(separator: "\n"))
        if !outcome.left.isEmpty {
            let text =
                "\(outcome.left.count) of \(plan.steps.count) changes are not applied"
                + (outcome.left.contains { outcome.word($0) == "unknown" } ? ", as far as is known." : ".")
                + (outcome.isOutOfTime
                    ? " The time limit passed: the same command continues, with --timeout for longer." : "")
            answer.notes.append(text)
            answer.missing = text
        } else if let open = plan.open {
            answer.notes.append(
                "The plan ends here: \(open). To plan the rest, run the same mm plan again; it leaves out applied changes."
            )
            answer.exitStatus = 2
        }
        return answer
    }
}
