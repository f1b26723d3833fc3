import MMCore
import MMGraph
import MMIdentity
import MMStates

/// Takes changes back, one after the other.
///
/// A run that ends in the middle goes on when it is called again: what is undone stands in the journal, and an undo of which
/// nobody knows whether it was sent is found by looking at the object.
struct UndoRun {
    let connection: Connection
    let selection: UndoSelection
    let services: RequestServices
    let context: OperationContext
    let confirmed: Bool

    private var channels: UndoChannels {
        UndoChannels(connection: connection, services: services, context: context, confirmed: confirmed)
    }

    /// A change with what takes it back, part by part.
    private struct Step: Sendable {
        let entry: JournalEntry
        let parts: [UndoPart]
        /// Why it can't be taken back.
        var obstacle: String?
        /// A change after it that it is left alone for.
        var later: JournalEntry?

        var actions: [UndoPart.Action] { parts.flatMap(\.actions) }

        /// What is said of the change after it.
        var since: String? {
            later.map {
                "\($0.id) of \($0.client) has changed it again since: it is left alone unless that is undone first"
            }
        }
    }

    private func step(_ entry: JournalEntry, _ successors: [String: String]) throws(MMError) -> Step {
        let entry = entry.left(entry.change.following(successors: successors))
        if let reason = entry.change.reasonAgainstUndo { return Step(entry: entry, parts: [], obstacle: reason) }
        var parts: [UndoPart] = []
        for change in entry.change.parts { parts.append(try channels.part(change)) }
        let isEmpty = parts.allSatisfy(\.actions.isEmpty) && !entry.change.changesNothing
        return Step(entry: entry, parts: parts, obstacle: isEmpty ? "mm knows no request that does" : nil)
    }

    private func steps(_ entries: [JournalEntry]) throws(MMError) -> [Step] {
        let successors = selection.successors
        var steps: [Step] = []
        let taken = Set(entries.map(\.id))
        for entry in entries {
            var step = try step(entry, successors)
            if step.obstacle == nil { step.later = selection.later(than: entry, besides: taken) }
            steps.append(step)
        }
        return steps
    }

    private static func lines(_ step: Step) -> [String] {
        guard step.obstacle == nil else {
            return ["\(step.entry.id) stays: \(step.entry.change.title)", "  ! \(step.obstacle ?? "")"]
        }
        return ["\(step.entry.id) is taken back: \(step.entry.change.title)"]
            + step.entry.change.undoLines.map { "  " + $0 } + [step.since].compactMap { $0.map { "  ! " + $0 } }
    }

    // MARK: Forecast

    /// What would be taken back.
    func forecast(_ entries: [JournalEntry]) async throws(MMError) -> OperationAnswer {
        context.record.note("dryRun", true)
        var steps = try steps(entries)
        if let first = steps.first, first.obstacle == nil { try await refuseChanged(first) }
        for index in steps.indices where steps[index].obstacle == nil {
            steps[index].obstacle = try await doubt(steps[index])
        }
        let rows = steps.map { step -> JSONValue in
            var row: JSONObject = [
                "id": .string(step.entry.id), "change": .string(VisibleText.exact(step.entry.change.title)),
                "undo": .string(
                    step.obstacle.map { "can't be undone: \($0)" }
                        ?? step.actions.map(\.line).joined(separator: ", ")),
                "lines": .array(step.entry.change.undoLines.map { .string($0) }),
            ]
            row["since"] = step.since.map { .string($0) }
            return .object(row)
        }
        return OperationAnswer(
            .value(.array(rows)), notes: ["Dry run: nothing was changed."], columns: ["id", "change", "undo"],
            text: steps.flatMap(Self.lines).joined(separator: "\n"), connection: connection.name)
    }

    /// - Throws: `conflict` where a change does not stand as it was left.
    private func refuseChanged(_ step: Step) async throws(MMError) {
        // Later parts speak of what the first one makes.
        guard let part = step.parts.first else { return }
        if case .changed(let what) = try await channels.present(of: part.change).standing {
            throw await refusal(step.entry, what)
        }
    }

    /// Why a change is left though the object is as it would have left it; `nil` where nothing is in doubt.
    private func doubt(_ step: Step) async throws(MMError) -> String? {
        guard step.entry.mayHaveChangedNothing else { return nil }
        for part in step.parts where try await channels.present(of: part.change).standing == .asLeft {
            return Self.doubt(step.entry)
        }
        return nil
    }

    private static func doubt(_ entry: JournalEntry) -> String {
        let others = entry.change.others.map(\.text).joined(separator: ", ")
        let word = entry.change.kind == .link ? "in" : "missing from"
        return "nobody knows whether it was sent, nor whether \(others) was \(word) \(entry.change.relation) before"
    }

    // MARK: Undoing

    /// Takes changes back in this order.
    func undo(_ entries: [JournalEntry]) async throws(MMError) -> OperationAnswer {
        let steps = try steps(entries)
        guard steps.contains(where: { $0.obstacle == nil }) else {
            throw MMError(
                .unsupported, "This can't be undone: \(steps.first?.obstacle ?? "")",
                hint: "mm undo show \(entries[0].id) shows what it changed.")
        }
        if steps.count == 1 {
            try await refuseChanged(steps[0])
            if let doubt = try await doubt(steps[0]) {
                throw MMError(
                    .conflict, "This can't be undone: \(doubt).",
                    hint: "mm undo show \(entries[0].id) shows what was to be changed; change what is wrong yourself.")
            }
        }
        try await channels.settle(steps.flatMap(\.actions)) { steps.flatMap(Self.lines) }
        try await channels.signIn(for: Set(steps.filter { $0.obstacle == nil }.map(\.entry.change.service)))
        return try await carryOut(entries)
    }

    private func carryOut(_ entries: [JournalEntry]) async throws(MMError) -> OperationAnswer {
        var rows: [JSONValue] = []
        var notes: [String] = []
        var stopped: String?
        var hasObstacle = false
        var successors = selection.successors
        for (number, entry) in entries.enumerated() {
            let step = try step(entry, successors)
            context.call.progress(
                ProgressReport(
                    done: Double(number), total: Double(entries.count), message: step.entry.change.title))
            var row: JSONObject = [
                "id": .string(step.entry.id), "change": .string(VisibleText.exact(step.entry.change.title)),
            ]
            if let obstacle = step.obstacle {
                hasObstacle = true
                row["result"] = .string("can't be undone: \(obstacle)")
            } else if stopped != nil {
                row["result"] = "left, because a later change could not be undone"
            } else {
                do throws(MMError) {
                    switch try await undo(step, &successors, notes: &notes) {
                    case .sent: row["result"] = "undone"
                    case .nothing: row["result"] = "nothing to do: it is as it was before"
                    case .left(let reason):
                        hasObstacle = true
                        row["result"] = .string("can't be undone: \(reason)")
                    }
                } catch {
                    guard entries.count > 1, error.code != .signInNeeded, error.code != .cancelled else { throw error }
                    stopped = error.message
                    row["result"] = .string("refused: \(error.message)")
                }
            }
            rows.append(.object(row))
        }
        var answer = OperationAnswer(
            .value(.array(rows)), notes: notes, columns: ["id", "change", "result"], connection: connection.name)
        if let stopped {
            answer.missing = "Not everything was undone: \(stopped)"
        } else if hasObstacle {
            answer.missing = "Not everything can be undone; the rows say what stays and why."
        }
        return answer
    }

    /// What came of taking a change back.
    private enum Ending {
        case sent
        case nothing
        case left(because: String)
    }

    private func undo(
        _ step: Step, _ successors: inout [String: String], notes: inout [String]
    ) async throws(MMError) -> Ending {
        var hasSent = false
        for (number, part) in step.parts.enumerated() {
            let present = try await channels.present(of: part.change)
            switch present.standing {
            case .asBefore:
                // An earlier run may have ended after it was sent and before that was noted.
                if number == step.parts.count - 1, let open = selection.openUndo(of: step.entry) {
                    try await services.journal.end(open, .done)
                }
                continue
            case .changed(let what): throw await refusal(step.entry, what)
            case .unknown where step.entry.outcome == .unknown:
                throw MMError(
                    .conflict,
                    "Nobody knows whether \(step.entry.id) was sent, and nothing tells whether it still stands.",
                    hint: "Look at the object: \(step.entry.request).")
            case .asLeft where step.entry.mayHaveChangedNothing: return .left(because: Self.doubt(step.entry))
            case .asLeft, .unknown: break
            }
            for (place, action) in part.actions.enumerated() {
                let isLast = number == step.parts.count - 1 && place == part.actions.count - 1
                let undoing = JournalNotes.Undoing(entry: step.entry.id, isPart: !isLast)
                let left = try await channels.carryOut(action, of: part.change, present, undoing, notes: &notes)
                if part.change.kind == .deletion, left?.kind == .creation, let new = left?.subject.id, !new.isEmpty {
                    successors[part.change.subject.id.lowercased()] = new
                }
                hasSent = true
            }
        }
        return hasSent ? .sent : .nothing
    }

    private func refusal(_ entry: JournalEntry, _ what: ObjectDifference) async -> MMError {
        let who = await channels.changedBy(entry)
        let lines = what.lines.prefix(5).joined(separator: "; ")
        return MMError(
            .conflict,
            "\(entry.change.objectText) has changed since (\(lines)): nothing was undone."
                + (who.map { " " + $0 } ?? ""),
            hint: selection.later(than: entry, besides: []).map {
                "mm undo \($0.id) takes the later change of \($0.client) back first."
            } ?? "mm undo show \(entry.id) shows how it was before; write back what is still wanted.",
            details: ["id": .string(entry.id), "changed": .array(what.lines.map { .string($0) })])
    }
}
