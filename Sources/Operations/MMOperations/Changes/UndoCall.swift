import MMCore
import MMGuard
import MMIdentity

/// The undo of changes of one or more connections, with a single question to a person about all of them.
struct UndoCall {
    private let runs: [UndoRun]
    /// The changes that no connection reaches any more, with the reasons.
    private let unreachable: [(entry: JournalEntry, error: MMError)]
    private let services: RequestServices
    private let context: OperationContext
    private let input: Undo.Input

    /// - Parameter entries: the changes, newest first.
    /// - Throws: `conflict` if no connection reaches any of them.
    init(
        _ entries: [JournalEntry], _ selection: UndoSelection, _ input: Undo.Input, _ services: RequestServices,
        _ context: OperationContext
    ) throws(MMError) {
        var order: [Connection] = []
        var groups: [String: [JournalEntry]] = [:]
        var unreachable: [(JournalEntry, MMError)] = []
        for entry in entries {
            if let name = selection.reach.name(of: entry), groups[name] != nil {
                groups[name]?.append(entry)
                continue
            }
            do throws(MMError) {
                let connection = try selection.reach.connection(of: entry, in: context, with: services)
                if groups[connection.name] == nil { order.append(connection) }
                groups[connection.name, default: []].append(entry)
            } catch {
                unreachable.append((entry, error))
            }
        }
        if order.isEmpty, let first = unreachable.first { throw first.1 }
        if order.count > 1 {
            context.record.note("connection", .string(order.map(\.name).joined(separator: ",")))
        }
        runs = order.map { connection in
            UndoRun(
                connection: connection, entries: groups[connection.name] ?? [], selection: selection,
                services: services, context: context, confirmed: input.confirmed)
        }
        self.unreachable = unreachable
        self.services = services
        self.context = context
        self.input = input
    }

    private var count: Int { runs.reduce(unreachable.count) { $0 + $1.entries.count } }

    /// Whether the call undoes a single change, so that the change's error is the error of the call.
    private var isOfOne: Bool { count == 1 && !input.skips }

    private func answer(_ rows: [JSONValue], _ member: String, notes: [String]) -> OperationAnswer {
        let columns = ["id", "change", member]
        return OperationAnswer(
            .value(.array(rows)), notes: notes, columns: runs.count > 1 ? ["connection"] + columns : columns,
            connection: runs.count == 1 ? runs[0].connection.name : nil)
    }

    private func rows(of unreachable: [(entry: JournalEntry, error: MMError)], _ member: String) -> [JSONValue] {
        unreachable.map { entry, error in
            [
                "id": .string(entry.id), "connection": .string(entry.connection),
                "change": .string(VisibleText.exact(entry.change.title)),
                member: .string("can't be undone: \(error.message)"),
            ]
        }
    }

    // MARK: Forecast

    /// Returns which changes would be undone, and which would stay and why.
    func forecast() async throws(MMError) -> OperationAnswer {
        context.record.note("dryRun", true)
        var (rows, lines) = ([JSONValue](), [String]())
        for run in runs {
            try await run.prove()
            let steps = try await run.forecast(try run.steps())
            for step in steps {
                let text =
                    step.obstacle.map { "can't be undone: \($0)" } ?? step.nothing
                    ?? step.actions.map(\.line).joined(separator: ", ")
                var row = run.row(step, "undo", text).object ?? [:]
                row["lines"] = .array(step.entry.change.undoLines.map { .string($0) })
                row["since"] = step.since.map { .string($0) }
                rows.append(.object(row))
            }
            if runs.count > 1 { lines.append("\(run.connection.name):") }
            lines += steps.flatMap(\.lines)
        }
        rows += self.rows(of: unreachable, "undo")
        lines += unreachable.flatMap { ["\($0.entry.id) stays: \($0.entry.change.title)", "  ! \($0.error.message)"] }
        var answer = answer(rows, "undo", notes: ["Dry run: nothing was changed."])
        answer.text = lines.joined(separator: "\n")
        return answer
    }

    // MARK: Undoing

    /// Records the writes that would undo the changes in a plan.
    private func plan(in recorder: PlanRecorder) async throws(MMError) -> OperationAnswer {
        context.record.note("planned", true)
        for run in runs {
            try await run.prove()
            try await run.record(try run.steps(), in: recorder, isOfOne: isOfOne)
        }
        for (entry, error) in unreachable { recorder.note("\(entry.id) stays: \(error.message)") }
        return answer([], "undo", notes: ["Planned: nothing was sent."])
    }

    /// Undoes the changes.
    func undo() async throws(MMError) -> OperationAnswer {
        if let planning = context.call.planning { return try await plan(in: planning) }
        var planned: [(run: UndoRun, steps: [UndoRun.Step])] = []
        for run in runs {
            try await run.prove()
            planned.append((run, try run.steps()))
        }
        if isOfOne, let only = planned.first { try await only.run.check(only.steps[0]) }
        guard planned.contains(where: { $0.steps.contains { $0.obstacle == nil } }) else {
            throw MMError(
                .unsupported, "This can't be undone: \(planned.first?.steps.first?.obstacle ?? "")",
                hint: "mm undo list shows what can.")
        }
        let cleared = try await clear(planned)
        for (run, steps) in planned { try await run.signIn(for: steps) }
        let claim = try await services.journal.claim(
            runs.flatMap(\.entries).map(\.id), until: context.deadline)
        defer { claim.end() }
        return try await claim.whileHeld { () async throws(MMError) in
            // The journal is read again now that the claim keeps other calls from undoing these changes.
            try await carryOut(cleared, try await UndoSelection(services, in: context))
        }
    }

    /// Has all writes judged, and asks a person once if that is required.
    /// - Returns: the clearances by connection; none for a connection where nothing is sent.
    private func clear(
        _ planned: [(run: UndoRun, steps: [UndoRun.Step])]
    ) async throws(MMError) -> [String: Cleared<JudgedAgain>] {
        var judged: [(member: SetFolder.Member, act: Judged<JudgedAgain>)] = []
        for (run, steps) in planned {
            guard let question = try await run.question(steps) else { continue }
            let member = SetFolder.Member(name: run.connection.name, tenant: run.entries[0].author?.tenant ?? "")
            judged.append((member, Judged(run.act, question)))
        }
        guard judged.count > 1 else {
            guard let (member, only) = judged.first else { return [:] }
            return [
                member.name: try await Clearance(only.act, only.request).settle(in: context, with: services.guarding)
            ]
        }
        let requests = judged.map { ($0.member, $0.act.request) }
        if var refusal = JointClearance.refusal(of: requests.map(\.1)) {
            refusal.hint = "Undo the changes of one connection only: --connection NAME."
            throw refusal
        }
        var together: Cleared<[ConfirmationRequest]>?
        if let question = JointClearance.question(about: requests) {
            together = try await Clearance(requests.map(\.1), question).settle(in: context, with: services.guarding)
        }
        var cleared: [String: Cleared<JudgedAgain>] = [:]
        for (member, act) in judged {
            let consent = together.flatMap { $0.consent(to: act.request) }
            cleared[member.name] = consent.flatMap { act.cleared(by: $0) } ?? act.allowed
        }
        return cleared
    }

    private func carryOut(
        _ cleared: [String: Cleared<JudgedAgain>], _ selection: UndoSelection
    ) async throws(MMError) -> OperationAnswer {
        var outcome = UndoRun.Outcome(isOfOne: isOfOne)
        var done = 0
        for run in runs {
            let run = UndoRun(
                connection: run.connection, entries: run.entries, selection: selection, services: services,
                context: context, confirmed: input.confirmed)
            outcome.stopped = nil
            try await run.carryOut(
                by: cleared[run.connection.name],
                progress: { number, title in
                    context.call.progress(
                        ProgressReport(done: Double(done + number), total: Double(count), message: title))
                }, &outcome)
            done += run.entries.count
        }
        outcome.left += unreachable.map { ($0.entry.id, $0.error.message) }
        outcome.rows += rows(of: unreachable, "result")
        var answer = answer(outcome.rows, "result", notes: outcome.notes)
        guard !outcome.left.isEmpty else { return answer }
        let reasons = outcome.left.prefix(3).map { "\($0.id) \($0.reason)" }.joined(separator: "\n")
        let more = outcome.left.count > 3 ? "\nand \(outcome.left.count - 3) more" : ""
        let text = "\(outcome.left.count) of \(count) changes were not undone:\n\(reasons)\(more)"
        answer.notes.append(text)
        if !input.skips { answer.missing = text }
        return answer
    }
}
