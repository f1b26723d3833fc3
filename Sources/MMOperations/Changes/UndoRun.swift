import MMCore
import MMGraph
import MMIdentity
import MMStates

/// Takes changes back, one after the other.
///
/// A run that ends in the middle goes on when it is called again: what is undone stands in the journal, and an undo of which
/// nobody knows whether it was sent is found by looking at the object.
struct UndoRun {
    let client: GraphClient
    let connection: Connection
    let selection: UndoSelection
    let services: RequestServices
    let context: OperationContext
    let confirmed: Bool

    /// A change with the requests that take it back.
    private struct Step: Sendable {
        let entry: JournalEntry
        let requests: [GraphRequest]
        /// Why it can't be taken back.
        let obstacle: String?
    }

    private var watch: WriteWatch {
        WriteWatch(client: client, connection: connection, requests: services, context: context)
    }

    private func step(_ entry: JournalEntry) throws(MMError) -> Step {
        if let reason = entry.change.reasonAgainstUndo { return Step(entry: entry, requests: [], obstacle: reason) }
        let base = try services.identity.cloud(of: connection).base(of: client.resource) ?? ""
        var requests: [GraphRequest] = []
        for inverse in entry.change.inverse(base: base) {
            let target = try client.target(inverse.path)
            if let body = inverse.body {
                requests.append(try GraphRequest(method: inverse.method, target: target, json: body))
            } else {
                requests.append(try GraphRequest(method: inverse.method, target: target))
            }
        }
        return Step(
            entry: entry, requests: requests, obstacle: requests.isEmpty ? "mm knows no request that does" : nil)
    }

    private func steps(_ entries: [JournalEntry]) throws(MMError) -> [Step] {
        var steps: [Step] = []
        for entry in entries { steps.append(try step(entry)) }
        return steps
    }

    private static func lines(_ step: Step) -> [String] {
        guard step.obstacle == nil else {
            return ["\(step.entry.id) stays: \(step.entry.change.title)", "  ! \(step.obstacle ?? "")"]
        }
        return ["\(step.entry.id) is taken back: \(step.entry.change.title)"]
            + step.entry.change.undoLines.map { "  " + $0 }
    }

    // MARK: Forecast

    /// What would be taken back.
    func forecast(_ entries: [JournalEntry]) async throws(MMError) -> OperationAnswer {
        context.record.note("dryRun", true)
        let steps = try steps(entries)
        if let first = steps.first, first.obstacle == nil,
            case .changed(let what) = try await standing(of: first.entry).0
        {
            throw await refusal(first.entry, what)
        }
        let rows = steps.map { step -> JSONValue in
            [
                "id": .string(step.entry.id), "change": .string(VisibleText.exact(step.entry.change.title)),
                "undo": .string(
                    step.obstacle.map { "can't be undone: \($0)" }
                        ?? step.requests.map { "\($0.method) \($0.target.path)" }.joined(separator: ", ")),
                "lines": .array(step.entry.change.undoLines.map { .string($0) }),
            ]
        }
        return OperationAnswer(
            .value(.array(rows)), notes: ["Dry run: nothing was changed."], columns: ["id", "change", "undo"],
            text: steps.flatMap(Self.lines).joined(separator: "\n"), connection: connection.name)
    }

    // MARK: Undoing

    /// Takes changes back in this order.
    func undo(_ entries: [JournalEntry]) async throws(MMError) -> OperationAnswer {
        let steps = try steps(entries)
        let requests = steps.flatMap(\.requests)
        guard !requests.isEmpty else {
            throw MMError(
                .unsupported, "This can't be undone: \(steps.first?.obstacle ?? "")",
                hint: "mm undo show \(entries[0].id) shows what it changed.")
        }
        if steps.count == 1, case .changed(let what) = try await standing(of: entries[0]).0 {
            throw await refusal(entries[0], what)
        }
        let clearance = RequestClearance(
            connection: connection, module: RequestResource.graph.module, guarding: services.guarding, context: context,
            confirmed: confirmed)
        try await clearance.settle(requests) { steps.flatMap(Self.lines) }
        return try await services.identity.waitingForSignIn(
            to: connection, resource: client.resource, in: context
        ) { () async throws(MMError) in
            try await carryOut(steps)
        }
    }

    private func carryOut(_ steps: [Step]) async throws(MMError) -> OperationAnswer {
        var rows: [JSONValue] = []
        var notes: [String] = []
        var stopped: String?
        for (number, step) in steps.enumerated() {
            context.call.progress(
                ProgressReport(
                    done: Double(number), total: Double(steps.count), message: step.entry.change.title))
            var row: JSONObject = [
                "id": .string(step.entry.id), "change": .string(VisibleText.exact(step.entry.change.title)),
            ]
            if let obstacle = step.obstacle {
                row["result"] = .string("can't be undone: \(obstacle)")
            } else if stopped != nil {
                row["result"] = "left, because a later change could not be undone"
            } else {
                do throws(MMError) {
                    row["result"] = .string(try await undo(step, notes: &notes))
                } catch {
                    guard steps.count > 1, error.code != .signInNeeded, error.code != .cancelled else { throw error }
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
        } else if steps.contains(where: { $0.obstacle != nil }) {
            answer.missing = "Not everything can be undone; the rows say what stays and why."
        }
        return answer
    }

    private func undo(_ step: Step, notes: inout [String]) async throws(MMError) -> String {
        let (standing, present) = try await standing(of: step.entry)
        switch standing {
        case .asBefore:
            // An earlier run may have ended after it was sent and before that was noted.
            if let open = selection.openUndo(of: step.entry) { try await services.journal.end(open, .done) }
            return "nothing to do: it is as it was before"
        case .changed(let what): throw await refusal(step.entry, what)
        case .unknown where step.entry.outcome == .unknown:
            throw MMError(
                .conflict, "Nobody knows whether \(step.entry.id) was sent, and nothing tells whether it still stands.",
                hint: "Look at the object: \(step.entry.request).")
        case .asLeft, .unknown: break
        }
        var undone: [String] = []
        for request in step.requests {
            let guarded = try request.guarded(by: present, of: step.entry.change)
            var write = WriteWatch.Write(
                request: guarded, change: step.entry.change.inverseChange(by: guarded, present))
            if write.change?.isBeforeKnown == false { write = await watch.writes([guarded]).first ?? write }
            _ = try await watch.sending([write], undoing: step.entry.id, notes: &notes) { () async throws(MMError) in
                try await client.send(guarded, deadline: context.deadline)
            }
            undone.append("\(guarded.method) \(guarded.target.path)")
        }
        return "undone"
    }

    /// What has become of a change, with the state that tells it.
    private func standing(of entry: JournalEntry) async throws(MMError) -> (Change.Standing, JSONValue?) {
        guard entry.change.presentPath != nil else { return (.unknown, nil) }
        let present = try await watch.present(of: entry.change)
        return (entry.change.standing(in: present), present)
    }

    private func refusal(_ entry: JournalEntry, _ what: ObjectDifference) async -> MMError {
        let who = await ChangedBy(client: client, deadline: context.deadline).sentence(on: entry)
        let lines = what.lines.prefix(5).joined(separator: "; ")
        return MMError(
            .conflict,
            "\(entry.change.objectText) has changed since (\(lines)): nothing was undone."
                + (who.map { " " + $0 } ?? ""),
            hint: "mm undo show \(entry.id) shows how it was before; write back what is still wanted.",
            details: ["id": .string(entry.id), "changed": .array(what.lines.map { .string($0) })])
    }
}

extension GraphRequest {
    /// The request for exactly the version that was looked at, where the service has versions.
    fileprivate func guarded(by present: JSONValue?, of change: Change) throws(MMError) -> GraphRequest {
        guard method == "PATCH" || method == "DELETE", [.properties, .creation].contains(change.kind),
            let etag = present?["@odata.etag"]?.string
        else { return self }
        return try GraphRequest(
            method: method, target: target, headers: ["If-Match": etag], body: body, contentType: contentType)
    }
}
