import MMCore
import MMOperations
import MMPool
import MMSessions
import MMSystem

/// `jobs` and `sessions` in a cluster: those of all nodes, and the jobs that went with one.
struct ClusterJobs: Sendable {
    let operation: AnyOperation
    /// The member of the answer that holds the rows, which has the operation's name.
    private var list: String { operation.declaration.name }
    let context: CallContext
    let local: LocalOperationService
    let member: ClusterMember

    /// How often they are looked at while somebody watches them.
    private static let interval = Duration.seconds(1)
    /// How long a node is waited for.
    private static let patience = Duration.seconds(5)

    func answer(watching: Bool) async throws(MMError) -> OperationAnswer {
        let deadline = Deadline.after(context.timeLimit)
        var told: String?
        while true {
            let answer = try await all()
            guard watching, deadline.remaining > Self.interval * 2, case .value(let value) = answer.body else {
                return answer
            }
            let running = (value["jobs"]?.array ?? []).filter { $0["state"]?.string == "running" }
            guard !running.isEmpty else { return answer }
            let text = running.map { "\($0["operation"]?.string ?? ""): \($0["progress"]?.string ?? "running")" }
                .joined(separator: " · ")
            if text != told { context.progress(ProgressReport(done: 0, message: text)) }
            told = text
            guard (try? await Task.sleep(for: Self.interval)) != nil else {
                throw MMError(.cancelled, "The watch was cancelled; the jobs keep running.")
            }
        }
    }

    private func all() async throws(MMError) -> OperationAnswer {
        var sent = context
        sent.isForwarded = true
        sent.timeLimit = Self.patience
        let own = try await local.call(operation, [:], in: sent)
        var rows = rows(own, at: member.options.address)
        var notes = own.notes
        let nodes: [NodeDirectory.Node]
        do throws(MMError) { nodes = try await member.directory.all() } catch {
            notes.append("\(error.message) Only the \(list) of this node are shown.")
            return answer(rows, own, notes, columns: own.columns)
        }
        var answered: Set<String> = [member.id]
        await withTaskGroup(of: (NodeDirectory.Node, [JSONValue]?).self) { group in
            for node in nodes where node.id != member.id && node.isAlive {
                group.addTask { [sent] in (node, await asked(node, sent)) }
            }
            for await (node, found) in group {
                if let found {
                    rows += found
                    answered.insert(node.id)
                } else {
                    notes.append("The node at \(node.address) does not answer.")
                }
            }
        }
        let alive = Set(nodes.filter(\.isAlive).map(\.id)).union(answered)
        if list == "jobs", let entries = try? await member.work?.jobs() {
            let owners = OperationJobs.reachableOwners(of: context)
            for entry in entries where !answered.contains(entry.node) && owners?.contains(entry.owner) ?? true {
                rows.append(.object(Self.row(entry, isGone: !alive.contains(entry.node))))
            }
        }
        func text(_ row: JSONValue, _ name: String) -> String { row[name]?.string ?? "" }
        rows.sort { (text($0, "started"), text($1, "session")) > (text($1, "started"), text($0, "session")) }
        // That nothing runs here says nothing of the others.
        if !rows.isEmpty { notes.removeAll(where: own.notes.contains) }
        return answer(rows, own, notes, columns: own.columns + ["node"])
    }

    /// What this node says, with the rows of all.
    private func answer(
        _ rows: [JSONValue], _ own: OperationAnswer, _ notes: [String], columns: [String]
    ) -> OperationAnswer {
        var value = JSONObject()
        if case .value(let whole) = own.body { value = whole.object ?? [:] }
        value[list] = .array(rows)
        return .value(.object(value), notes: notes, columns: columns)
    }

    private func asked(_ node: NodeDirectory.Node, _ sent: CallContext) async -> [JSONValue]? {
        guard let service = try? member.node(at: node.address, catalogue: local.catalogue) else { return nil }
        let outcome = OneShot<[JSONValue]?>()
        let call = Task { [operation] in
            outcome.resolve((try? await service.call(operation, [:], in: sent)).map { rows($0, at: node.address) })
        }
        let timer = Task {
            try? await Task.sleep(for: Self.patience)
            outcome.resolve(nil)
        }
        defer {
            timer.cancel()
            call.cancel()
        }
        return await withTaskCancellationHandler {
            await outcome.wait()
        } onCancel: {
            call.cancel()
        }
    }

    private func rows(_ answer: OperationAnswer, at address: String) -> [JSONValue] {
        guard case .value(let value) = answer.body else { return [] }
        return (value[list]?.array ?? []).map { row in
            var row = row.object ?? [:]
            row["node"] = .string(address)
            return .object(row)
        }
    }

    /// A job of a node that can't be asked.
    private static func row(_ entry: WorkDirectory.Entry, isGone: Bool) -> JSONObject {
        let isRunning = entry.state == nil || entry.state == JobReport.State.running.rawValue
        var row: JSONObject = [
            "job": .string(entry.handle), "operation": .string(entry.operation ?? ""),
            "started": .string(entry.started), "node": .string(entry.address),
            "state": .string(isRunning && isGone ? "gone" : entry.state ?? "running"),
        ]
        var text = entry.summary
        if isRunning, isGone {
            text = "went with its node" + (entry.isReading ? "" : ": whether it was done is unknown")
        }
        row["progress"] = text.map { .string($0) }
        return row
    }
}
